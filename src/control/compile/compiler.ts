import type {
  Cluster,
  ClusterLoadAssignment,
  NamedResource,
  ResourceSet,
  VirtualHost,
  XdsResource,
} from "../../codecs/xds/resources.ts";
import type { Entry } from "../../model/entry.ts";
import type { DestinationRule, Rule, VirtualService } from "../../model/rule.ts";
import { contentVersion, hashText, type Snapshot } from "../../model/snapshot.ts";
import { compareText } from "../rules/findings.ts";
import { type EntryIndex, indexEntries, indexRules, type RuleIndex, resolveDestination } from "../rules/hosts.ts";
import { lowerService } from "../rules/lower.ts";
import { isHttpService, lowerHttpService } from "../rules/lower-http.ts";
import {
  type ClusterNeed,
  clusterName,
  clusterNameOf,
  compileCluster,
  compileUnknownCluster,
  findSubset,
} from "./clusters.ts";
import { compileEndpoints, isCarried, liveEndpoints } from "./endpoints.ts";
import { compileGateways } from "./gateways.ts";
import { compileListeners, type GatewayPort, type ProxyNode } from "./listeners.ts";
import { compileVirtualHost, DUBBO_ROUTES } from "./routes.ts";

/** Compiles what one proxy needs; a function of its two arguments alone, whatever was compiled before. */
export type Compile = (snapshot: Snapshot, node: ProxyNode) => ResourceSet;

interface CompiledHost {
  readonly rule: VirtualService | undefined;
  /** The clusters that its destinations led to: while they are the same, so is the virtual host. */
  readonly destinations: string;
  readonly virtualHost: VirtualHost;
  readonly clusters: readonly ClusterNeed[];
}

interface Shared {
  readonly resources: Omit<ResourceSet, "version" | "listeners">;
  readonly gateways: readonly GatewayPort[];
}

interface CompiledCluster {
  readonly rule: DestinationRule | undefined;
  /** The protocols of its endpoints, joined. */
  readonly protocols: string;
  readonly cluster: NamedResource<Cluster>;
  readonly endpoints: NamedResource<ClusterLoadAssignment>;
}

/** {@link createCompiler} without a memory; for one use. */
export const compile: Compile = (snapshot, node) => createCompiler()(snapshot, node);

/**
 * A compiler that remembers what it made of each entry, by identity: after one entry of many changed, only what depends on
 * that one is made again.
 */
export function createCompiler(): Compile {
  const hosts = new WeakMap<Entry, CompiledHost>();
  const clusters = new WeakMap<Entry, Map<string, CompiledCluster>>();
  let rules: { readonly list: readonly Rule[]; readonly index: RuleIndex } = { list: [], index: indexRules([]) };
  let last: { readonly snapshot: Snapshot; readonly shared: Shared } | undefined;

  return (snapshot, node) => {
    if (!sameElements(rules.list, snapshot.rules)) rules = { list: snapshot.rules, index: indexRules(snapshot.rules) };
    if (last?.snapshot !== snapshot) last = { snapshot, shared: compileShared(snapshot, rules.index, hosts, clusters) };
    const { resources, gateways } = last.shared;
    const listeners = compileListeners(node, gateways).map(named).sort(byName);
    const all = [listeners, resources.routes, resources.clusters, resources.endpoints, resources.schemas];
    const version = hashText(all.map((list) => list.map((resource) => resource.version).join()).join("|"));
    return { version, listeners, ...resources };
  };
}

function compileShared(
  snapshot: Snapshot,
  rules: RuleIndex,
  hosts: WeakMap<Entry, CompiledHost>,
  clusters: WeakMap<Entry, Map<string, CompiledCluster>>,
): Shared {
  const carried = snapshot.entries.filter((entry) => isCarried(entry, snapshot.protocols));
  const index = indexEntries(carried);
  const virtualHosts: VirtualHost[] = [];
  const needs = new Map<string, ClusterNeed>();
  for (const entry of carried) {
    const host = compileHost(entry, rules.virtualServices.find(entry), index, hosts);
    virtualHosts.push(host.virtualHost);
    // The service's own cluster stands even where its rule leads every call elsewhere: the rule may change back at any time.
    needs.set(clusterNameOf(entry, ""), { name: clusterNameOf(entry, ""), entry, host: entry.host, subset: "" });
    for (const need of host.clusters) needs.set(need.name, need);
  }
  const gateways = compileGateways(snapshot.rules, index);
  for (const need of gateways.clusters) needs.set(need.name, need);
  const compiled = [...needs.values()].sort(byName).map((need) => {
    const rule = need.entry === undefined ? undefined : rules.destinationRules.find(need.entry);
    return compileNeed(need, rule, snapshot.protocols, clusters);
  });
  const routes = [{ name: DUBBO_ROUTES, virtualHosts }, ...gateways.routes].map((resource) => ({
    name: resource.name,
    version: hashText(resource.virtualHosts.map(contentVersion).join()),
    resource,
  }));
  const resources = {
    routes: routes.sort(byName),
    clusters: compiled.map(({ cluster }) => cluster),
    endpoints: compiled.map(({ endpoints }) => endpoints),
    schemas: snapshot.schemas.map(named),
  };
  return { resources, gateways: gateways.ports };
}

