import type { CallerTags, CallerValues } from "../../codecs/xds/listener.ts";
import type { ProxyNode } from "../../control/compile/listeners.ts";
import type { Consumer, Entry } from "../../model/entry.ts";
import { callKeys } from "../../model/routing.ts";
import { printServiceKey } from "../../model/service.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import { matchesGroup, matchesVersion } from "../../registry-sync/dubbo/match.ts";
import { decodedParam } from "../../registry-sync/dubbo/url.ts";

/** What registries say of those who call. */
export type Callers = Pick<ProxyNode, "applications" | "tags" | "callers" | "identities">;

/** Key under which a consumer registers the tag of its reference (apache/dubbo 2.7 and 3.x AbstractInterfaceConfig.getTag). */
const TAG = "dubbo.tag";

/** What the proxy must know of consumers: their applications where a rule asks for them, their tags, and what routers of a registry ask for. */
export function callersFor(
  snapshot: Snapshot,
  consumers: readonly Consumer[] = [],
  identities: Callers["identities"] = {},
): Callers {
  const tags = tagsByAddress(consumers, snapshot.entries);
  const callers = valuesByAddress(consumers, snapshot.entries);
  return {
    ...(Object.keys(identities).length > 0 && { identities }),
    ...(usesApplications(snapshot) && { applications: applicationsByAddress(consumers) }),
    ...(tags && { tags }),
    ...(callers && { callers }),
  };
}

/** What all calls tell of themselves. */
const TOLD = /^(?:methods?|host|address|application|protocol|interface|path)$|^(?:arguments|attachments)/;

/**
 * What the routers of each service ask of its consumers, by the address that they registered from; what consumers of an address differ in is left
 * out. Undefined where no router asks. Sorted, so that equal facts print alike.
 */
export function valuesByAddress(consumers: readonly Consumer[], entries: readonly Entry[]): CallerValues | undefined {
  const found: [key: string, byAddress: Record<string, Record<string, string>>][] = [];
  for (const { service, routing } of entries) {
    const keys = routing === undefined ? [] : callKeys(routing).filter((key) => !TOLD.test(key));
    if (keys.length === 0) continue;
    const byAddress = new Map<string, Record<string, string>>();
    for (const key of keys) {
      const values = new Map<string, string | undefined>();
      for (const { service: wanted, address, params } of consumers) {
        if (wanted.interface !== service.interface || !matchesGroup(wanted.group, service.group)) continue;
        if (matchesVersion(wanted.version, service.version)) note(values, address, params[key] ?? "");
      }
      for (const [address, value] of Object.entries(agreed(values)))
        byAddress.set(address, Object.assign(byAddress.get(address) ?? {}, { [key]: value }));
    }
    if (byAddress.size > 0) found.push([printServiceKey(service), Object.fromEntries([...byAddress].sort(byKey))]);
  }
  return found.length === 0 ? undefined : Object.fromEntries(found.sort(byKey));
}

/** Which application registered as a consumer from an address, where it was one alone. Sorted, so that equal facts print alike. */
export function applicationsByAddress(consumers: readonly Consumer[]): Record<string, string> {
  const found = new Map<string, string | undefined>();
  for (const { address, application } of consumers) note(found, address, application);
  return agreed(found);
}

/**
 * The tag with which all consumers of a service registered from an address; services and addresses where there is none, or
 * consumers differ, are left out. Undefined where no consumer has a tag. Consumers name a service by groups and versions as Dubbo
 * matches them (`*`, comma lists). Sorted, so that equal facts print alike.
 */
export function tagsByAddress(consumers: readonly Consumer[], entries: readonly Entry[]): CallerTags | undefined {
  const tagged = taggedConsumers(consumers);
  if (tagged.size === 0) return undefined;
  const tags: [key: string, byAddress: Record<string, string>][] = [];
  for (const { service } of entries) {
    const found = new Map<string, string | undefined>();
    for (const consumer of tagged.get(service.interface) ?? []) {
      const { group, version } = consumer.service;
      if (!matchesGroup(group, service.group) || !matchesVersion(version, service.version)) continue;
      note(found, consumer.address, tagOf(consumer));
    }
    const byAddress = agreed(found);
    if (Object.keys(byAddress).length > 0) tags.push([printServiceKey(service), byAddress]);
  }
  return tags.length === 0 ? undefined : Object.fromEntries(tags.sort(byKey));
}

const tagged = new WeakMap<readonly Consumer[], ReadonlyMap<string, readonly Consumer[]>>();

/** The consumers of each interface of which one has a tag; a list is looked through once. */
function taggedConsumers(consumers: readonly Consumer[]): ReadonlyMap<string, readonly Consumer[]> {
  const known = tagged.get(consumers);
  if (known !== undefined) return known;
  const found = new Map<string, Consumer[]>();
  for (const consumer of consumers) if (tagOf(consumer) !== "") found.set(consumer.service.interface, []);
  if (found.size > 0) for (const consumer of consumers) found.get(consumer.service.interface)?.push(consumer);
  tagged.set(consumers, found);
  return found;
}

function tagOf(consumer: Consumer): string {
  return decodedParam(consumer, TAG);
}

function note(found: Map<string, string | undefined>, address: string, value: string): void {
  found.set(address, found.has(address) && found.get(address) !== value ? undefined : value);
}

function agreed(found: ReadonlyMap<string, string | undefined>): Record<string, string> {
  const pairs = [...found].filter((pair): pair is [string, string] => pair[0] !== "" && Boolean(pair[1]));
  return Object.fromEntries(pairs.sort(byKey));
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether any rule asks who calls; worked out once for each list of rules. */
function usesApplications({ rules, entries }: Snapshot): boolean {
  if (entries.some(({ routing }) => routing !== undefined && callKeys(routing).includes("application"))) return true;
  let uses = asking.get(rules);
  if (uses === undefined) {
    uses = /"sourceLabels":|dubbo-application/i.test(JSON.stringify(rules));
    asking.set(rules, uses);
  }
  return uses;
}

const asking = new WeakMap<Snapshot["rules"], boolean>();
