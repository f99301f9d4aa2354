import type { Cluster } from "../../codecs/xds/cluster.ts";
import type { ClusterLoadAssignment } from "../../codecs/xds/endpoint.ts";
import type { NamedResource, ResourceSet } from "../../codecs/xds/resources.ts";
import { type RouteConfiguration, type VirtualHost, virtualHostName } from "../../codecs/xds/route.ts";
import { type Entry, hostnameOf } from "../../model/entry.ts";
import { hashText } from "../../model/hash-text.ts";
import type { Sidecar } from "../../model/rules/sidecar.ts";
import { contentVersion, type Snapshot } from "../../model/snapshot.ts";
import type { RuleClient } from "../rules/client.ts";
import { compareText } from "../rules/findings.ts";
import type { EntryIndex, RuleIndex } from "../rules/hosts.ts";
import { type Scope, scopeOf } from "../rules/sidecars.ts";
import { askedServers, underName } from "./asked-servers.ts";
import { type ClusterNeed, clusterNameOf } from "./clusters.ts";
import { type CompiledHost, compileHost, destinationHosts, hashPolicyOf } from "./compile-host.ts";
import { type CompiledCluster, compileNeed, named } from "./compile-need.ts";
import { type CompiledGateways, compileGateways } from "./gateways.ts";
import { guardedHost } from "./guarded-host.ts";
import { Needs } from "./needs.ts";
import { DUBBO_ROUTE_CONFIG, DUBBO_ROUTES } from "./routes.ts";
import { type RuleWorld, servicesMeant } from "./rule-world.ts";
import { type KnownLists, SortedList } from "./sorted-list.ts";
import { parseClusterName } from "./targets.ts";
import type { Variants } from "./variants.ts";

/** What views share: services by name, and what was made for any of them. */
export interface SharedParts {
  readonly index: EntryIndex;
  readonly hosts: Variants<CompiledHost>;
  readonly clusters: Variants<CompiledCluster>;
  /** Of the present snapshot. */
  readonly lists: KnownLists;
}

/** What a view gives to the nodes that it is for. */
export interface ViewResources extends Pick<ResourceSet, "routes" | "virtualHosts" | "clusters" | "endpoints"> {
  /** Of all four. */
  readonly version: string;
  readonly gateways: CompiledGateways;
}

/** Who needs what gateways lead to: no host has such a name. */
const GATEWAYS = "";

const NO_GATEWAYS: CompiledGateways = { ports: [], routes: [], clusters: [] };

/** What services became from one snapshot to the next. */
export interface EntryMoves {
  readonly gone: readonly Entry[];
  readonly came: readonly Entry[];
}

/**
 * What the proxies of one kind of client are told: all that have a namespace, a Sidecar, the labels that rules ask for and a locality in
 * common. What it makes is kept where other views find it; its own are the lists, and what rules need beside the services themselves. So a
 * change of one service, or of one rule, costs what the services cost that it concerns.
 */
export class View {
  readonly #shared: SharedParts;
  readonly #client: RuleClient;
  #world: RuleWorld | undefined;
  #given: Snapshot | undefined;
  #rules!: RuleIndex;
  #scope!: Scope;
  readonly #needs = new Needs();
  #gateways = NO_GATEWAYS;
  readonly #virtualHosts: SortedList<NamedResource<VirtualHost>>;
  readonly #clusters: SortedList<NamedResource<Cluster>>;
  readonly #endpoints: SortedList<NamedResource<ClusterLoadAssignment>>;
  #routes: readonly NamedResource<RouteConfiguration>[] = [];
  #resources: ViewResources | undefined;

  constructor(shared: SharedParts, client: RuleClient) {
    this.#shared = shared;
    this.#client = client;
    this.#virtualHosts = new SortedList(shared.lists);
    this.#clusters = new SortedList(shared.lists);
    this.#endpoints = new SortedList(shared.lists);
  }

