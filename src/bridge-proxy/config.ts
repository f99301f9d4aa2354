import { javaClasses } from "../codecs/java-classes.ts";
import type { JavaSchema } from "../codecs/java-schema.ts";
import type { AuthzConfigs } from "../codecs/xds/authz.ts";
import type { Cluster as ClusterResource } from "../codecs/xds/cluster.ts";
import { TRESTLE_METADATA } from "../codecs/xds/core.ts";
import type { ClusterLoadAssignment } from "../codecs/xds/endpoint.ts";
import type { Listener, ListenerFacts } from "../codecs/xds/listener.ts";
import {
  CLUSTER_TYPE,
  type DeltaResources,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  type NamedResource,
  ROUTE_TYPE,
  SCHEMA_TYPE,
  SECRET_TYPE,
  type TypeUrl,
  VIRTUAL_HOST_TYPE,
} from "../codecs/xds/resources.ts";
import type { RouteConfiguration, VirtualHost } from "../codecs/xds/route.ts";
import type { Secret } from "../codecs/xds/secret.ts";
import type { ServiceSchema } from "../model/schema.ts";
import { parseServiceKey, printServiceKey, type ServiceKey } from "../model/service.ts";
import type { EjectedEndpoint } from "../model/stats.ts";
import type { SendCheck } from "./authz/ext-authz.ts";
import { HostAuthz } from "./authz/gate.ts";
import { compileIdentities, type IdentityOf } from "./authz/vouched.ts";
import type { ProxyContext } from "./context.ts";
import { Callee } from "./dubbo/callee.ts";
import type { GatewayChain } from "./gateway/chains.ts";
import { GatewayTable } from "./gateway/table.ts";
import { HttpCallee } from "./http/callee.ts";
import { LimitMemory } from "./policies/limits.ts";
import { RouteTable } from "./route.ts";
import type { RuntimeConfig } from "./runtime-config.ts";
import type { TlsContext } from "./tls/contexts.ts";
import { TripleCallee } from "./triple/callee.ts";
import { checkSender, limitSender } from "./triple/check-call.ts";
import { Cluster, type HostPools } from "./upstream/cluster.ts";
import { HostPool, type UpstreamHost } from "./upstream/host.ts";
import { HostUse } from "./upstream/host-use.ts";

