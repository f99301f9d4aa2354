import type { Entry } from "../../model/entry.ts";
import type { DestinationRule, Rule, VirtualService } from "../../model/rule.ts";
import type { ServiceKey } from "../../model/service.ts";

/** Finds the rule that holds for a service: full host before plain name before wildcard (the longer first), then the older. */
export interface RuleIndex {
  readonly virtualServices: HostIndex<VirtualService>;
  readonly destinationRules: HostIndex<DestinationRule>;
}

/** The rules of one kind by the hosts that they name. */
export interface HostIndex<R extends Rule> {
  /** The rule in force for the service, or undefined. */
  find(entry: NamedService): R | undefined;
  /** Every host text, folded to lower case, with the rules that name it, oldest first. */
  readonly claims: ReadonlyMap<string, readonly R[]>;
}

/** What hosts are matched against. */
export type NamedService = Pick<Entry, "host" | "service">;

/** Sorts rules into an index; `rules` come oldest first. */
export function indexRules(rules: readonly Rule[]): RuleIndex {
  return {
    virtualServices: indexHosts(
      rules.filter((rule) => rule.kind === "VirtualService" && rule.inMesh) as VirtualService[],
      (rule) => rule.hosts,
    ),
    destinationRules: indexHosts(
      rules.filter((rule) => rule.kind === "DestinationRule") as DestinationRule[],
      (rule) => [rule.host],
    ),
  };
}

function indexHosts<R extends Rule>(rules: readonly R[], hostsOf: (rule: R) => readonly string[]): HostIndex<R> {
  const claims = new Map<string, R[]>();
  for (const rule of rules) {
    for (const host of new Set(hostsOf(rule).map((text) => text.toLowerCase()))) {
      const claimed = claims.get(host);
      if (claimed === undefined) claims.set(host, [rule]);
      else claimed.push(rule);
    }
  }
  const wildcards = [...claims.keys()].filter((host) => host.includes("*")).sort((a, b) => b.length - a.length);
  return {
    claims,
    find(entry) {
      const exact = claims.get(entry.host) ?? claims.get(entry.service.interface.toLowerCase());
      if (exact !== undefined) return exact[0];
      const wildcard = wildcards.find((pattern) => wildcardMatches(pattern, entry));
      return wildcard === undefined ? undefined : claims.get(wildcard)![0];
    },
  };
}

/** Whether a host of a rule (any case) means the service: its host, its plain interface name, or a wildcard over either. */
export function hostMatches(host: string, entry: NamedService): boolean {
  const folded = host.toLowerCase();
  if (folded.includes("*")) return wildcardMatches(folded, entry);
  return folded === entry.host || folded === entry.service.interface.toLowerCase();
}

function wildcardMatches(pattern: string, { host, service }: NamedService): boolean {
  const plain = service.interface.toLowerCase();
  if (pattern === "*") return true;
  if (pattern.startsWith("*")) return host.endsWith(pattern.slice(1)) || plain.endsWith(pattern.slice(1));
  return host.startsWith(pattern.slice(0, -1)) || plain.startsWith(pattern.slice(0, -1));
}

/** Finds services by what destinations call them. */
export interface EntryIndex {
  readonly entries: readonly Entry[];
  /** By host, or undefined. */
  byHost(host: string): Entry | undefined;
  /** All groups and versions of an interface, its name in lower case. */
  byInterface(lowerCaseName: string): readonly Entry[];
}

/** Indexes services; hosts are unique, an interface may stand for several groups and versions. */
export function indexEntries(entries: readonly Entry[]): EntryIndex {
  const hosts = new Map<string, Entry>();
  const interfaces = new Map<string, Entry[]>();
  for (const entry of entries) {
    hosts.set(entry.host, entry);
    const name = entry.service.interface.toLowerCase();
    const alike = interfaces.get(name);
    if (alike === undefined) interfaces.set(name, [entry]);
    else alike.push(entry);
  }
  return {
    entries,
    byHost: (host) => hosts.get(host),
    byInterface: (name) => interfaces.get(name) ?? [],
  };
}

/**
 * The service that a destination means for callers of `caller`: a plain interface name keeps the caller's group and version,
 * a host means that service. Undefined where none is known.
 */
export function resolveDestination(host: string, caller: Entry, index: EntryIndex): Entry | undefined {
  const folded = host.toLowerCase();
  if (folded === caller.host || folded === caller.service.interface.toLowerCase()) return caller;
  const alike = index.byInterface(folded).find(({ service }) => sameGroupAndVersion(service, caller.service));
  return alike ?? index.byHost(folded);
}

function sameGroupAndVersion(a: ServiceKey, b: ServiceKey): boolean {
  return a.group === b.group && a.version === b.version;
}
