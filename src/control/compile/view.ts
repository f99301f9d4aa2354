import type { Cluster } from "../../codecs/xds/cluster.ts";
import type { ClusterLoadAssignment } from "../../codecs/xds/endpoint.ts";
import type { NamedResource, ResourceSet } from "../../codecs/xds/resources.ts";
import { type RouteConfiguration, type VirtualHost, virtualHostName } from "../../codecs/xds/route.ts";
import type { Entry } from "../../model/entry.ts";
import { entryChanges } from "../../model/entry-changes.ts";
import { hashText } from "../../model/hash-text.ts";
import type { MeshSettings } from "../../model/mesh.ts";
import type { Rule } from "../../model/rule.ts";
import { contentVersion, type Snapshot } from "../../model/snapshot.ts";
import type { RuleClient } from "../rules/client.ts";
import { compareText } from "../rules/findings.ts";
import { type EntryIndex, indexRules, type RuleIndex } from "../rules/hosts.ts";
import { type Scope, scopeOf } from "../rules/sidecars.ts";
import type { AuthorizationIndex } from "./authorization.ts";
import { type ClusterNeed, clusterNameOf } from "./clusters.ts";
import { type CompiledHost, compileHost, hashPolicyOf } from "./compile-host.ts";
import { type ClusterCache, type CompiledCluster, compileNeed, named } from "./compile-need.ts";
import { isCarried } from "./endpoints.ts";
import { type CompiledGateways, compileGateways } from "./gateways.ts";
import { DUBBO_ROUTE_CONFIG, DUBBO_ROUTES } from "./routes.ts";
import { VersionedList } from "./versioned-list.ts";

/** What all views of a snapshot work on. */
export interface WorldInputs {
  /** Delegates are merged. */
  readonly rules: readonly Rule[];
  readonly mesh: MeshSettings;
  readonly policies: AuthorizationIndex;
  /** Protocols that are carried, joined. */
  readonly protocols: string;
}

/** What views share: services by name, and what looks the same to all clients. */
export interface SharedParts {
  readonly index: EntryIndex;
  readonly hosts: WeakMap<Entry, CompiledHost>;
  readonly clusters: ClusterCache;
}

/** What a view gives to the nodes that it is for. */
export interface ViewResources extends Pick<ResourceSet, "routes" | "virtualHosts" | "clusters" | "endpoints"> {
  /** Of all four, in order. */
  readonly versions: readonly string[];
  readonly gateways: CompiledGateways;
}

/**
 * What the proxies of one kind of client are told: all that have a namespace, the labels that rules ask for and a locality in common. It
 * remembers what it made, so that a change of one service costs what that service costs.
 */
export class View {
  readonly #shared: SharedParts;
  readonly #client: RuleClient;
  readonly #hosts = new WeakMap<Entry, CompiledHost>();
  readonly #clustersOf: ClusterCache = new WeakMap();
  #inputs: WorldInputs | undefined;
  #given: Snapshot | undefined;
  #rules: RuleIndex;
  #scope: Scope;
  #entries: readonly Entry[] = [];
  /** Hosts of services under a VirtualService, with these: what their destinations lead to may change without them. */
  #ruled = new Map<string, Entry>();
  #gateways: CompiledGateways = { ports: [], routes: [], clusters: [] };
  #virtualHosts = new VersionedList<NamedResource<VirtualHost>>();
  #clusters = new VersionedList<NamedResource<Cluster>>();
  #endpoints = new VersionedList<NamedResource<ClusterLoadAssignment>>();
  /** Each service's own cluster, by name, and those that rules and gateways lead to beside these. */
  #own = new Map<string, CompiledCluster>();
  #others = new Map<string, CompiledCluster>();
  #routes: readonly NamedResource<RouteConfiguration>[] = [];

  constructor(shared: SharedParts, client: RuleClient) {
    this.#shared = shared;
    this.#client = client;
    this.#rules = indexRules([], client);
    this.#scope = scopeOf([], client);
  }

