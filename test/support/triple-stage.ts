import { silentLogger } from "../../src/base/log.ts";
import type { ProxyLimits } from "../../src/bridge-proxy/context.ts";
import { createProxy, type RunningProxy } from "../../src/bridge-proxy/proxy.ts";
import { TRESTLE_METADATA, type WireProtocol } from "../../src/codecs/xds/core.ts";
import type { Listener } from "../../src/codecs/xds/listener.ts";
import {
  CLUSTER_TYPE,
  type DeltaResources,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  type NamedResource,
  ROUTE_TYPE,
  SCHEMA_TYPE,
  type TypeUrl,
} from "../../src/codecs/xds/resources.ts";
import type { Route } from "../../src/codecs/xds/route.ts";
import type { ServiceSchema } from "../../src/model/schema.ts";
import { freePort } from "./lone-proxy.ts";
import { clusterName, clusterOf, endpointsOf, named, routesOf, type TestEndpoint } from "./xds-fixtures.ts";

/** One service that a {@link TripleStage} carries: the key it is called by, and who serves it. */
export interface CarriedService {
  /** `group/interface:version`, without what is empty. */
  readonly key: string;
  readonly endpoints: readonly TestEndpoint[];
  /** Endpoints of named subsets; their cluster is `clusterName(key, subset)`. */
  readonly subsets?: Readonly<Record<string, readonly TestEndpoint[]>>;
  /** Routes before the one that takes everything. */
  readonly routes?: readonly Route[];
  readonly maxRequests?: number;
}

/** A proxy in this process, without registries and rules: a port for Triple and one for Dubbo2, both with the same routes. */
export interface TripleStage {
  readonly proxy: RunningProxy;
  readonly host: string;
  readonly port: number;
  readonly dubboPort: number;
  /** `tri://host:port` */
  readonly url: string;
  /** `dubbo://host:port` */
  readonly dubboUrl: string;
  /** Replaces the services, and what is known of the types of their calls. */
  apply(services: readonly CarriedService[], schemas?: readonly ServiceSchema[]): Promise<void>;
  /** Calls carried so far, whatever became of them. */
  carried(): number;
  /** Calls and bytes that the proxy holds now: all 0 when nobody calls. */
  held(): Readonly<Record<string, number | undefined>>;
  close(): Promise<void>;
}

/** Starts the proxy on free ports of `host`. */
export async function startTripleStage(host: string, limits: Partial<ProxyLimits> = {}): Promise<TripleStage> {
  const proxy = createProxy({ worker: "triple", log: silentLogger, limits });
  const [port, dubboPort] = [await freePort(), await freePort()];
  let names: Partial<Record<TypeUrl, readonly string[]>> = {};
  const apply = (services: readonly CarriedService[], schemas: readonly ServiceSchema[] = []) => {
    const listeners = [listenerOf("tri", host, port), listenerOf("dubbo", host, dubboPort)];
    const changes = resourcesOf(services, listeners, schemas).map(({ typeUrl, resources }) => {
      const now = resources.map(({ name }) => name);
      const removedResources = (names[typeUrl] ?? []).filter((name) => !now.includes(name));
      names = { ...names, [typeUrl]: now };
      return { typeUrl, resources, removedResources };
    });
    return proxy.apply(changes);
  };
  await apply([]);
  return {
    proxy,
    host,
    port,
    dubboPort,
    url: `tri://${host}:${port}`,
    dubboUrl: `dubbo://${host}:${dubboPort}`,
    apply,
    carried: () => proxy.stats().calls.reduce((sum, { count }) => sum + count, 0),
    held: () => {
      const { callsInFlight, heldBytes, callsHeldByRules } = proxy.stats().gauges;
      return { callsInFlight, heldBytes, callsHeldByRules };
    },
    close: () => proxy.close(),
  };
}

function listenerOf(protocol: WireProtocol, address: string, portValue: number): Listener {
  return {
    name: protocol,
    address: { socketAddress: { address, portValue } },
    metadata: { filterMetadata: { [TRESTLE_METADATA]: { protocol, routeConfigName: "dubbo" } } },
  };
}

function resourcesOf(
  services: readonly CarriedService[],
  listeners: readonly Listener[],
  schemas: readonly ServiceSchema[],
): DeltaResources[] {
  const clusters: NamedResource[] = [];
  const endpoints: NamedResource[] = [];
  const hosts: Record<string, readonly Route[]> = {};
  for (const { key, subsets = {}, routes = [], maxRequests, ...service } of services) {
    for (const [subset, list] of Object.entries({ "": service.endpoints, ...subsets })) {
      const name = clusterName(key, subset);
      const limits = maxRequests === undefined ? {} : { maxRequests };
      clusters.push(named(name, clusterOf(key, subset, { lbPolicy: "ROUND_ROBIN", ...limits })));
      endpoints.push(named(name, endpointsOf(key, subset, list)));
    }
    hosts[key] = [...routes, { name: "all", match: { prefix: "/" }, route: { cluster: clusterName(key) } }];
  }
  const changes = (typeUrl: TypeUrl, resources: readonly NamedResource[]) => ({
    typeUrl,
    resources,
    removedResources: [],
  });
  return [
    changes(
      LISTENER_TYPE,
      listeners.map((listener) => named(listener.name, listener)),
    ),
    changes(CLUSTER_TYPE, clusters),
    changes(ENDPOINT_TYPE, endpoints),
    changes(ROUTE_TYPE, [named("dubbo", routesOf(hosts))]),
    changes(
      SCHEMA_TYPE,
      schemas.map((schema) => named(schema.name, schema)),
    ),
  ];
}