  /** Takes a snapshot, whose services the shared index has already. `movesSince` says what became of services since another one. */
  take(
    snapshot: Snapshot,
    { world, sidecar }: { readonly world: RuleWorld; readonly sidecar: Sidecar | undefined },
    movesSince: (before: Snapshot) => EntryMoves,
  ): ViewResources {
    if (this.#resources !== undefined && snapshot === this.#given && world === this.#world) return this.#resources;
    const moves = this.#given === undefined ? { gone: [], came: snapshot.entries } : movesSince(this.#given);
    const touched = new Set<string>();
    const affected = this.#takeWorld(world, sidecar, snapshot, touched);
    this.#given = snapshot;
    this.#update(affected, touched, moves);
    return this.#publish();
  }

  /** Takes rules; gives the hosts of the services that they may have changed, and adds clusters that they may have to `touched`. */
  #takeWorld(world: RuleWorld, sidecar: Sidecar | undefined, snapshot: Snapshot, touched: Set<string>): Set<string> {
    const before = this.#world;
    const affected = new Set<string>();
    if (world === before) return affected;
    this.#world = world;
    const isRescoped = before === undefined || sidecar !== this.#scope.sidecar;
    if (isRescoped) this.#scope = scopeOf(sidecar, this.#client);
    this.#rules = world.indexOf(this.#client);
    const changes = before === undefined ? undefined : world.changesSince(before);
    if (isRescoped || changes === undefined || changes.all) {
      for (const { resource } of this.#virtualHosts.list) affected.add(resource.name);
      for (const { host } of snapshot.entries) affected.add(host);
      for (const { name } of this.#clusters.list) touched.add(name);
      return affected;
    }
    for (const text of changes.texts) this.#needs.addDependants(text, affected);
    for (const entry of servicesMeant(changes, this.#shared.index, snapshot.entries)) this.#affect(entry, affected);
    return affected;
  }

  /** A service and those whose rules may lead to it. */
  #affect(entry: Entry, affected: Set<string>): void {
    const { host, service } = entry;
    affected.add(host);
    for (const name of new Set([host, hostnameOf(entry)])) this.#needs.addDependants(name, affected);
    this.#needs.addDependants(service.interface.toLowerCase(), affected);
  }

  #update(affected: Set<string>, touched: Set<string>, { gone, came }: EntryMoves): void {
    for (const entry of gone) {
      this.#affect(entry, affected);
      touched.add(clusterNameOf(entry, ""));
    }
    for (const entry of came) this.#affect(entry, affected);
    for (const host of affected) {
      const entry = this.#shared.index.byHost(host);
      // The service's own cluster stands even where its rule leads every call elsewhere: the rule may change back at any time.
      if (entry !== undefined) touched.add(clusterNameOf(entry, ""));
      if (entry !== undefined && this.#scope.sees(entry)) this.#compileHost(entry, touched);
      else {
        this.#virtualHosts.put(virtualHostName(DUBBO_ROUTES, host), undefined);
        this.#needs.set(host, [], [], touched);
      }
    }
    this.#compileGateways(touched);
    for (const name of touched) {
      const need = this.#needs.of(name) ?? this.#ownNeed(name);
      const compiled = need && this.#compileNeed(need);
      this.#clusters.put(name, compiled?.cluster);
      this.#endpoints.put(name, compiled?.endpoints);
    }
  }

  /** What the cluster of that name is, where it is a service's own. */
  #ownNeed(name: string): ClusterNeed | undefined {
    const host = parseClusterName(name)?.host;
    const entry = host === undefined ? undefined : this.#shared.index.byHost(host);
    const isOwn = entry !== undefined && this.#scope.sees(entry) && clusterNameOf(entry, "") === name;
    return isOwn ? { name, entry, host: entry.host, subset: "" } : undefined;
  }

  #ruleOf(entry: Entry) {
    return this.#rules.virtualServices.find(entry, (rule) => this.#scope.takes(rule));
  }

  #compileHost(entry: Entry, touched: Set<string>): void {
    const rule = this.#ruleOf(entry);
    const { index, hosts } = this.#shared;
    const context = { index, rules: this.#rules, client: this.#client };
    const { virtualHost, clusters } = compileHost(entry, rule, context, hosts);
    const policies = this.#world!.policiesOf(entry);
    const { resource, need, asks } = guardedHost(entry, virtualHost, policies, this.#rules, index);
    this.#virtualHosts.put(resource.name, resource);
    const servers = askedServers(policies, index);
    const needs =
      need === undefined && servers.length === 0 ? clusters : [...clusters, ...(need ? [need] : []), ...servers];
    const texts = [...(rule === undefined ? [] : destinationHosts(rule)), ...servers.map(({ host }) => host)];
    this.#needs.set(entry.host, needs, asks === undefined ? texts : [...texts, asks], touched);
  }

  #compileNeed(need: ClusterNeed): CompiledCluster {
    const { entry } = need;
    const rule = entry === undefined ? undefined : this.#rules.destinationRules.find(entry);
    const isRuled = entry !== undefined && this.#ruleOf(entry) !== undefined;
    const wire = this.#given!.protocols;
    return underName(
      compileNeed(need, rule, { wire, client: this.#client, isRuled }, this.#shared.clusters),
      need.name,
    );
  }

  #compileGateways(touched: Set<string>): void {
    const { rules } = this.#world!;
    const hasGateways = rules.some(({ kind }) => kind === "Gateway");
    if (!hasGateways && this.#gateways.ports.length === 0) return;
    const hashes = (entry: Entry, subset: string) => hashPolicyOf(entry, subset, this.#rules);
    this.#gateways = compileGateways(rules, this.#shared.index, hashes, this.#client);
    this.#needs.set(GATEWAYS, this.#gateways.clusters, [], touched);
  }

  #publish(): ViewResources {
    this.#compileRoutes();
    const versions = [
      this.#routes.map(({ version }) => version).join(),
      this.#virtualHosts.version,
      this.#clusters.version,
      this.#endpoints.version,
    ];
    this.#resources = {
      routes: this.#routes,
      virtualHosts: this.#virtualHosts.list,
      clusters: this.#clusters.list,
      endpoints: this.#endpoints.list,
      version: hashText(versions.join("|")),
      gateways: this.#gateways,
    };
    return this.#resources;
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
