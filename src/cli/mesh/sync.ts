import { printAddress } from "../../base/address.ts";
import type { DiffReport } from "../../control/admin/sources.ts";
import type { Sink, SyncState } from "../../registry-sync/contracts.ts";
import { diffRows } from "../../registry-sync/diff.ts";
import { plan } from "../../registry-sync/merge/plan.ts";
import { createFilesSink } from "../../registry-sync/sinks/files.ts";
import type { TrestleConfig } from "../config/config.ts";
import { serviceEntryStyle } from "./shaping.ts";

/** Whose entries Trestle writes and may change. */
export const OWNER = "trestle";

/** Whether an address is that of a worker or of another instance's proxy. */
export function isOwn(
  { host, bind, dubbo, tri, advertise }: TrestleConfig["proxy"],
  address: string,
  port: number,
): boolean {
  if ((address === host || address === bind) && [...dubbo, ...tri].includes(port)) return true;
  const text = printAddress(address, port);
  return advertise.includes(text) || advertise.includes(`tri://${text}`);
}

/** The configured outputs as sinks. */
export function openOutputs(config: TrestleConfig): Sink[] {
  const style = serviceEntryStyle(config);
  return config.outputs.map(({ files }) => createFilesSink({ directory: files, owner: OWNER, style }));
}

/** What a sync would do to an output now, and what stands in its way there. */
export async function planFor(sink: Sink, state: Pick<SyncState, "entries" | "silent">): Promise<DiffReport> {
  const policy = {
    owner: OWNER,
    silent: state.silent,
    ...(sink.stored && { stored: sink.stored.bind(sink) }),
  };
  const { changes, findings } = plan(state.entries, await sink.current(), policy);
  const rows = diffRows(changes);
  return {
    output: sink.name,
    changes: rows.map(({ change, host, details }) => ({ action: change, host, detail: details.join("; ") })),
    findings,
  };
}
