import { isDnsName, UNIX } from "../../base/address.ts";
import type { ClusterLoadAssignment } from "../../codecs/xds/endpoint.ts";
import type { ResourceSet } from "../../codecs/xds/resources.ts";
import { indexOf, listVersion, type ServedList, type ServedResource, type ServedSet } from "../../codecs/xds/served.ts";
import type { Entry } from "../../model/entry.ts";
import { hashText } from "../../model/hash-text.ts";
import { contentVersion } from "../../model/snapshot.ts";
import { compareText } from "../rules/findings.ts";

/** A protobuf message in proto3's JSON form; what it may hold is checked where it becomes bytes. */
export type ProtoJson = Readonly<Record<string, unknown>>;

/** Where a client finds resources that others name: on the stream that it has already. */
export const ADS: ProtoJson = { ads: {}, resourceApiVersion: "V3" };

/** Gives a resource the version of its content. */
export function versioned(name: string, resource: ProtoJson): ServedResource {
  return { name, version: contentVersion(resource), resource };
}

const ready = new WeakSet<ServedList>();

/**
 * A list in order of names; of two resources of one name the first stays. What is in `before` with the same version is the same object
 * here, and where nothing changed the list is `before`.
 */
export function servedList(list: ServedList, before: ServedList = []): ServedList {
  if (ready.has(list)) return list;
  const known = indexOf(before);
  const byName = new Map<string, ServedResource>();
  for (const one of list) {
    if (byName.has(one.name)) continue;
    const old = known.get(one.name);
    byName.set(one.name, old?.version === one.version ? old : one);
  }
  const all = [...byName.values()].sort((a, b) => compareText(a.name, b.name));
  const made = all.length === before.length && all.every((one, i) => one === before[i]) ? before : all;
  ready.add(made);
  return made;
}

/** Makes a set of lists by {@link servedList}; the set is `before` where its content is the same. */
export function targetSet(lists: Readonly<Record<string, ServedList>>, before?: ServedSet): ServedSet {
  const types = new Map<string, ServedList>();
  for (const [typeUrl, list] of Object.entries(lists)) types.set(typeUrl, servedList(list, before?.types.get(typeUrl)));
  const version = hashText([...types].map(([typeUrl, list]) => `${typeUrl} ${listVersion(list)}`).join("\n"));
  return version === before?.version ? before : { version, types };
}

/** Remembers sets by what a node asked for, so that nodes that ask for the same get the same; forgets all when there are very many. */
export class SetMemory<Key extends object> {
  readonly #last = new Map<string, { readonly of: Key; readonly set: ServedSet }>();

  /** The set for `text`, made anew where `of` is another thing than before. */
  get(of: Key, text: string, make: (before: ServedSet | undefined) => ServedSet): ServedSet {
    const known = this.#last.get(text);
    if (known?.of === of) return known.set;
    if (known === undefined && this.#last.size >= MAX_SETS) this.#last.clear();
    const set = make(known?.set);
    this.#last.set(text, { of, set });
    return set;
  }
}

const byHost = new WeakMap<readonly Entry[], ReadonlyMap<string, Entry>>();

/** Services by host; made once for all clients. */
export function entriesByHost(entries: readonly Entry[]): ReadonlyMap<string, Entry> {
  let map = byHost.get(entries);
  if (map === undefined) {
    map = new Map(entries.map((entry) => [entry.host, entry]));
    byHost.set(entries, map);
  }
  return map;
}

/** What was made of one set of resources. */
interface Scoped<T> {
  readonly resources: ResourceSet;
  readonly entries: readonly Entry[];
  readonly also: unknown;
  readonly made: T;
}

/** Most sets of resources that have their virtual hosts in common. */
const MAX_ALIKE = 8;

/** Remembers what was made of sets of resources as long as these are there, told apart by the identity of their lists: clients in one place share it. */
export class ScopeMemory<T> {
  readonly #known = new WeakMap<ResourceSet["virtualHosts"], readonly Scoped<T>[]>();
  #last: T | undefined;

