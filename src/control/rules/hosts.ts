import { type Entry, furtherHost, hostnameOf } from "../../model/entry.ts";
import type { Rule, VirtualService } from "../../model/rule.ts";
import type { DestinationRule } from "../../model/rules/destination-rule.ts";
import type { Destination } from "../../model/rules/http-route.ts";
import { limitsCalls, type MetaRouter } from "../../model/rules/meta-router.ts";
import { type ServiceKey, serviceKey } from "../../model/service.ts";
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
export type NamedService = Pick<Entry, "host" | "portOf" | "service" | "namespace">;

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

/** The namespace's own that are not for all come first, then those that name it, then those for all: Istio's order of VirtualServices of one host. */
function byNearness(rules: readonly VirtualService[], namespace: string): VirtualService[] {
  return [...rules].sort((a, b) => farness(a, namespace) - farness(b, namespace));
}

/** How far a rule is from the callers of a namespace that sees it: of two for one host the nearer holds. */
function farness({ exportTo = [], namespace: own }: VirtualService, namespace: string): number {
  if (exportTo.length === 0 || exportTo.includes("*")) return 2;
  return own === namespace ? 0 : 1;
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
      const exact = first(claims.get(hostnameOf(entry))) ?? first(claims.get(entry.service.interface.toLowerCase()));
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
  return folded === hostnameOf(entry) || folded === entry.service.interface.toLowerCase();
}

function wildcardMatches(pattern: string, entry: NamedService): boolean {
  const host = hostnameOf(entry);
  const plain = entry.service.interface.toLowerCase();
  if (pattern === "*") return true;
  if (pattern.startsWith("*")) return host.endsWith(pattern.slice(1)) || plain.endsWith(pattern.slice(1));
  return host.startsWith(pattern.slice(0, -1)) || plain.startsWith(pattern.slice(0, -1));
}

/** Finds services by what destinations call them. */
export interface EntryIndex {
  readonly entries: readonly Entry[];
  /** By host, or undefined. */
  byHost(host: string): Entry | undefined;
  /** All groups and versions of an interface, its name in lower case; further ports are not among them. */
  byInterface(lowerCaseName: string): readonly Entry[];
  /** The further ports of a service, by its host. */
  furtherOf(host: string): readonly Entry[];
}

/** Indexes services; hosts are unique, an interface may stand for several groups and versions. */
export function indexEntries(entries: readonly Entry[]): EntryIndex {
  const index = new CarriedEntries();
  for (const entry of entries) index.add(entry);
  return index;
}

/** An {@link EntryIndex} that changes entry by entry. */
export class CarriedEntries implements EntryIndex {
  readonly #hosts = new Map<string, Entry>();
  readonly #interfaces = new Map<string, readonly Entry[]>();
  readonly #further = new Map<string, readonly Entry[]>();
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

  furtherOf(host: string): readonly Entry[] {
    return this.#further.get(host) ?? [];
  }

  add(entry: Entry): void {
    this.#sorted = undefined;
    this.#hosts.set(entry.host, entry);
    const [alike, name] = this.#listOf(entry);
    const all = [...(alike.get(name) ?? []), entry];
    alike.set(
      name,
      all.sort((a, b) => (a.host < b.host ? -1 : 1)),
    );
  }

  /** Whether this very entry was there. */
  delete(entry: Entry): boolean {
    if (this.#hosts.get(entry.host) !== entry) return false;
    this.#sorted = undefined;
    this.#hosts.delete(entry.host);
    const [alike, name] = this.#listOf(entry);
    const left = (alike.get(name) ?? []).filter((one) => one !== entry);
    if (left.length > 0) alike.set(name, left);
    else alike.delete(name);
    return true;
  }

  #listOf({ portOf, service }: Entry): readonly [Map<string, readonly Entry[]>, string] {
    return portOf === undefined ? [this.#interfaces, service.interface.toLowerCase()] : [this.#further, portOf];
  }
}

const PLAIN = serviceKey("");

/**
 * The service, or the further port of one, that a destination means for callers of `caller`: a plain interface name keeps the caller's group
 * and version, a host means that service. Undefined where none is known, or it has no such port.
 */
export function resolveDestination(
  { host, port }: Pick<Destination, "host" | "port">,
  caller: Entry,
  index: EntryIndex,
): Entry | undefined {
  const folded = host.toLowerCase();
  const isOwn = folded === hostnameOf(caller) || folded === caller.service.interface.toLowerCase();
  const key = caller.portOf === undefined ? caller.service : PLAIN;
  const called = isOwn
    ? firstOf(caller, index)
    : (index.byInterface(folded).find(({ service }) => sameGroupAndVersion(service, key)) ?? index.byHost(folded));
  return called && atPort(called, port?.number, numbersOf(caller), index);
}

/** The service whose further port an entry is, else itself. */
function firstOf(entry: Entry, index: EntryIndex): Entry {
  return entry.portOf === undefined ? entry : (index.byHost(entry.portOf) ?? entry);
}

function numbersOf({ ports = [] }: Entry): readonly number[] {
  return ports.map(({ port }) => port);
}

/**
 * A service at the port that is `asked` for, undefined where it has no such one; else at one of those by which a call came, where it has one of
 * these, else at its first. Of services whose ports nobody says, providers are called at their own.
 */
export function atPort(
  service: Entry,
  asked: number | undefined,
  came: readonly number[],
  index: EntryIndex,
): Entry | undefined {
  const own = numbersOf(service);
  const further = (number: number) => index.byHost(furtherHost(hostnameOf(service), number));
  if (asked !== undefined)
    return own.includes(asked) ? service : (further(asked) ?? (service.ports === undefined ? service : undefined));
  if (came.some((number) => own.includes(number))) return service;
  for (const number of came) {
    const found = further(number);
    if (found !== undefined) return found;
  }
  return service;
}

function sameGroupAndVersion(a: ServiceKey, b: ServiceKey): boolean {
  return a.group === b.group && a.version === b.version;
}
