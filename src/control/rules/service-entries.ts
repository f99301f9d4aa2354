import { type Endpoint, type Entry, plainEndpoint } from "../../model/entry.ts";
import type { Rule, ServiceEntry, ServiceEntryEndpoint, ServiceEntryPort } from "../../model/rule.ts";
import { serviceKey } from "../../model/service.ts";
import { compareText } from "./findings.ts";

/** Origin of endpoints that rules list. */
export const RULES_ORIGIN = "rules";

const made = new WeakMap<ServiceEntry, readonly Entry[]>();

/**
 * The entries with those that ServiceEntry rules add: what a registry knows stays as it is, and of two rules for one host the older
 * counts. Entries made from one and the same rule are the same objects.
 */
export function withServiceEntries(entries: readonly Entry[], rules: readonly Rule[]): readonly Entry[] {
  const hosts = new Set(entries.map(({ host }) => host));
  const added: Entry[] = [];
  for (const rule of rules) {
    if (rule.kind !== "ServiceEntry") continue;
    for (const entry of entriesOf(rule)) {
      if (hosts.has(entry.host)) continue;
      hosts.add(entry.host);
      added.push(entry);
    }
  }
  return added.length === 0 ? entries : [...entries, ...added];
}

/** The entries of one ServiceEntry: one for each of its hosts. */
export function entriesOf(rule: ServiceEntry): readonly Entry[] {
  let entries = made.get(rule);
  if (entries === undefined) {
    entries = rule.hosts.map((host) => toEntry(rule, host));
    made.set(rule, entries);
  }
  return entries;
}

function toEntry(rule: ServiceEntry, host: string): Entry {
  const where: readonly ServiceEntryEndpoint[] = rule.byName ? [{ address: host }] : rule.endpoints;
  const endpoints = where.flatMap((one) => rule.ports.map((port) => toEndpoint(one, port)));
  const unique = new Map(endpoints.map((one) => [`${one.address} ${one.port} ${one.protocol}`, one]));
  return Object.freeze({
    host: host.toLowerCase(),
    service: Object.freeze(serviceKey(host)),
    endpoints: Object.freeze([...unique.values()].sort(compareEndpoints)),
  });
}

function toEndpoint({ address, ports, labels = {}, weight }: ServiceEntryEndpoint, port: ServiceEntryPort): Endpoint {
  return plainEndpoint({
    address,
    port: ports?.[port.name] ?? port.targetPort ?? port.number,
    protocol: port.carried,
    weight: weight ?? 100,
    params: Object.freeze({ ...labels }),
    origin: RULES_ORIGIN,
  });
}

function compareEndpoints(a: Endpoint, b: Endpoint): number {
  return compareText(a.address, b.address) || a.port - b.port || compareText(a.protocol, b.protocol);
}
