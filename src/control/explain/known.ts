import type { Snapshot } from "../../model/snapshot.ts";

/** Rules and services as they are known; explanations without them have no places. */
export type Known = Pick<Snapshot, "entries" | "rules" | "mesh">;
