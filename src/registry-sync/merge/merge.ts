import { BlockList, sameItems } from "../../base/block-list.ts";
import type { Consumer, Endpoint, Entry, Finding, FurtherPort, World } from "../../model/entry.ts";
import { entryChanges } from "../../model/entry-changes.ts";
import type { ServiceSchema } from "../../model/schema.ts";
import { printServiceKey } from "../../model/service.ts";
import { compareEndpoints, compareText, endpointId } from "../dubbo/endpoint.ts";
import { finding } from "../findings.ts";
import { ORIGIN_PARAM } from "../present/elsewhere.ts";

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

/** What is known of how a merge was made, for the next one; taken over by it. */
const memories = new WeakMap<Merged, MergeMemory>();

/**
 * Joins the worlds of all registries, in the order given (that of the configuration). A service is one entry wherever it
 * stands; an endpoint (protocol, address, port) that stands in several registries is one endpoint and keeps the origin,
 * weight and parameters that the first of them gives it. What another Trestle shows of its other registries is left out where
 * the service has endpoints of its own: calls would go round between two that mirror each other's facades. Of two services that share a host (they differ in the case of
 * letters alone) the first by key is kept and the other is left out, with TR0140. Entries that did not change since
 * `before` are the same objects, lists in which nothing changed the same lists, and only hosts whose entries in some world
 * became others are joined again.
 */
export function merge(worlds: readonly World[], before?: Merged): Merged {
  const known = before && memories.get(before);
  const memory = known?.fits(worlds) === true ? known : new MergeMemory(worlds.map(({ name }) => name));
  if (before !== undefined && known === memory) memories.delete(before);
  const merged = memory.update(worlds, before);
  memories.set(merged, memory);
  return merged;
}

