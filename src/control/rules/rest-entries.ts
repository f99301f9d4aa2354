import { type Entry, plainEndpoint } from "../../model/entry.ts";
import type { RestMappingRule, Rule } from "../../model/rule.ts";
import type { ServiceSchema } from "../../model/schema.ts";
import { printServiceKey, type ServiceKey } from "../../model/service.ts";
import { compareText } from "./findings.ts";
import { RULES_ORIGIN } from "./service-entries.ts";

/** How a service's key becomes its host in the mesh. */
export type HostOf = (service: ServiceKey) => string;

interface Made {
  /** The entry whose endpoints serve it; undefined where the rule lists them. */
  readonly from: Entry | undefined;
  readonly entry: Entry;
}

const made = new WeakMap<RestMappingRule, Made>();

/**
 * The entries with those that RestMapping rules add. A service stays as it is while a registry has providers of it, and of two
 * rules for one service the older counts. While a rule and the service that it names stay the same, so does the entry.
 */
export function withRestMappings(entries: readonly Entry[], rules: readonly Rule[], hostOf: HostOf): readonly Entry[] {
  const mappings = restMappingsOf(rules);
  if (mappings.length === 0) return entries;
  const served = entries.filter(({ endpoints }) => endpoints.length > 0);
  const hosts = new Set(served.map(({ host }) => host));
  const keys = new Set(served.map(({ service }) => printServiceKey(service)));
  const added = new Map<string, Entry>();
  for (const rule of mappings) {
    const key = printServiceKey(rule.service);
    const host = hostOf(rule.service);
    if (keys.has(key) || hosts.has(host)) continue;
    keys.add(key);
    hosts.add(host);
    const from = rule.host === undefined ? undefined : entries.find((entry) => entry.host === rule.host);
    const known = made.get(rule);
    const now = known !== undefined && known.from === from ? known : { from, entry: toEntry(rule, host, from) };
    made.set(rule, now);
    added.set(host, now.entry);
  }
  return added.size === 0 ? entries : [...entries.filter(({ host }) => !added.has(host)), ...added.values()];
}

/** What the mappings say of calls: one schema for each interface, the oldest rule's. */
export function restSchemasOf(rules: readonly Rule[]): readonly ServiceSchema[] {
  const schemas = new Map<string, ServiceSchema>();
  for (const { service, mapping } of restMappingsOf(rules)) {
    const name = service.interface;
    if (!schemas.has(name)) schemas.set(name, { name, rest: mapping });
  }
  return [...schemas.values()];
}

/** The RestMapping rules among others, in their order. */
export function restMappingsOf(rules: readonly Rule[]): readonly RestMappingRule[] {
  return rules.filter((rule) => rule.kind === "RestMapping");
}

/** The RestMapping that is in force for a service where it is one of those that these rules make. */
export function restMappingOf(service: ServiceKey, rules: readonly Rule[]): RestMappingRule | undefined {
  const key = printServiceKey(service);
  return restMappingsOf(rules).find((rule) => printServiceKey(rule.service) === key);
}

function toEntry(rule: RestMappingRule, host: string, from: Entry | undefined): Entry {
  const service = Object.freeze(rule.service);
  if (rule.host !== undefined) {
    const endpoints = (from?.endpoints ?? []).filter(({ protocol }) => protocol === "http");
    return Object.freeze({ host, service, endpoints: Object.freeze(endpoints), mapped: true });
  }
  const endpoints = rule.endpoints.map(({ address, port, labels = {} }) =>
    plainEndpoint({
      address,
      port,
      protocol: "http",
      weight: 100,
      params: Object.freeze({ ...labels }),
      origin: RULES_ORIGIN,
    }),
  );
  const unique = new Map(endpoints.map((one) => [`${one.address} ${one.port}`, one]));
  const sorted = [...unique.values()].sort((a, b) => compareText(a.address, b.address) || a.port - b.port);
  return Object.freeze({ host, service, endpoints: Object.freeze(sorted), mapped: true });
}
