import { afterAll, beforeAll, describe, test } from "vitest";
import { requireNamespace } from "../support/netns.ts";
import { stopAll } from "../support/process.ts";
import type { ListOf } from "./sources/impostor.ts";
import type { SourceRegistry } from "./sources/registry.ts";

/** A registry that is started once for all lists of a file. */
export interface SharedRegistry<R extends SourceRegistry = SourceRegistry> {
  /** Throws before it is there. */
  registry(): R;
}

/** Starts it before the tests of the file and stops it after them; one that is local has no server, and needs no network of its own. */
export function sharedRegistry<R extends SourceRegistry>(
  start: () => Promise<R>,
  { isLocal = false }: { readonly isLocal?: boolean } = {},
): SharedRegistry<R> {
  let started: R | undefined;
  beforeAll(async () => {
    if (!isLocal) requireNamespace();
    started = await start();
  }, 200_000);
  afterAll(async () => {
    await started?.stop();
    await stopAll();
  });
  return {
    registry() {
      if (started === undefined) throw new Error("the registry has not started");
      return started;
    },
  };
}

/** What is there when a registry is killed and started again. */
export interface Witness {
  /** Before the kill. */
  prepare(): Promise<void>;
  /** While nobody answers. */
  down(): Promise<void>;
  /** Once it answers again and holds nothing. */
  empty?(): Promise<void>;
  /** Once it is back with all that it held, or was told again. */
  back(): Promise<void>;
  /** After all of it: what holds of everything that was seen. */
  sound?(): void;
  close(): Promise<void>;
}

/** What can be wrong with a registry. */
export interface Reach {
  /** What is in memory is never out of reach. */
  readonly isReachable?: "always";
  /** By source: what a registry answers that holds one service, where a source reads text. */
  readonly lists?: Readonly<Record<string, ListOf>>;
}

/** The last thing that a file does: the registry is killed and started again, then empty, before all who saw it. */
export function describeKill(shared: SharedRegistry, witnesses: readonly Witness[], reach: Reach = {}): void {
  describe("a registry that is killed and started again", () => {
    afterAll(async () => {
      await Promise.all(witnesses.map((witness) => witness.close()));
    });
    test("takes nothing away, not when it answers that it holds nothing; what registered by the facade is there again", async () => {
      const registry = shared.registry();
      await Promise.all(witnesses.map((witness) => witness.prepare()));
      await registry.kill();
      if (reach.isReachable !== "always") await Promise.all(witnesses.map((witness) => witness.down()));
      await registry.restart();
      await registry.empty();
      await Promise.all(witnesses.map((witness) => witness.empty?.()));
      await registry.putBack();
      await Promise.all(witnesses.map((witness) => witness.back()));
    });
    test("every world of every source was sound: origins, ports, weights, no service or address twice, nothing thrown", () => {
      for (const witness of witnesses) witness.sound?.();
    });
  });
}
