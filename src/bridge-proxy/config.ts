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
  TRESTLE_METADATA,
  type TypeUrl,
} from "../codecs/xds/resources.ts";
import type { ProxyContext } from "./context.ts";
import type { RuntimeConfig } from "./dubbo/lanes.ts";
import { RouteTable } from "./route.ts";
import { Cluster } from "./upstream/cluster.ts";
import { HostPool, type UpstreamHost } from "./upstream/host.ts";

/** The resources that a proxy has, and what was made of them: the only place that knows both. */
export class ProxyConfig {
  readonly hosts: HostPool;
  readonly #context: ProxyContext;
  readonly #resources: Record<TypeUrl, Map<string, NamedResource>> = {
    [LISTENER_TYPE]: new Map(),
    [ROUTE_TYPE]: new Map(),
    [CLUSTER_TYPE]: new Map(),
    [ENDPOINT_TYPE]: new Map(),
  };
  /** Clusters made so far, with the versions of the two resources that each was made from. */
  readonly #clusters = new Map<string, { readonly versions: string; readonly cluster: Cluster }>();
  #current: RuntimeConfig;

  constructor(context: ProxyContext) {
    this.#context = context;
    this.hosts = new HostPool(context);
    this.#current = this.#build();
  }

  /** What is in force; another object after every change. */
  get current(): RuntimeConfig {
    return this.#current;
  }

  get listeners(): readonly Listener[] {
    return this.#list<Listener>(LISTENER_TYPE);
  }

  /** Takes changes into force all at once. */
  apply(changes: readonly DeltaResources[]): void {
    for (const { typeUrl, resources, removedResources } of changes) {
      const held = this.#resources[typeUrl];
      for (const resource of resources) held.set(resource.name, resource);
      for (const name of removedResources) held.delete(name);
    }
    this.#current = this.#build();
  }

  #build(): RuntimeConfig {
    for (const name of [...this.#clusters.keys()]) {
      if (!this.#resources[CLUSTER_TYPE].has(name)) this.#clusters.delete(name);
    }
    for (const name of this.#resources[CLUSTER_TYPE].keys()) this.#cluster(name);
    const clusters = [...this.#clusters.values()].map(({ cluster }) => cluster);
    this.hosts.keepOnly(
      new Set<UpstreamHost>(clusters.flatMap((cluster) => cluster.endpoints.map(({ host }) => host))),
    );
    const payloads = clusters.flatMap((cluster) => cluster.endpoints.map(({ payloadBytes }) => payloadBytes));
    const { maxBodyBytes, maxSkipBytes } = this.#context.limits;
    this.#context.frameLimits.maxBodyBytes = Math.min(
      maxSkipBytes,
      payloads.reduce((most, bytes) => Math.max(most, bytes), maxBodyBytes),
    );
    const listener = this.listeners[0]?.metadata.filterMetadata[TRESTLE_METADATA];
    const routes = this.#list<RouteConfiguration>(ROUTE_TYPE).find(({ name }) => name === listener?.routeConfigName);
    const applications = listener?.applications ?? {};
    return {
      routes: new RouteTable(routes, (name) => this.#cluster(name)),
      applicationOf: (address) => applications[address],
    };
  }

  /** The cluster of that name, made anew only when its resources changed; without resources it has no endpoints. */
  #cluster(name: string): Cluster {
    const resource = this.#resources[CLUSTER_TYPE].get(name) as NamedResource<ClusterResource> | undefined;
    const assignment = this.#resources[ENDPOINT_TYPE].get(name) as NamedResource<ClusterLoadAssignment> | undefined;
    const versions = `${resource?.version} ${assignment?.version}`;
    const known = this.#clusters.get(name);
    if (known?.versions === versions) return known.cluster;
    const cluster = new Cluster(resource?.resource ?? missingCluster(name), assignment?.resource, this.hosts);
    this.#clusters.set(name, { versions, cluster });
    return cluster;
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
