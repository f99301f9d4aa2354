import type { Snapshot } from "../../model/snapshot.ts";

/** Rules and services as they are known; explanations without them have no places. */
export interface Known extends Pick<Snapshot, "entries" | "rules" | "mesh"> {
  /** The proxy elsewhere that is explained; absent for that of the instance itself, which many callers share. */
  readonly from?: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> };
}
