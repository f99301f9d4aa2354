import type { Endpoint, Entry } from "../model/entry.ts";
import { printServiceKey } from "../model/service.ts";
import type { Changes } from "./contracts.ts";
import { compareText, endpointId } from "./dubbo/endpoint.ts";
import { isSecretParam } from "./entries/endpoint-records.ts";

/** One entry's change, as plain values: what `trestle diff` prints in any format. */
export interface DiffRow {
  readonly change: "create" | "update" | "delete";
  readonly host: string;
  readonly service: string;
  /** How many endpoints the entry has afterwards. */
  readonly endpoints: number;
  /** `+ endpoint`, `- endpoint` or `~ endpoint field: before -> after`, in order of endpoints. */
  readonly details: readonly string[];
}

/** What changes would do, entry by entry: creates, updates, deletes, each by host. Secrets are named, never shown. */
export function diffRows(changes: Changes): readonly DiffRow[] {
  return [
    ...changes.create.map((entry) => rowOf("create", entry, entry.endpoints.length, linesOf("+", entry.endpoints))),
    ...changes.update.map(({ before, after }) =>
      rowOf("update", after, after.endpoints.length, endpointChanges(before.endpoints, after.endpoints)),
    ),
    ...changes.delete.map((entry) => rowOf("delete", entry, 0, linesOf("-", entry.endpoints))),
  ];
}

/** Prints rows for a person: one line an entry, its details below it, a count at the end. */
export function printDiff(rows: readonly DiffRow[]): string {
  if (rows.length === 0) return "no changes\n";
  const signs = { create: "+", update: "~", delete: "-" } as const;
  const lines = rows.flatMap((row) => [
    `${signs[row.change]} ${row.host}  (${row.service}, ${row.endpoints} ${row.endpoints === 1 ? "endpoint" : "endpoints"})`,
    ...row.details.map((detail) => `    ${detail}`),
  ]);
  const count = (change: DiffRow["change"]) => rows.filter((row) => row.change === change).length;
  lines.push(`${count("create")} to create, ${count("update")} to change, ${count("delete")} to remove`);
  return `${lines.join("\n")}\n`;
}

/** How many endpoints went, came and changed; the audit log's numbers. */
export function endpointCounts(
  before: readonly Endpoint[],
  after: readonly Endpoint[],
): { added: number; removed: number } {
  const old = new Set(before.map(endpointId));
  const now = new Set(after.map(endpointId));
  return {
    added: after.filter((one) => !old.has(endpointId(one))).length,
    removed: [...old].filter((id) => !now.has(id)).length,
  };
}

function rowOf(change: DiffRow["change"], entry: Entry, endpoints: number, details: readonly string[]): DiffRow {
  return { change, host: entry.host, service: printServiceKey(entry.service), endpoints, details };
}

function linesOf(sign: "+" | "-", endpoints: readonly Endpoint[]): readonly string[] {
  return endpoints.map((endpoint) => `${sign} ${endpointId(endpoint)}`);
}

function endpointChanges(before: readonly Endpoint[], after: readonly Endpoint[]): readonly string[] {
  const old = new Map(before.map((endpoint) => [endpointId(endpoint), endpoint]));
  const lines: string[] = [];
  for (const endpoint of after) {
    const id = endpointId(endpoint);
    const was = old.get(id);
    old.delete(id);
    if (was === undefined) lines.push(`+ ${id}`);
    else lines.push(...fieldChanges(was, endpoint).map((change) => `~ ${id} ${change}`));
  }
  return [...lines, ...linesOf("-", [...old.values()])];
}

function fieldChanges(before: Endpoint, after: Endpoint): readonly string[] {
  const changes: string[] = [];
  for (const field of ["weight", "disabled", "tag", "startedAtMs", "warmupMs", "payloadBytes", "origin"] as const) {
    if (before[field] !== after[field]) changes.push(`${field}: ${show(before[field])} -> ${show(after[field])}`);
  }
  const keys = new Set([...Object.keys(before.params), ...Object.keys(after.params)]);
  for (const key of [...keys].sort(compareText)) {
    const [was, is] = [before.params[key], after.params[key]];
    if (was === is) continue;
    changes.push(isSecretParam(key) ? `${key}: (changed)` : `${key}: ${show(was)} -> ${show(is)}`);
  }
  return changes;
}

function show(value: string | number | boolean | undefined): string {
  if (value === undefined) return "(none)";
  const text = value === "" ? '""' : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
