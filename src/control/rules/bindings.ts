import type { Entry } from "../../model/entry.ts";
import type { DestinationRule, Gateway, Rule, VirtualService } from "../../model/rule.ts";
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
  virtualServices: readonly VirtualService[];
  destinationRules: readonly DestinationRule[];
  gateways: readonly Gateway[];
}

/** Finds for each known service the rules in force; `rules` come oldest first. Without `entries` nothing is bound. */
export function bindRules(
  rules: readonly Rule[],
  entries: readonly Entry[] | undefined,
  protocols: readonly string[],
  notLed: ReadonlyMap<string, string> = new Map(),
): Bindings {
  const index = indexRules(rules);
  const services = new Map<Rule, Entry[]>();
  const bind = (rule: Rule | undefined, entry: Entry): void => {
    if (rule === undefined) return;
    const bound = services.get(rule);
    if (bound === undefined) services.set(rule, [entry]);
    else bound.push(entry);
  };
  for (const entry of entries ?? []) {
    bind(index.virtualServices.find(entry), entry);
    bind(index.destinationRules.find(entry), entry);
  }
  return {
    rules: index,
    entries: entries === undefined ? undefined : indexEntries(entries),
    protocols,
    notLed,
    servicesOf: (rule) => services.get(rule) ?? [],
    virtualServices: rules.filter((rule) => rule.kind === "VirtualService"),
    destinationRules: rules.filter((rule) => rule.kind === "DestinationRule"),
    gateways: rules.filter((rule) => rule.kind === "Gateway"),
  };
}

/** A service as a host text alone tells of it, for analysis without a registry. */
export function serviceNamed(host: string): Entry {
  return { host: host.toLowerCase(), service: { interface: host, group: "", version: "" }, endpoints: [] };
}
