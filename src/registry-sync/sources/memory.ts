import { Latest } from "../../base/latest.ts";
import type { World } from "../../model/entry.ts";
import type { Source } from "../contracts.ts";

/** A source whose world is set by hand: for demos and tests. */
export interface MemorySource extends Source {
  /** Yields this world next; of several set in one go only the last is seen. */
  set(world: Omit<World, "name">): void;
}

/** Yields nothing until the first `set`, as a registry that has not answered yet. */
export function createMemorySource(name: string): MemorySource {
  const latest = new Latest<World | undefined>(undefined);
  return {
    name,
    set: (world) => latest.set(Object.freeze({ ...world, name })),
    async *watch(signal) {
      for await (const world of latest.watch(signal)) if (world !== undefined) yield world;
    },
  };
}
