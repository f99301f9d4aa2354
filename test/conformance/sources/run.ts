import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { parseExpectedFailures } from "../bridge/expected-failures.ts";
import type { Reach, SharedRegistry, Witness } from "../shared-registry.ts";
import { afterTheKill, beforeTheKill, expectSound, type SourceStage, sourceCases, whileDown } from "./cases.ts";
import { followGuarded, type Guarded } from "./guarded.ts";
import type { Network } from "./registry.ts";
import { type Watched, watchSource } from "./watched.ts";

/** Rows `kind source case: reason`; one that passes fails the run. */
const expected = parseExpectedFailures(readFileSync(new URL("expected-failures.txt", import.meta.url), "utf8"));

/**
 * Runs the list over each source of a real registry: all cases beside each other, those that make the network bad by a network and a
 * source of their own. Gives what of it sees the registry killed.
 */
export function describeSources(
  kind: string,
  sources: readonly string[],
  shared: SharedRegistry,
  reach: Reach = {},
): Witness {
  const everything: Watched[] = [];
  const networks: Network[] = [];

  async function openStage(source: string, scope: string): Promise<SourceStage> {
    const registry = shared.registry();
    const network = await registry.openNetwork(scope);
    networks.push(network);
    const written = (service: string) => `${scope}-${service}`;
    const named = (service: string) => registry.shown?.name(written(service), scope) ?? written(service);
    const open = () => registry.sources[source]!(network.address, scope);
    const fresh = (): Watched => {
      const watched = watchSource(open(), named, registry.shown?.version);
      everything.push(watched);
      return watched;
    };
    const put: SourceStage["put"] = (service, instances) => registry.put(written(service), instances, scope);
    return { put, named, open, watched: fresh(), fresh, network, list: reach.lists?.[source] };
  }

  describe.concurrent(`sources of ${kind}`, () => {
    const common = new Map<string, SourceStage>();
    beforeAll(async () => {
      for (const source of sources) common.set(source, await openStage(source, `${kind}-${source}`));
    });
    for (const [at, { name, isHostile = false, needsList = false, isCostly = false, run }] of sourceCases.entries()) {
      if (isHostile && reach.isReachable === "always") continue;
      const able = needsList ? sources.filter((source) => reach.lists?.[source] !== undefined) : sources;
      for (const source of isCostly ? able.slice(0, 1) : able) {
        const reason = expected.get(`${kind} ${source} ${name}`);
        test(`${source}: ${name}`, async () => {
          const stage = isHostile ? await openStage(source, `${kind}-${source}-${at}`) : common.get(source)!;
          if (reason !== undefined)
            await expect(run(stage), `passes, though expected not to: ${reason}`).rejects.toThrow();
          else await run(stage);
          if (isHostile) await stage.watched.stop();
        });
      }
    }
  });

  let stages: readonly SourceStage[] = [];
  let guarded: readonly Guarded[] = [];
  return {
    async prepare() {
      stages = await Promise.all(sources.map((source) => openStage(source, `${kind}-${source}-lost`)));
      await beforeTheKill(stages);
      guarded = await Promise.all(stages.map(followGuarded));
    },
    down: () => whileDown(stages),
    async empty() {
      await Promise.all(guarded.map((one) => one.isHeld()));
    },
    async back() {
      await Promise.all(guarded.map((one) => one.isWhole()));
      await afterTheKill(stages);
    },
    sound() {
      expect(everything.length).toBeGreaterThan(sources.length);
      for (const watched of everything) expectSound(watched, shared.registry().knowsEmpty);
    },
    async close() {
      await Promise.all(guarded.map((one) => one.stop()));
      await Promise.all(everything.map((watched) => watched.stop()));
      await Promise.all(networks.map((network) => network.stop()));
    },
  };
}
