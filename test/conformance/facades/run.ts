import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseExpectedFailures } from "../bridge/expected-failures.ts";
import type { SharedRegistry, Witness } from "../shared-registry.ts";
import { freePort, startBadNetwork } from "../sources/network.ts";
import { beforeTheKill, type FacadeStage, facadeCases, leading } from "./cases.ts";
import type { FacadeKind } from "./users.ts";

/** Rows `registry user case: reason`; one that passes fails the run. */
const expected = parseExpectedFailures(readFileSync(new URL("expected-failures.txt", import.meta.url), "utf8"));

/** Runs the list over each user of a facade before a real registry: all cases beside each other, each with a facade of its own. Gives what of it sees the registry killed. */
export function describeFacade(name: string, kind: FacadeKind, shared: SharedRegistry): Witness {
  /** What ends a stage, all of it; the cases are done with theirs before the registry is killed. */
  const ends = new Map<FacadeStage, () => Promise<void>>();

  async function openStage(user: string, scope: string): Promise<FacadeStage> {
    const registry = shared.registry();
    const network = await registry.openNetwork(scope);
    const listen = { host: kind.host, port: freePort() };
    const facade = await kind.open(listen, network.address, leading([]));
    const own: (() => Promise<void>)[] = [() => facade.close(), () => network.stop()];
    const connect: FacadeStage["connect"] = (at = facade.address) => {
      const client = kind.users[user]!(at);
      own.unshift(() => client.close());
      return client;
    };
    const stage: FacadeStage = {
      ...{ kind, facade, network, connect, user: connect(), direct: connect(registry.address) },
      named: (service) => `${scope}-${service}`,
      put: (service, instances) => registry.put(service, instances),
      async distant() {
        const between = await startBadNetwork(kind.host, facade.address, kind.above);
        own.unshift(() => between.stop());
        return between;
      },
    };
    ends.set(stage, async () => {
      ends.delete(stage);
      for (const end of own) await end();
    });
    return stage;
  }

  describe.concurrent(`the facade of ${name}`, () => {
    for (const [at, { name: title, run }] of facadeCases.entries()) {
      for (const user of Object.keys(kind.users)) {
        const reason = expected.get(`${name} ${user} ${title}`);
        test(`${user}: ${title}`, async () => {
          const stage = await openStage(user, `${user.replace(" ", "-")}-${at}`);
          try {
            if (reason === undefined) await run(stage);
            else await expect(run(stage), `passes, though expected not to: ${reason}`).rejects.toThrow();
          } finally {
            await ends.get(stage)?.();
          }
        });
      }
    }
  });

  let afterwards: readonly (() => Promise<void>)[] = [];
  return {
    async prepare() {
      const users = Object.keys(kind.users);
      const stages = await Promise.all(users.map((user) => openStage(user, `${user.replace(" ", "-")}-killed`)));
      const checks = await Promise.all(stages.map(beforeTheKill));
      afterwards = checks.map((check, at) => async () => {
        await check().catch((error: Error) => {
          throw new Error(`${users[at]}: ${error.message}`, { cause: error });
        });
      });
    },
    async down() {},
    async back() {
      await Promise.all(afterwards.map((check) => check()));
    },
    async close() {
      await Promise.all([...ends.values()].map((end) => end()));
    },
  };
}