class MergeMemory {
  /** Of each world, its entries and what they are by host. */
  readonly #worlds: {
    readonly name: string;
    entries: readonly Entry[];
    readonly byHost: Map<string, readonly Entry[]>;
  }[];
  readonly #merged = new BlockList<Entry>();
  readonly #byHost = new Map<string, Entry>();
  /** TR0140, by host. */
  readonly #clashes = new Map<string, readonly Finding[]>();
  #consumers: readonly (readonly Consumer[])[] = [];
  #findings: readonly (readonly Finding[])[] = [];

  constructor(names: readonly string[]) {
    this.#worlds = names.map((name) => ({ name, entries: [], byHost: new Map() }));
  }

  fits(worlds: readonly World[]): boolean {
    return worlds.length === this.#worlds.length && worlds.every(({ name }, i) => name === this.#worlds[i]!.name);
  }

  update(worlds: readonly World[], before: Merged | undefined): Merged {
    const touched = new Set<string>();
    for (const [index, { entries }] of worlds.entries()) {
      const one = this.#worlds[index]!;
      const { gone, came } = entryChanges(one.entries, entries);
      one.entries = entries;
      for (const entry of gone) {
        touched.add(entry.host);
        const rest = (one.byHost.get(entry.host) ?? []).filter((other) => other !== entry);
        if (rest.length > 0) one.byHost.set(entry.host, rest);
        else one.byHost.delete(entry.host);
      }
      for (const entry of came) {
        touched.add(entry.host);
        one.byHost.set(entry.host, [...(one.byHost.get(entry.host) ?? []), entry]);
      }
    }
    let hasOtherClashes = false;
    for (const host of touched) hasOtherClashes = this.#join(host, before) || hasOtherClashes;
    const consumers = worlds.map((world) => world.consumers);
    const findings = worlds.map((world) => world.findings);
    const keepsConsumers = before !== undefined && sameItems(consumers, this.#consumers);
    const keepsFindings = before !== undefined && sameItems(findings, this.#findings) && !hasOtherClashes;
    this.#consumers = consumers;
    this.#findings = findings;
    return {
      entries: this.#merged.get(),
      consumers: keepsConsumers ? before.consumers : joined(consumers),
      findings: keepsFindings ? before.findings : joined([...findings, ...this.#clashes.values()]),
    };
  }

  /** Says whether services that share the host are told otherwise now. */
  #join(host: string, before: Merged | undefined): boolean {
    const list = this.#worlds.flatMap(({ byHost }) => byHost.get(host) ?? []);
    const findings: Finding[] = [];
    const one = list.length > 1 ? oneService(list, findings) : list;
    const old = before === undefined ? undefined : this.#byHost.get(host);
    const entry = one.length > 1 ? combine(one, old) : one[0];
    this.#merged.replace(host, entry === undefined ? [] : [entry]);
    if (entry === undefined) this.#byHost.delete(host);
    else this.#byHost.set(host, entry);
    const had = this.#clashes.get(host) ?? [];
    if (findings.length > 0) this.#clashes.set(host, findings);
    else this.#clashes.delete(host);
    return JSON.stringify(had) !== JSON.stringify(findings);
  }
}

/** One list of several; itself where there is one alone. */
function joined<T>(lists: readonly (readonly T[])[]): readonly T[] {
  const filled = lists.filter(({ length }) => length > 0);
  return filled.length === 1 ? filled[0]! : filled.flat();
}

/** What the worlds say of the types of calls, each interface once, as the first of them has it; `before` where that is the same. */
export function mergeSchemas(
  worlds: readonly Pick<World, "schemas">[],
  before: readonly ServiceSchema[],
): readonly ServiceSchema[] {
  const lists = worlds.flatMap(({ schemas = [] }) => (schemas.length > 0 ? [schemas] : []));
  const first = lists[0];
  if (first === undefined) return before.length === 0 ? before : [];
  let known = mergedSchemas.get(first);
  if (known === undefined || !sameItems(known.lists, lists)) {
    const found = new Map<string, ServiceSchema>();
    for (const schema of lists.flat()) if (!found.has(schema.name)) found.set(schema.name, schema);
    known = { lists, merged: [...found.values()] };
    mergedSchemas.set(first, known);
  }
  return sameItems(before, known.merged) ? before : known.merged;
}

/** The last merge of schemas, by its first list. */
const mergedSchemas = new WeakMap<
  readonly ServiceSchema[],
  { readonly lists: readonly (readonly ServiceSchema[])[]; readonly merged: readonly ServiceSchema[] }
>();

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
      const known = endpoints.get(id);
      if (known === undefined || (!isOwn(known) && isOwn(endpoint))) endpoints.set(id, endpoint);
    }
  }
  const own = [...endpoints.values()].filter(isOwn);
  const kept = own.length > 0 ? own : [...endpoints.values()];
  const sorted = Object.freeze(kept.sort(compareEndpoints));
  const routing = entries.find((entry) => entry.routing !== undefined)?.routing;
  const merged = Object.freeze({
    ...entries[0]!,
    endpoints: sorted,
    ...(routing !== undefined && { routing }),
    ...furtherOf(entries),
  });
  parts.set(merged, entries);
  return merged;
}

/** The further ports of all, of one number together; nothing where none has any. */
function furtherOf(entries: readonly Entry[]): Pick<Entry, "further"> {
  const ports = new Map<string, FurtherPort>();
  for (const one of entries.flatMap(({ further = [] }) => further)) {
    const id = `${one.protocol} ${one.port}`;
    const known = ports.get(id)?.endpoints ?? [];
    const ids = new Set(known.map(endpointId));
    const all = [...known, ...one.endpoints.filter((endpoint) => !ids.has(endpointId(endpoint)))];
    ports.set(id, { ...one, endpoints: Object.freeze(all.sort(compareEndpoints)) });
  }
  return ports.size === 0 ? {} : { further: Object.freeze([...ports.values()]) };
}

/** Whether a registry has it from a provider, and not from another Trestle that shows what its other registries hold. */
function isOwn({ params }: Endpoint): boolean {
  return params[ORIGIN_PARAM] === undefined;
}
