import { createServer } from "node:net";
import { type Logger, silentLogger } from "../../src/base/log.ts";
import type { ProxyLimits } from "../../src/bridge-proxy/context.ts";
import * as dataPlane from "../../src/bridge-proxy/proxy.ts";
import type { AuthzConfigs } from "../../src/codecs/xds/authz.ts";
import type { Cluster } from "../../src/codecs/xds/cluster.ts";
import { type CarriedProtocol, TRESTLE_METADATA } from "../../src/codecs/xds/core.ts";
import type { ClusterLoadAssignment, LocalityLbEndpoints } from "../../src/codecs/xds/endpoint.ts";
import type { Listener } from "../../src/codecs/xds/listener.ts";
import {
  CLUSTER_TYPE,
  type DeltaResources,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  ROUTE_TYPE,
  type TypeUrl,
  type XdsResource,
} from "../../src/codecs/xds/resources.ts";
import type { Route, RouteAction, RouteConfiguration } from "../../src/codecs/xds/route.ts";

/** One service of a {@link startLoneProxy}: its interface, and the ports of its providers on 127.0.0.1. */
export interface LoneService {
  readonly interface: string;
  readonly ports: readonly number[];
  /** Routes before the one that takes everything. */
  readonly routes?: (cluster: string) => readonly Route[];
  /** Route timeout, as `"0.5s"`. */
  readonly timeout?: string;
  /** Methods whose providers call back. */
  readonly callbackMethods?: readonly string[];
  /** What its cluster says beside the usual. */
  readonly cluster?: Partial<Cluster>;
  readonly balancer?: "PEAK_EWMA";
  /** What its route says beside the usual. */
  readonly action?: Omit<RouteAction, "cluster" | "weightedClusters">;
  /** Groups of its ports in place of one of all: each a priority and locality of its own. */
  readonly places?: readonly (Omit<LocalityLbEndpoints, "lbEndpoints"> & { readonly ports: readonly number[] })[];
  /** What its providers speak; Dubbo2 unless said. */
  readonly protocol?: CarriedProtocol;
  readonly policies?: AuthzConfigs;
}

/** A proxy in this process, without registries and rules: a socket on one side, providers' ports on the other. */
export interface LoneProxy {
  readonly proxy: dataPlane.RunningProxy;
  readonly host: string;
  readonly port: number;
  /** Replaces the services. */
  apply(services: readonly LoneService[]): Promise<void>;
  close(): Promise<void>;
}

/** Starts a data plane on a free port of 127.0.0.1. */
export async function startLoneProxy(
  services: readonly LoneService[],
  limits: Partial<ProxyLimits> = {},
  log: Logger = silentLogger,
): Promise<LoneProxy> {
  const proxy = dataPlane.createProxy({ worker: "lone", log, limits });
  const port = await freePort();
  let version = 0;
  const apply = (list: readonly LoneService[]) => proxy.apply(resourcesOf(list, port, String(++version)));
  await apply(services);
  return { proxy, host: "127.0.0.1", port, apply, close: () => proxy.close() };
}

/** A port that nobody listens on just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function resourcesOf(services: readonly LoneService[], port: number, version: string): DeltaResources[] {
  const listener: Listener = {
    name: "dubbo",
    address: { socketAddress: { address: "127.0.0.1", portValue: port } },
    metadata: { filterMetadata: { [TRESTLE_METADATA]: { protocol: "dubbo", routeConfigName: "dubbo" } } },
  };
  const routes: RouteConfiguration = {
    name: "dubbo",
    virtualHosts: services.map((service) => {
      const cluster = clusterName(service);
      const timeout = service.timeout === undefined ? {} : { timeout: service.timeout };
      const last: Route = {
        name: "default",
        match: { prefix: "/" },
        route: { cluster, ...timeout, ...service.action },
      };
      const host = hostOf(service);
      const policies = service.policies && { typedPerFilterConfig: service.policies };
      const own = [...(service.routes?.(cluster) ?? []), last];
      return { name: host, domains: [host, service.interface], routes: own, ...policies };
    }),
  };
  return [
    changes(LISTENER_TYPE, version, [listener]),
    changes(ROUTE_TYPE, version, [routes]),
    changes(CLUSTER_TYPE, version, services.map(clusterOf)),
    changes(ENDPOINT_TYPE, version, services.map(endpointsOf)),
  ];
}

function changes(typeUrl: TypeUrl, version: string, resources: readonly XdsResource[]): DeltaResources {
  const named = resources.map((resource) => {
    const name = "clusterName" in resource ? resource.clusterName : resource.name;
    return { name, version, resource };
  });
  return { typeUrl, resources: named, removedResources: [] };
}

function hostOf(service: Pick<LoneService, "interface">): string {
  return service.interface.toLowerCase();
}

function clusterName(service: Pick<LoneService, "interface">): string {
  return `outbound|20880||${hostOf(service)}`;
}

function clusterOf(service: LoneService): Cluster {
  const { callbackMethods, balancer } = service;
  const callbacks = callbackMethods === undefined ? {} : { callbackMethods };
  const facts = {
    interface: service.interface,
    group: "",
    version: "",
    host: hostOf(service),
    subset: "",
    ...callbacks,
    ...(balancer === undefined ? {} : { balancer }),
  };
  return {
    name: clusterName(service),
    type: "EDS",
    lbPolicy: "ROUND_ROBIN",
    ...service.cluster,
    metadata: { filterMetadata: { [TRESTLE_METADATA]: facts } },
  };
}

function endpointsOf({ protocol, ...service }: LoneService): ClusterLoadAssignment {
  const places = service.places ?? [{ ports: service.ports }];
  const metadata = protocol === undefined ? {} : { metadata: { filterMetadata: { [TRESTLE_METADATA]: { protocol } } } };
  const endpoints = places.map(({ ports, ...place }) => ({
    ...place,
    lbEndpoints: ports.map((portValue) => ({
      endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue } } },
      loadBalancingWeight: 100,
      ...metadata,
    })),
  }));
  return { clusterName: clusterName(service), endpoints };
}
