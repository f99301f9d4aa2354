import type { Entry } from "../../model/entry.ts";
import type { Rule, VirtualService } from "../../model/rule.ts";
import type { DestinationRule } from "../../model/rules/destination-rule.ts";
import { limitsCalls, type MetaRouter } from "../../model/rules/meta-router.ts";
import type { ServiceKey } from "../../model/service.ts";
import { isSeen, meshClient, type RuleClient, selectsLabels } from "./client.ts";

/** Finds the rule that holds for a service: full host before plain name before wildcard (the longer first), then the older. */
export interface RuleIndex {
  readonly virtualServices: HostIndex<VirtualService>;
  readonly destinationRules: HostIndex<DestinationRule>;
  /** Those that limit calls, whatever namespace they and the callers are of. */
  readonly limits: HostIndex<MetaRouter>;
}

/** The rules of one kind by the hosts that they name. */
export interface HostIndex<R extends Rule> {
  /** The rule in force for the service, or undefined; of all that there are, or of those that are accepted. */
  find(entry: NamedService, accepts?: (rule: R) => boolean): R | undefined;
  /** Every host text, folded to lower case, with the rules that name it, oldest first. */
  readonly claims: ReadonlyMap<string, readonly R[]>;
}

/** What hosts are matched against. */
export type NamedService = Pick<Entry, "host" | "service" | "namespace">;

/** Sorts the rules that a client sees into an index; `rules` come oldest first, and delegates are merged already. */
export function indexRules(rules: readonly Rule[], client: RuleClient = meshClient()): RuleIndex {
  const { namespace } = client;
  const seen = rules.filter(
    (rule) =>
      (rule.kind === "VirtualService" || rule.kind === "DestinationRule") &&
      isSeen(rule.exportTo, rule.namespace, namespace),
  );
  const virtualServices = seen.filter((rule) => rule.kind === "VirtualService").filter(({ inMesh }) => inMesh);
  return {
    virtualServices: indexHosts(byNearness(virtualServices, namespace), (rule) => rule.hosts),
    destinationRules: indexDestinationRules(
      seen.filter((rule) => rule.kind === "DestinationRule"),
      client,
    ),
    limits: indexHosts(rules.filter((rule) => rule.kind === "MetaRouter").filter(limitsCalls), (rule) => rule.hosts),
  };
}

/** Those that only the namespace sees come first, then those that name it, then those for all: Istio's order of VirtualServices of one host. */
function byNearness(rules: readonly VirtualService[], namespace: string): VirtualService[] {
  const farness = ({ exportTo = [] }: VirtualService): number => {
    if (exportTo.length === 0 || exportTo.includes("*")) return 2;
    return exportTo.every((to) => to === "." || to === namespace) ? 0 : 1;
  };
  return [...rules].sort((a, b) => farness(a) - farness(b));
}

/**
 * Istio's order of DestinationRules: those of the client's namespace, unless it is the root, before those of the service's, before those
 * of the root. A service whose namespace nobody says is in that of every rule.
 */
function indexDestinationRules(rules: readonly DestinationRule[], client: RuleClient): HostIndex<DestinationRule> {
  const { namespace, labels, mesh } = client;
  const chosen = rules.filter(
    (rule) =>
      rule.workloadSelector === undefined ||
      (rule.namespace === namespace && selectsLabels(rule.workloadSelector, labels)),
  );
  const first = [...chosen].sort((a, b) => selectorRank(a) - selectorRank(b));
  const all = indexHosts(first, (rule) => [rule.host]);
  if (new Set(first.map((rule) => rule.namespace)).size <= 1 && first[0]?.namespace === namespace) return all;
  const indexes = new Map<string, HostIndex<DestinationRule>>();
  const ofNamespace = (name: string): HostIndex<DestinationRule> => {
    let index = indexes.get(name);
    if (index === undefined) {
      index = indexHosts(
        first.filter((rule) => rule.namespace === name),
        (rule) => [rule.host],
      );
      indexes.set(name, index);
    }
    return index;
  };
  return {
    claims: all.claims,
    find(entry) {
      const near = namespace === mesh.rootNamespace ? undefined : ofNamespace(namespace).find(entry);
      if (near !== undefined) return near;
      const own = entry.namespace === undefined ? all.find(entry) : ofNamespace(entry.namespace).find(entry);
      return own ?? ofNamespace(mesh.rootNamespace).find(entry);
    },
  };
}

/** Rules that select the client come before those for all. */
function selectorRank({ workloadSelector }: DestinationRule): number {
  return workloadSelector === undefined ? 1 : 0;
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
    find(entry, accepts) {
      const first = (list: readonly R[] | undefined) => (accepts === undefined ? list?.[0] : list?.find(accepts));
      const exact = first(claims.get(entry.host)) ?? first(claims.get(entry.service.interface.toLowerCase()));
      if (exact !== undefined) return exact;
      for (const pattern of wildcards) {
        const found = wildcardMatches(pattern, entry) ? first(claims.get(pattern)) : undefined;
        if (found !== undefined) return found;
      }
      return undefined;
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

/** An {@link EntryIndex} that changes entry by entry. */
export class CarriedEntries implements EntryIndex {
  readonly #hosts = new Map<string, Entry>();
  readonly #interfaces = new Map<string, readonly Entry[]>();
  #sorted: readonly Entry[] | undefined;

  /** Sorted by host. */
  get entries(): readonly Entry[] {
    this.#sorted ??= [...this.#hosts.values()].sort((a, b) => (a.host < b.host ? -1 : 1));
    return this.#sorted;
  }

  byHost(host: string): Entry | undefined {
    return this.#hosts.get(host);
  }

  byInterface(lowerCaseName: string): readonly Entry[] {
    return this.#interfaces.get(lowerCaseName) ?? [];
  }

  add(entry: Entry): void {
    this.#sorted = undefined;
    this.#hosts.set(entry.host, entry);
    const name = entry.service.interface.toLowerCase();
    const alike = [...this.byInterface(name), entry];
    this.#interfaces.set(
      name,
      alike.sort((a, b) => (a.host < b.host ? -1 : 1)),
    );
  }

  /** Whether this very entry was there. */
  delete(entry: Entry): boolean {
    if (this.#hosts.get(entry.host) !== entry) return false;
    this.#sorted = undefined;
    this.#hosts.delete(entry.host);
    const name = entry.service.interface.toLowerCase();
    const alike = this.byInterface(name).filter((one) => one !== entry);
    if (alike.length > 0) this.#interfaces.set(name, alike);
    else this.#interfaces.delete(name);
    return true;
  }
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
