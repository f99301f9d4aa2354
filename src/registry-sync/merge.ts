import type { Consumer, Endpoint, Entry, Finding, World } from "../model/entry.ts";
import type { ServiceSchema } from "../model/schema.ts";
import { printServiceKey } from "../model/service.ts";
import { sameItems } from "./block-list.ts";
import { compareEndpoints, compareText, endpointId } from "./dubbo-endpoint.ts";
import { finding } from "./findings.ts";

/** All registries as one. */
export interface Merged {
  /** Sorted by host, each host once. */
  readonly entries: readonly Entry[];
  /** In order of the worlds. */
  readonly consumers: readonly Consumer[];
  /** In order of the worlds, then those of the merge itself. */
  readonly findings: readonly Finding[];
}

/** What an entry was made of, so that an unchanged one keeps its identity from merge to merge. */
const parts = new WeakMap<Entry, readonly Entry[]>();

/**
 * Joins the worlds of all registries, in the order given (that of the configuration). A service is one entry wherever it
 * stands; an endpoint (protocol, address, port) that stands in several registries is one endpoint and keeps the origin,
 * weight and parameters that the first of them gives it. Of two services that share a host (they differ in the case of
 * letters alone) the first by key is kept and the other is left out, with TR0140. Entries that did not change since
 * `before` are the same objects.
 */
export function merge(worlds: readonly World[], before?: Merged): Merged {
  const only = worlds.length === 1 ? worlds[0] : undefined;
  if (only !== undefined && isAscending(only.entries)) {
    return { entries: only.entries, consumers: only.consumers, findings: only.findings };
  }
  const byHost = new Map<string, Entry[]>();
  for (const world of worlds) {
    for (const entry of world.entries) {
      const list = byHost.get(entry.host);
      if (list === undefined) byHost.set(entry.host, [entry]);
      else list.push(entry);
    }
  }
  const old = new Map(worlds.length > 1 ? before?.entries.map((entry) => [entry.host, entry]) : []);
  const findings: Finding[] = worlds.flatMap((world) => world.findings);
  const entries: Entry[] = [];
  for (const [host, list] of byHost) {
    const first = list[0]!;
    if (list.length === 1) {
      entries.push(first);
      continue;
    }
    const one = oneService(list, findings);
    entries.push(one.length === 1 ? one[0]! : combine(one, old.get(host)));
  }
  entries.sort((a, b) => compareText(a.host, b.host));
  return { entries, consumers: worlds.flatMap((world) => world.consumers), findings };
}

/** What the worlds say of the types of calls, each interface once, as the first of them has it; `before` where that is the same. */
export function mergeSchemas(
  worlds: readonly Pick<World, "schemas">[],
  before: readonly ServiceSchema[],
): readonly ServiceSchema[] {
  const found = new Map<string, ServiceSchema>();
  for (const { schemas = [] } of worlds) {
    for (const schema of schemas) if (!found.has(schema.name)) found.set(schema.name, schema);
  }
  const merged = [...found.values()];
  return sameItems(before, merged) ? before : merged;
}

function isAscending(entries: readonly Entry[]): boolean {
  return entries.every((entry, index) => index === 0 || entries[index - 1]!.host < entry.host);
}

/** The entries of the first service by key; the others of the same host are reported. */
function oneService(list: readonly Entry[], findings: Finding[]): readonly Entry[] {
  const keys = [...new Set(list.map((entry) => printServiceKey(entry.service)))].sort(compareText);
  const kept = keys[0]!;
  for (const key of keys.slice(1)) {
    const message = `${key} has the same host as ${kept} (${list[0]!.host}) and is left out; rename one of them`;
    findings.push(finding("TR0140", message, key));
  }
  return list.filter((entry) => printServiceKey(entry.service) === kept);
}

function combine(entries: readonly Entry[], before: Entry | undefined): Entry {
  const made = before && parts.get(before);
  if (before && made && sameItems(made, entries)) return before;
  const endpoints = new Map<string, Endpoint>();
  for (const entry of entries) {
    for (const endpoint of entry.endpoints) {
      const id = endpointId(endpoint);
      if (!endpoints.has(id)) endpoints.set(id, endpoint);
    }
  }
  const sorted = Object.freeze([...endpoints.values()].sort(compareEndpoints));
  const merged = Object.freeze({ host: entries[0]!.host, service: entries[0]!.service, endpoints: sorted });
  parts.set(merged, entries);
  return merged;
}
