import { createServer } from "node:net";
import { type Logger, silentLogger } from "../../src/base/log.ts";
import type { ProxyLimits } from "../../src/bridge-proxy/context.ts";
import * as dataPlane from "../../src/bridge-proxy/proxy.ts";
import {
  CLUSTER_TYPE,
  type Cluster,
  type ClusterLoadAssignment,
  type DeltaResources,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  type Listener,
  ROUTE_TYPE,
  type Route,
  type RouteConfiguration,
  TRESTLE_METADATA,
  type TypeUrl,
  type XdsResource,
} from "../../src/codecs/xds/resources.ts";

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
      const last: Route = { name: "default", match: { prefix: "/" }, route: { cluster, ...timeout } };
      const host = hostOf(service);
      return { name: host, domains: [host, service.interface], routes: [...(service.routes?.(cluster) ?? []), last] };
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

function hostOf(service: LoneService): string {
  return service.interface.toLowerCase();
}

function clusterName(service: LoneService): string {
  return `outbound|20880||${hostOf(service)}`;
}

function clusterOf(service: LoneService): Cluster {
  const { callbackMethods } = service;
  const callbacks = callbackMethods === undefined ? {} : { callbackMethods };
  const facts = {
    interface: service.interface,
    group: "",
    version: "",
    host: hostOf(service),
    subset: "",
    ...callbacks,
  };
  return {
    name: clusterName(service),
    type: "EDS",
    lbPolicy: "ROUND_ROBIN",
    metadata: { filterMetadata: { [TRESTLE_METADATA]: facts } },
  };
}

function endpointsOf(service: LoneService): ClusterLoadAssignment {
  const lbEndpoints = service.ports.map((portValue) => ({
    endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue } } },
    loadBalancingWeight: 100,
  }));
  return { clusterName: clusterName(service), endpoints: [{ lbEndpoints }] };
}