function compileHost(
  entry: Entry,
  rule: VirtualService | undefined,
  index: EntryIndex,
  cache: WeakMap<Entry, CompiledHost>,
): CompiledHost {
  const needs: ClusterNeed[] = [];
  if (rule !== undefined) {
    for (const { host, subset } of destinationsOf(rule)) {
      const called = resolveDestination(host, entry, index);
      const name = called === undefined ? clusterName(20_880, subset, host) : clusterNameOf(called, subset);
      needs.push({ name, entry: called, host: called?.host ?? host, subset });
    }
  }
  const destinations = needs.map(({ name }) => name).join();
  const known = cache.get(entry);
  // Entries of the destinations may be new objects of the same name, so `clusters` is always today's.
  if (known !== undefined && known.rule === rule && known.destinations === destinations) {
    const still = { ...known, clusters: needs };
    cache.set(entry, still);
    return still;
  }
  const lowered = (isHttpService(entry) ? lowerHttpService : lowerService)(entry, rule, index);
  const virtualHost = compileVirtualHost(entry, lowered, ({ host, subset }) => {
    const called = host === entry.host ? entry : index.byHost(host);
    return called === undefined ? clusterName(20_880, subset, host) : clusterNameOf(called, subset);
  });
  const host = { rule, destinations, virtualHost, clusters: lowered.routes.length === 0 ? [] : needs };
  cache.set(entry, host);
  return host;
}

const destinationLists = new WeakMap<VirtualService, readonly { readonly host: string; readonly subset: string }[]>();

/** Every destination that a rule names, its host in lower case, each once. */
function destinationsOf(rule: VirtualService): readonly { readonly host: string; readonly subset: string }[] {
  const known = destinationLists.get(rule);
  if (known !== undefined) return known;
  const list = new Map<string, { host: string; subset: string }>();
  for (const route of rule.http) {
    for (const { destination } of route.route ?? []) {
      const host = destination.host.toLowerCase();
      const subset = destination.subset ?? "";
      list.set(`${host}|${subset}`, { host, subset });
    }
  }
  const destinations = [...list.values()];
  destinationLists.set(rule, destinations);
  return destinations;
}

function compileNeed(
  need: ClusterNeed,
  rule: DestinationRule | undefined,
  wire: readonly string[],
  cache: WeakMap<Entry, Map<string, CompiledCluster>>,
): CompiledCluster {
  const { entry, subset, name } = need;
  const protocols = wire.join();
  if (entry === undefined) {
    return {
      rule,
      protocols,
      cluster: named(compileUnknownCluster(name, need.host, subset)),
      endpoints: namedEndpoints(compileEndpoints(name, [])),
    };
  }
  const known = cache.get(entry)?.get(subset);
  if (known?.rule === rule && known?.protocols === protocols) return known;
  const selected = subset === "" ? undefined : findSubset(rule, subset);
  // An unknown subset has no endpoints: calls meant for it must not reach other versions.
  const endpoints = subset !== "" && selected === undefined ? [] : liveEndpoints(entry, selected?.labels, wire);
  const compiled = {
    rule,
    protocols,
    cluster: named(compileCluster(entry, subset, rule)),
    endpoints: namedEndpoints(compileEndpoints(name, endpoints)),
  };
  const ofEntry = cache.get(entry) ?? new Map<string, CompiledCluster>();
  ofEntry.set(subset, compiled);
  cache.set(entry, ofEntry);
  return compiled;
}

function named<T extends XdsResource & { readonly name: string }>(resource: T): NamedResource<T> {
  return { name: resource.name, version: contentVersion(resource), resource };
}

function namedEndpoints(resource: ClusterLoadAssignment): NamedResource<ClusterLoadAssignment> {
  return { name: resource.clusterName, version: contentVersion(resource), resource };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return compareText(a.name, b.name);
}

function sameElements(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((element, i) => element === b[i]);
}