/** The resources that a proxy has, and what was made of them: the only place that knows both. */
export class ProxyConfig {
  readonly #pools: HostPools;
  readonly #context: ProxyContext;
  readonly #resources: Record<TypeUrl, Map<string, NamedResource>> = {
    [LISTENER_TYPE]: new Map(),
    [ROUTE_TYPE]: new Map(),
    [VIRTUAL_HOST_TYPE]: new Map(),
    [CLUSTER_TYPE]: new Map(),
    [ENDPOINT_TYPE]: new Map(),
    [SECRET_TYPE]: new Map(),
    [SCHEMA_TYPE]: new Map(),
  };
  readonly #clusters = new Map<string, Cluster>();
  /** Clusters in whose place others are about to stand. */
  readonly #replaced = new Map<string, Cluster>();
  readonly #use = new HostUse();
  /** Clusters that were made, changed or let go since the addresses in use were looked at. */
  readonly #touched = new Set<string>();
  readonly #limits: LimitMemory;
  /** By the name of their routes, made when first asked for. */
  readonly #gateways = new Map<string, GatewayTable>();
  readonly #chains = new Map<string, readonly GatewayChain[]>();
  /** By the name of their routes, made when first asked for: what inbound listeners are led by. */
  readonly #inbound = new Map<string, RuntimeConfig>();
  /** Of the schemas in force, once somebody asked. */
  #classes: JavaSchema | undefined;
  #identities: { readonly key: string; readonly of: IdentityOf | undefined } | undefined;
  /** Asks external authorization servers. */
  readonly #sendCheck: SendCheck;
  #current: RuntimeConfig;

  constructor(context: ProxyContext) {
    this.#context = context;
    this.#sendCheck = checkSender(context, (name) => this.#cluster(name));
    this.#limits = new LimitMemory(limitSender(context, (name) => this.#cluster(name)));
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

  /** What is in force for an inbound listener, by the name of its routes; another object after every change. */
  runtime(routeConfigName: string): RuntimeConfig {
    let runtime = this.#inbound.get(routeConfigName);
    if (runtime === undefined) {
      const services = this.#factsOf(routeConfigName)?.inbound?.services;
      const served = services === undefined ? {} : { servedOf: servedBy(services) };
      runtime = { ...this.#current, routes: this.#routeTable(routeConfigName), ...served };
      this.#inbound.set(routeConfigName, runtime);
    }
    return runtime;
  }

  #factsOf(routeConfigName: string): ListenerFacts | undefined {
    return this.listeners
      .map(({ metadata }) => metadata.filterMetadata[TRESTLE_METADATA])
      .find((facts) => facts.inbound !== undefined && facts.routeConfigName === routeConfigName);
  }

  /** How TLS is ended on connections that the listener at `host:port` accepts; undefined where it says nothing of that. */
  acceptedTls(key: string): TlsContext | undefined {
    const socket = this.#listenerAt(key)?.filterChains?.[0]?.transportSocket;
    return socket?.typedConfig && this.#context.tls.contexts.of(socket.typedConfig.commonTlsContext);
  }

  #listenerAt(key: string): Listener | undefined {
    return this.listeners.find(({ address: { socketAddress } }) => {
      return key === `${socketAddress.address}:${socketAddress.portValue}`;
    });
  }

  /** The chains of a gateway's port that ends TLS; undefined for plain text. */
  gatewayChains(key: string): readonly GatewayChain[] | undefined {
    const known = this.#chains.get(key);
    if (known !== undefined) return known;
    const listener = this.#listenerAt(key);
    const passages = listener?.metadata.filterMetadata[TRESTLE_METADATA].passages;
    const ended = listener?.filterChains?.flatMap(({ name = "", filterChainMatch, transportSocket }) => {
      const config = transportSocket?.typedConfig;
      if (config === undefined) return [];
      const tls = this.#context.tls.contexts.of(config.commonTlsContext);
      const isOptional = config.requireClientCertificate !== true;
      return [{ routeConfigName: name, serverNames: filterChainMatch?.serverNames, tls, isOptional }];
    });
    if (ended === undefined && passages === undefined) return undefined;
    const chains = [...(ended ?? []), ...(passages ?? [])];
    this.#chains.set(key, chains);
    return chains;
  }

  /** The routes of a gateway's port, by their name; another object after every change. */
  gateway(routeConfigName: string): GatewayTable {
    let table = this.#gateways.get(routeConfigName);
    if (table === undefined) {
      table = new GatewayTable(this.#routes(routeConfigName), (name) => this.#cluster(name), {
        limitsOf: (service) => this.#current.routes.hostOf(service)?.limits,
        compilePolicies: this.#compilePolicies,
      });
      this.#gateways.set(routeConfigName, table);
    }
    return table;
  }

  /** Every provider address, whatever it speaks. */
  get hosts(): readonly UpstreamHost[] {
    return [...this.#pools.dubbo.hosts, ...this.#pools.tri.hosts, ...this.#pools.http.hosts];
  }

  /** Lets the timers of connections to providers run, and providers that were ejected come back; to be called every `everyMs`. */
  tick(everyMs: number): void {
    for (const cluster of this.#clusters.values()) cluster.tick(this.#wallMs(), everyMs);
    this.#pools.dubbo.tick();
    this.#pools.tri.tick();
    this.#pools.http.tick();
  }

  /** Every provider that is ejected now, by cluster. */
  get ejected(): readonly EjectedEndpoint[] {
    return [...this.#clusters.values()].filter(({ ejected }) => ejected > 0).flatMap((one) => one.ejectedEndpoints());
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
      if (typeUrl === SECRET_TYPE) this.#takeSecrets(names);
      if (typeUrl === ENDPOINT_TYPE) for (const name of names) assigned.add(name);
      else if (typeUrl !== SECRET_TYPE) rebuild = true;
      if (typeUrl !== CLUSTER_TYPE) continue;
      for (const name of names) {
        const cluster = this.#clusters.get(name);
        if (cluster !== undefined) this.#replaced.set(name, cluster);
        this.#clusters.delete(name);
        this.#touched.add(name);
      }
    }
    for (const name of assigned) {
      this.#touched.add(name);
      if (this.#clusters.get(name)?.update(this.#assignment(name), this.#wallMs()) === true) rebuild = true;
    }
    if (rebuild) this.#current = this.#build();
    this.#replaced.clear();
    this.#useEndpoints();
  }

  #build(): RuntimeConfig {
    for (const name of this.#resources[CLUSTER_TYPE].keys()) this.#cluster(name);
    this.#gateways.clear();
    this.#chains.clear();
    this.#inbound.clear();
    const listener = this.listeners
      .map(({ metadata }) => metadata.filterMetadata[TRESTLE_METADATA])
      .find(({ protocol, inbound }) => protocol !== "gateway" && inbound === undefined);
    this.#limits.turn(listener?.workers ?? 1);
    const applications = listener?.applications ?? {};
    const { tags, callers } = listener ?? {};
    return {
      routes: this.#routeTable(listener?.routeConfigName),
      applicationOf: (address) => applications[address],
      identityOf: this.#identityOf(listener?.identities),
      tagOf: (address, service) => (tags === undefined ? "" : (tags[printServiceKey(service)]?.[address] ?? "")),
      callerOf: (address, service) => callers?.[printServiceKey(service)]?.[address],
      schemaOf: (name) => this.#resources[SCHEMA_TYPE].get(name)?.resource as ServiceSchema | undefined,
      classes: () => {
        this.#classes ??= javaClasses(this.#list<ServiceSchema>(SCHEMA_TYPE));
        return this.#classes;
      },
    };
  }

  /** The same function while nobody else counts as somebody, so that what was decided holds. */
  #identityOf(identities: ListenerFacts["identities"]): IdentityOf | undefined {
    const key = JSON.stringify(identities ?? {});
    if (this.#identities?.key !== key) this.#identities = { key, of: compileIdentities(identities) };
    return this.#identities.of;
  }

  readonly #compilePolicies = (configs: AuthzConfigs) =>
    new HostAuthz(configs, this.#context.authz, undefined, this.#sendCheck);

  #routeTable(name: string | undefined): RouteTable {
    return new RouteTable(
      name === undefined ? undefined : this.#routes(name),
      (cluster) => this.#cluster(cluster),
      this.#compilePolicies,
      (virtualHost) => this.#limits.of(name!, virtualHost),
    );
  }

  /** A RouteConfiguration with all its virtual hosts. */
  #routes(name: string): RouteConfiguration | undefined {
    const config = this.#resources[ROUTE_TYPE].get(name)?.resource as RouteConfiguration | undefined;
    if (config?.vhds === undefined) return config;
    const virtualHosts = [...config.virtualHosts];
    for (const one of this.#resources[VIRTUAL_HOST_TYPE].values())
      if (one.name.startsWith(`${name}/`)) virtualHosts.push(one.resource as VirtualHost);
    return { name, virtualHosts };
  }

  /** Connections that are there live on; what a secret's new content is of no use for is said. */
  #takeSecrets(names: readonly string[]): void {
    const held = this.#resources[SECRET_TYPE];
    for (const name of names)
      this.#context.tls.contexts.setSecret(name, held.get(name)?.resource as Secret | undefined);
  }

  /** Lets go of addresses that no cluster lists any more; a provider with a larger payload raises the limit of bodies. */
  #useEndpoints(): void {
    for (const name of this.#touched) {
      const cluster = this.#clusters.get(name);
      const groups = cluster === undefined ? [] : [cluster.dubbo, cluster.tri, cluster.http];
      this.#use.set(
        name,
        groups.map(({ listed }) => listed),
      );
    }
    this.#touched.clear();
    this.#use.retireLeft();
    const { maxBodyBytes, maxSkipBytes } = this.#context.limits;
    this.#context.frameLimits.maxBodyBytes = Math.min(maxSkipBytes, Math.max(maxBodyBytes, this.#use.largestPayload));
  }

  /** The cluster of that name; without a resource it has no endpoints. */
  #cluster(name: string): Cluster {
    let cluster = this.#clusters.get(name);
    if (cluster === undefined) {
      const resource = this.#resources[CLUSTER_TYPE].get(name) as NamedResource<ClusterResource> | undefined;
      cluster = new Cluster(resource?.resource ?? missingCluster(name), this.#assignment(name), this.#pools, {
        wallMs: this.#wallMs(),
        random: this.#context.random,
        before: this.#replaced.get(name),
        tls: this.#context.tls,
      });
      this.#clusters.set(name, cluster);
      this.#touched.add(name);
    }
    return cluster;
  }

  /** Time of day, ms. */
  #wallMs(): number {
    return this.#context.originMs + this.#context.nowMs;
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

/** Services by their interface, from printed keys; what is not there has none. */
function servedBy(services: readonly string[]): NonNullable<RuntimeConfig["servedOf"]> {
  const byName = new Map<string, ServiceKey[]>();
  for (const key of services.map(parseServiceKey)) {
    const known = byName.get(key.interface);
    if (known === undefined) byName.set(key.interface, [key]);
    else known.push(key);
  }
  return (name) => byName.get(name) ?? [];
}