  /** Takes a snapshot, whose services the shared index has already. */
  take(snapshot: Snapshot, inputs: WorldInputs): ViewResources {
    if (snapshot !== this.#given || inputs !== this.#inputs) this.#update(snapshot, inputs);
    this.#given = snapshot;
    return {
      routes: this.#routes,
      virtualHosts: this.#virtualHosts.list,
      clusters: this.#clusters.list,
      endpoints: this.#endpoints.list,
      versions: [
        this.#routes.map(({ version }) => version).join(),
        this.#virtualHosts.version,
        this.#clusters.version,
        this.#endpoints.version,
      ],
      gateways: this.#gateways,
    };
  }

  #update(snapshot: Snapshot, inputs: WorldInputs): void {
    if (inputs !== this.#inputs) {
      this.#inputs = inputs;
      this.#scope = scopeOf(inputs.rules, this.#client);
      const taken = inputs.rules.filter((rule) => rule.kind !== "VirtualService" || this.#scope.takes(rule));
      this.#rules = indexRules(taken, this.#client);
      this.#forgetAll();
    }
    const { gone, came } = entryChanges(this.#entries, snapshot.entries);
    this.#entries = snapshot.entries;
    const touched = new Set<string>();
    for (const entry of gone) this.#drop(entry, touched);
    const seen = came.filter((entry) => isCarried(entry, snapshot.protocols) && this.#scope.sees(entry));
    for (const entry of seen)
      if (this.#rules.virtualServices.find(entry) !== undefined) this.#ruled.set(entry.host, entry);
    const needs = new Map<string, ClusterNeed>();
    for (const entry of seen) {
      if (!this.#ruled.has(entry.host)) this.#compileHost(entry, needs);
      // The service's own cluster stands even where its rule leads every call elsewhere: the rule may change back at any time.
      const name = clusterNameOf(entry, "");
      this.#own.set(name, this.#compileNeed({ name, entry, host: entry.host, subset: "" }, snapshot.protocols));
      touched.add(name);
    }
    for (const entry of this.#ruled.values()) this.#compileHost(entry, needs);
    this.#compileGateways(inputs.rules, needs);
    const others = new Map([...needs].map(([name, need]) => [name, this.#compileNeed(need, snapshot.protocols)]));
    for (const name of this.#others.keys()) touched.add(name);
    for (const name of others.keys()) touched.add(name);
    this.#others = others;
    for (const name of touched) {
      const compiled = others.get(name) ?? this.#own.get(name);
      this.#clusters.put(name, compiled?.cluster, compiled?.cluster.version);
      this.#endpoints.put(name, compiled?.endpoints, compiled?.endpoints.version);
    }
    this.#compileRoutes();
  }

  #forgetAll(): void {
    this.#entries = [];
    this.#ruled = new Map();
    this.#own = new Map();
    this.#others = new Map();
    this.#virtualHosts = new VersionedList();
    this.#clusters = new VersionedList();
    this.#endpoints = new VersionedList();
  }

  #drop(entry: Entry, touched: Set<string>): void {
    this.#ruled.delete(entry.host);
    this.#virtualHosts.put(virtualHostName(DUBBO_ROUTES, entry.host), undefined, undefined);
    const name = clusterNameOf(entry, "");
    if (this.#own.delete(name)) touched.add(name);
  }

  #compileHost(entry: Entry, needs: Map<string, ClusterNeed>): void {
    const rule = this.#rules.virtualServices.find(entry);
    const context = { index: this.#shared.index, rules: this.#rules, client: this.#client };
    // Without a rule no caller is told from another.
    const cache = rule === undefined ? this.#shared.hosts : this.#hosts;
    const { virtualHost, clusters } = compileHost(entry, rule, context, cache);
    const policies = this.#inputs!.policies.configsOf(entry);
    const isOpen = policies === undefined || Object.keys(policies).length === 0;
    const guarded = isOpen ? virtualHost : { ...virtualHost, typedPerFilterConfig: policies };
    const name = virtualHostName(DUBBO_ROUTES, entry.host);
    const version = contentVersion(guarded);
    this.#virtualHosts.put(name, { name, version, resource: guarded }, version);
    for (const need of clusters) needs.set(need.name, need);
  }

  #compileNeed(need: ClusterNeed, wire: readonly string[]): CompiledCluster {
    const rule = need.entry === undefined ? undefined : this.#rules.destinationRules.find(need.entry);
    const caches = { shared: this.#shared.clusters, own: this.#clustersOf };
    return compileNeed(need, rule, { wire, client: this.#client }, caches);
  }

  #compileGateways(rules: readonly Rule[], needs: Map<string, ClusterNeed>): void {
    const hasGateways = rules.some(({ kind }) => kind === "Gateway");
    if (hasGateways || this.#gateways.ports.length > 0)
      this.#gateways = compileGateways(rules, this.#shared.index, (entry, subset) =>
        hashPolicyOf(entry, subset, this.#rules),
      );
    for (const need of this.#gateways.clusters) needs.set(need.name, need);
  }

  #compileRoutes(): void {
    const known = new Map(this.#routes.map((one) => [one.name, one]));
    const others = this.#gateways.routes.map((resource) => ({
      name: resource.name,
      version: hashText(resource.virtualHosts.map(contentVersion).join()),
      resource,
    }));
    const routes = [named(DUBBO_ROUTE_CONFIG), ...others]
      .sort((a, b) => compareText(a.name, b.name))
      .map((one) => {
        const before = known.get(one.name);
        return before?.version === one.version ? before : one;
      });
    const isSame = routes.length === this.#routes.length && routes.every((one, i) => one === this.#routes[i]);
    if (!isSame) this.#routes = routes;
  }
}
