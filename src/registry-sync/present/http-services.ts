import type { Endpoint, Entry } from "../../model/entry.ts";
import { INBOUND_LABELS } from "../../model/inbound.ts";

/** What a world's services that speak HTTP (Spring Cloud's) say of themselves, read once for each entry. */

/** What stands for all instances of such a service. */
export interface HttpService {
  /** What their metadata agree on. Keys sorted. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Whether one of them takes calls. */
  readonly isUp: boolean;
}

/** Whether an endpoint of that protocol is called by HTTP. */
export function isHttp(protocol: string): boolean {
  return protocol === "http" || protocol === "https";
}

/** The endpoints of an entry that are called by HTTP. */
export function httpEndpoints({ endpoints }: Entry): readonly Endpoint[] {
  return endpoints.filter(({ protocol }) => isHttp(protocol));
}

/** The metadata on which instances, of which there must be one, agree; keys sorted. */
export function agreedMetadata([first, ...others]: readonly Endpoint[]): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null);
  for (const key of Object.keys(first!.params).sort()) {
    if (INBOUND_LABELS.includes(key)) continue;
    const value = first!.params[key]!;
    if (others.every(({ params }) => params[key] === value)) metadata[key] = value;
  }
  return metadata;
}

const byName = new WeakMap<readonly Entry[], ReadonlyMap<string, Entry>>();
const known = new WeakMap<Entry, HttpService>();

function indexOf(entries: readonly Entry[]): ReadonlyMap<string, Entry> {
  let index = byName.get(entries);
  if (index === undefined) {
    const plain = entries.filter(({ service }) => service.group === "" && service.version === "");
    index = new Map(plain.filter((one) => httpEndpoints(one).length > 0).map((one) => [one.service.interface, one]));
    byName.set(entries, index);
  }
  return index;
}

/** The names of the HTTP services (of no group) among a world's entries, in the entries' order. */
export function httpNamesIn(entries: readonly Entry[]): readonly string[] {
  return [...indexOf(entries).keys()];
}

/** The HTTP service of that name (and no group) among a world's entries; undefined where there is none. */
export function httpServiceIn(entries: readonly Entry[], name: string): HttpService | undefined {
  const entry = indexOf(entries).get(name);
  if (entry === undefined) return undefined;
  let service = known.get(entry);
  if (service === undefined) {
    const endpoints = httpEndpoints(entry);
    const isUp = endpoints.some(({ disabled }) => !disabled);
    service = Object.freeze({ metadata: Object.freeze(agreedMetadata(endpoints)), isUp });
    known.set(entry, service);
  }
  return service;
}
