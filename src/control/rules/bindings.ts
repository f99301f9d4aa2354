import type { Entry } from "../../model/entry.ts";
import type { MeshSettings } from "../../model/mesh.ts";
import type { Gateway, Rule, VirtualService } from "../../model/rule.ts";
import type { DestinationRule } from "../../model/rules/destination-rule.ts";
import { meshClient, type RuleClient } from "./client.ts";
import { createHostHints } from "./host-hints.ts";
import { type EntryIndex, indexEntries, indexRules, type RuleIndex } from "./hosts.ts";

/** Which rule is in force for which service: what analysis works on, made once. */
export interface Bindings {
  readonly rules: RuleIndex;
  /** Undefined where no registry was asked. */
  readonly entries: EntryIndex | undefined;
  /** Those that the proxies carry. */
  readonly protocols: readonly string[];
  /** Printed keys of services that consumers call past the proxies all the same, and why. */
  readonly notLed: ReadonlyMap<string, string>;
  /** Services that the rule is in force for; empty where there is none or none is known. */
  servicesOf(rule: Rule): readonly Entry[];
  /** Which service a host that nobody has may mean, as the end of a message. */
  meantBy(host: string): string;
  virtualServices: readonly VirtualService[];
  destinationRules: readonly DestinationRule[];
  gateways: readonly Gateway[];
}

/** Finds for each known service the rules in force, by the mesh's namespaces; `rules` come oldest first. Without `entries` nothing is bound. */
export function bindRules(
  rules: readonly Rule[],
  entries: readonly Entry[] | undefined,
  protocols: readonly string[],
  notLed: ReadonlyMap<string, string> = new Map(),
  mesh?: MeshSettings,
): Bindings {
  const plain = meshClient(mesh);
  const index = indexRules(rules, plain);
  const services = new Map<Rule, Set<Entry>>();
  const bind = (rule: Rule | undefined, entry: Entry): void => {
    if (rule === undefined) return;
    const bound = services.get(rule);
    if (bound === undefined) services.set(rule, new Set([entry]));
    else bound.add(entry);
  };
  for (const seen of [index, ...otherClients(rules, plain).map((client) => indexRules(rules, client))]) {
    for (const entry of entries ?? []) {
      bind(seen.virtualServices.find(entry), entry);
      bind(seen.destinationRules.find(entry), entry);
    }
  }
  return {
    rules: index,
    entries: entries === undefined ? undefined : indexEntries(entries),
    protocols,
    notLed,
    servicesOf: (rule) => [...(services.get(rule) ?? [])],
    meantBy: createHostHints(entries ?? []),
    virtualServices: rules.filter((rule) => rule.kind === "VirtualService"),
    destinationRules: rules.filter((rule) => rule.kind === "DestinationRule"),
    gateways: rules.filter((rule) => rule.kind === "Gateway"),
  };
}

/** Most namespaces whose clients are looked at beside those of the mesh's own. */
const MAX_NAMESPACES = 20;

/** Clients of other namespaces, and with labels that rules select, where rules tell them apart: a rule may be for these alone. */
function otherClients(rules: readonly Rule[], plain: RuleClient): readonly RuleClient[] {
  const clients = new Map<string, RuleClient>();
  const add = (namespace: string, labels: RuleClient["labels"] = {}) => {
    const client = { ...plain, namespace, labels };
    if (namespace !== plain.namespace || Object.keys(labels).length > 0) clients.set(JSON.stringify(client), client);
  };
  for (const rule of rules) {
    if (rule.kind !== "VirtualService" && rule.kind !== "DestinationRule") continue;
    for (const to of rule.exportTo ?? []) if (to !== "*") add(to === "." ? rule.namespace : to);
    if (rule.kind !== "DestinationRule") continue;
    add(rule.namespace);
    if (rule.workloadSelector !== undefined) add(rule.namespace, rule.workloadSelector);
  }
  return [...clients.values()].slice(0, MAX_NAMESPACES);
}

/** A service as a host text alone tells of it, for analysis without a registry. */
export function serviceNamed(host: string): Entry {
  return { host: host.toLowerCase(), service: { interface: host, group: "", version: "" }, endpoints: [] };
}
