import { javaClasses } from "../codecs/java-classes.ts";
import type { JavaSchema } from "../codecs/java-schema.ts";
import {
  CLUSTER_TYPE,
  type ClusterLoadAssignment,
  type Cluster as ClusterResource,
  type DeltaResources,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  type Listener,
  type NamedResource,
  ROUTE_TYPE,
  type RouteConfiguration,
  SCHEMA_TYPE,
  TRESTLE_METADATA,
  type TypeUrl,
} from "../codecs/xds/resources.ts";
import type { ServiceSchema } from "../model/schema.ts";
import { printServiceKey } from "../model/service.ts";
import type { ProxyContext } from "./context.ts";
import { Callee } from "./dubbo/callee.ts";
import { GatewayTable } from "./gateway/table.ts";
import { HttpCallee } from "./http/callee.ts";
import { RouteTable } from "./route.ts";
import type { RuntimeConfig } from "./runtime-config.ts";
import { TripleCallee } from "./triple/callee.ts";
import { Cluster, type HostPools } from "./upstream/cluster.ts";
import { HostPool, type UpstreamHost } from "./upstream/host.ts";

/** The resources that a proxy has, and what was made of them: the only place that knows both. */
export class ProxyConfig {
  readonly #pools: HostPools;
  readonly #context: ProxyContext;
  readonly #resources: Record<TypeUrl, Map<string, NamedResource>> = {
    [LISTENER_TYPE]: new Map(),
    [ROUTE_TYPE]: new Map(),
    [CLUSTER_TYPE]: new Map(),
    [ENDPOINT_TYPE]: new Map(),
    [SCHEMA_TYPE]: new Map(),
  };
  readonly #clusters = new Map<string, Cluster>();
  /** By the name of their routes, made when first asked for. */
  readonly #gateways = new Map<string, GatewayTable>();
  /** Of the schemas in force, once somebody asked. */
  #classes: JavaSchema | undefined;
  #current: RuntimeConfig;

  constructor(context: ProxyContext) {
    this.#context = context;
    this.#pools = {
      dubbo: new HostPool(context, (host, owner) => new Callee(context, host, owner)),
      tri: new HostPool(context, (host, owner) => new TripleCallee(context, host, owner)),
      http: new HostPool(context, (host, owner) => new HttpCallee(context, host, owner)),
    };
    this.#current = this.#build();
  }

  /** What is in force; another object after every change. */
  get current(): RuntimeConfig {
    return this.#current;
  }

  /** The routes of a gateway's port, by their name; another object after every change. */
  gateway(routeConfigName: string): GatewayTable {
    let table = this.#gateways.get(routeConfigName);
    if (table === undefined) {
      const routes = this.#list<RouteConfiguration>(ROUTE_TYPE).find(({ name }) => name === routeConfigName);
      table = new GatewayTable(routes, (name) => this.#cluster(name));
      this.#gateways.set(routeConfigName, table);
    }
    return table;
  }

  /** Every provider address, whatever it speaks. */
  get hosts(): readonly UpstreamHost[] {
    return [...this.#pools.dubbo.hosts, ...this.#pools.tri.hosts, ...this.#pools.http.hosts];
  }

  /** Lets the timers of connections to providers run. */
  tick(): void {
    this.#pools.dubbo.tick();
    this.#pools.tri.tick();
    this.#pools.http.tick();
  }

  get listeners(): readonly Listener[] {
    return this.#list<Listener>(LISTENER_TYPE);
  }

  /**
   * Takes changes into force all at once. Endpoints that come and go are taken up where they are: routes, and what
   * connections derived from them, stay.
   */
  apply(changes: readonly DeltaResources[]): void {
    let rebuild = false;
    const assigned = new Set<string>();
    for (const { typeUrl, resources, removedResources } of changes) {
      const held = this.#resources[typeUrl];
      const names = [...resources.map(({ name }) => name), ...removedResources];
      for (const resource of resources) held.set(resource.name, resource);
      for (const name of removedResources) held.delete(name);
      if (typeUrl === SCHEMA_TYPE) this.#classes = undefined;
      if (typeUrl === ENDPOINT_TYPE) for (const name of names) assigned.add(name);
      else rebuild = true;
      if (typeUrl === CLUSTER_TYPE) for (const name of names) this.#clusters.delete(name);
    }
    for (const name of assigned) {
      if (this.#clusters.get(name)?.update(this.#assignment(name)) === true) rebuild = true;
    }
    if (rebuild) this.#current = this.#build();
    this.#useEndpoints();
  }

  #build(): RuntimeConfig {
    for (const name of this.#resources[CLUSTER_TYPE].keys()) this.#cluster(name);
    this.#gateways.clear();
    const listener = this.listeners
      .map(({ metadata }) => metadata.filterMetadata[TRESTLE_METADATA])
      .find(({ protocol }) => protocol !== "gateway");
    const routes = this.#list<RouteConfiguration>(ROUTE_TYPE).find(({ name }) => name === listener?.routeConfigName);
    const applications = listener?.applications ?? {};
    const { tags } = listener ?? {};
    return {
      routes: new RouteTable(routes, (name) => this.#cluster(name)),
      applicationOf: (address) => applications[address],
      tagOf: (address, service) => (tags === undefined ? "" : (tags[printServiceKey(service)]?.[address] ?? "")),
      schemaOf: (name) => this.#resources[SCHEMA_TYPE].get(name)?.resource as ServiceSchema | undefined,
      classes: () => {
        this.#classes ??= javaClasses(this.#list<ServiceSchema>(SCHEMA_TYPE));
        return this.#classes;
      },
    };
  }

  /** Lets go of addresses that no cluster lists any more; a provider with a larger payload raises the limit of bodies. */
  #useEndpoints(): void {
    const used = new Set<unknown>();
    const { maxBodyBytes, maxSkipBytes } = this.#context.limits;
    let largest = maxBodyBytes;
    for (const cluster of this.#clusters.values()) {
      for (const { host, payloadBytes } of [
        ...cluster.dubbo.endpoints,
        ...cluster.tri.endpoints,
        ...cluster.http.endpoints,
      ]) {
        used.add(host);
        largest = Math.max(largest, payloadBytes);
      }
    }
    this.#context.frameLimits.maxBodyBytes = Math.min(maxSkipBytes, largest);
    this.#pools.dubbo.keepOnly(used);
    this.#pools.tri.keepOnly(used);
    this.#pools.http.keepOnly(used);
  }

  /** The cluster of that name; without a resource it has no endpoints. */
  #cluster(name: string): Cluster {
    let cluster = this.#clusters.get(name);
    if (cluster === undefined) {
      const resource = this.#resources[CLUSTER_TYPE].get(name) as NamedResource<ClusterResource> | undefined;
      cluster = new Cluster(resource?.resource ?? missingCluster(name), this.#assignment(name), this.#pools);
      this.#clusters.set(name, cluster);
    }
    return cluster;
  }

  #assignment(name: string): ClusterLoadAssignment | undefined {
    return this.#resources[ENDPOINT_TYPE].get(name)?.resource as ClusterLoadAssignment | undefined;
  }

  #list<T extends NamedResource["resource"]>(typeUrl: TypeUrl): T[] {
    return [...this.#resources[typeUrl].values()].map(({ resource }) => resource as T);
  }
}

function missingCluster(name: string): ClusterResource {
  const [, , subset = "", host = name] = name.split("|");
  const service = { interface: host, group: "", version: "", host, subset };
  return { name, type: "EDS", lbPolicy: "RANDOM", metadata: { filterMetadata: { [TRESTLE_METADATA]: service } } };
}