  /** What was made of the same lists (and the same `also`), or what `make` makes now; `before` is what was made last. */
  get(resources: ResourceSet, entries: readonly Entry[], make: (before: T | undefined) => T, also?: unknown): T {
    const alike = this.#known.get(resources.virtualHosts) ?? [];
    const known = alike.find(
      (one) =>
        one.entries === entries &&
        one.also === also &&
        one.resources.routes === resources.routes &&
        one.resources.clusters === resources.clusters &&
        one.resources.endpoints === resources.endpoints,
    );
    if (known !== undefined) return known.made;
    const made = make(alike[0]?.made ?? this.#last);
    this.#last = made;
    this.#known.set(resources.virtualHosts, [{ resources, entries, also, made }, ...alike.slice(0, MAX_ALIKE - 1)]);
    return made;
  }
}

/** Most sets that are remembered: nodes say what they like of themselves. */
const MAX_SETS = 4_096;

/** What providers speak towards other proxies than Trestle's: Dubbo2, HTTP/2 (Triple and gRPC), HTTP/1.1. */
export type Spoken = "dubbo" | "tri" | "http";

/** The port by which a service's name stands in one protocol. */
export interface ServicePort {
  readonly protocol: Spoken;
  readonly port: number;
}

const SPOKEN: readonly Spoken[] = ["dubbo", "tri", "http"];
const ports = new WeakMap<Entry, readonly ServicePort[]>();

/**
 * The ports of a service: for each protocol that a provider speaks the one that an object says, else the lowest that one has. Dubbo2 at 20880 for a service without
 * providers, since its clusters are named so.
 */
export function servicePorts(entry: Entry): readonly ServicePort[] {
  const known = ports.get(entry);
  if (known !== undefined) return known;
  const found = SPOKEN.flatMap((protocol): ServicePort[] => {
    const own = entry.endpoints.filter((one) => one.protocol === protocol && !isJavaOverHttp(one));
    if (own.length === 0) return [];
    const said = entry.ports?.find((one) => one.protocol === protocol)?.port;
    return [{ protocol, port: said ?? own.reduce((least, { port }) => Math.min(least, port), 65_535) }];
  });
  const list = found.length > 0 ? found : [{ protocol: "dubbo", port: 20_880 } as const];
  ports.set(entry, list);
  return list;
}

/** What Dubbo calls `http` is Java objects in HTTP: its provider URLs name their interface. */
function isJavaOverHttp({ protocol, params }: Entry["endpoints"][number]): boolean {
  return protocol === "http" && params.interface !== undefined;
}

/** A cluster's name, `outbound|PORT|SUBSET|HOST`, taken apart; undefined for another form. */
export function parseClusterName(name: string): { port: number; subset: string; host: string } | undefined {
  const [direction, port, subset, ...host] = name.split("|");
  if (direction !== "outbound" || subset === undefined || host.length === 0) return undefined;
  return { port: Number(port), subset, host: host.join("|") };
}

/** What an endpoint speaks; Dubbo2 where it does not say. */
export function spokenBy(endpoint: ClusterLoadAssignment["endpoints"][number]["lbEndpoints"][number]): Spoken {
  return endpoint.metadata?.filterMetadata["io.trestle"]?.protocol ?? "dubbo";
}

/** An address as Envoy has it, where it may be a Unix socket. */
export function addressOf(address: string, portValue: number): ProtoJson {
  return address.startsWith(UNIX)
    ? { pipe: { path: address.slice(UNIX.length) } }
    : { socketAddress: { address, portValue } };
}

/** Those of some places that an Envoy takes in one cluster: of such that have DNS names, no Unix sockets. */
export function alike<T extends { readonly address: string }>(places: readonly T[]): readonly T[] {
  return places.some(({ address }) => isDnsName(address))
    ? places.filter(({ address }) => !address.startsWith(UNIX))
    : places;
}
