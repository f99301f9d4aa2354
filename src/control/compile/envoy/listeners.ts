import type { ServedResource } from "../../../codecs/xds/served.ts";
import { ADS, type ProtoJson, versioned } from "../targets.ts";
import { DUBBO_ROUTE_CONFIG } from "./dubbo-routes.ts";
import type { TcpChain } from "./tcp.ts";

const FILTERS = "type.googleapis.com/envoy.extensions.filters";

/** HTTP filters of every listener, in order; what they do is said by routes. */
const HTTP_FILTERS: readonly ProtoJson[] = [
  { name: "envoy.filters.http.cors", typedConfig: { "@type": `${FILTERS}.http.cors.v3.Cors` } },
  { name: "envoy.filters.http.fault", typedConfig: { "@type": `${FILTERS}.http.fault.v3.HTTPFault` } },
];
const ROUTER: ProtoJson = {
  name: "envoy.filters.http.router",
  typedConfig: { "@type": `${FILTERS}.http.router.v3.Router` },
};

/** Tells which name a caller asks TLS for. */
const TLS_INSPECTOR: ProtoJson = {
  name: "envoy.filters.listener.tls_inspector",
  typedConfig: { "@type": `${FILTERS}.listener.tls_inspector.v3.TlsInspector` },
};

/** Where a listener is bound. */
export interface Bound {
  readonly address: string;
  readonly port: number;
}

/** A listener for calls of every Dubbo service: the call's own interface says which it is for. */
export function dubboListener(at: Bound): ServedResource {
  return outbound(at, {
    name: "envoy.filters.network.dubbo_proxy",
    typedConfig: {
      "@type": `${FILTERS}.network.dubbo_proxy.v3.DubboProxy`,
      statPrefix: nameOf("outbound", at),
      dubboFilters: [{ name: "envoy.filters.dubbo.router" }],
      drds: { configSource: ADS, routeConfigName: DUBBO_ROUTE_CONFIG },
    },
  });
}

/** What holds for one HTTP listener. */
export interface HttpListener extends Bound {
  readonly routeConfigName: string;
  /** Callers are outside the mesh: their addresses are passed on, and paths are made plain before they are matched. */
  readonly isGateway?: boolean;
  /** Filters before the router that policies asked for. */
  readonly filters?: readonly ProtoJson[];
  /** How the listener proves itself to callers; plain text where absent. */
  readonly transportSocket?: ProtoJson;
}

/** A listener for HTTP/1.1 and HTTP/2 (gRPC, Triple), told apart by their first bytes. */
export function httpListener({
  routeConfigName,
  isGateway = false,
  filters = [],
  ...at
}: HttpListener): ServedResource {
  const { transportSocket, ...bound } = at;
  return outbound(bound, httpFilter(bound, routeConfigName, isGateway, filters), transportSocket);
}

/** What holds for callers of a gateway that ask TLS for some names. */
export interface NamedChain {
  readonly routeConfigName: string;
  readonly serverNames: readonly string[] | undefined;
  readonly transportSocket: ProtoJson;
  readonly filters: readonly ProtoJson[];
}

/** Callers of a gateway that ask TLS for some names and are carried as they are. */
export interface PassingChain {
  readonly serverNames: readonly string[];
  readonly cluster: string;
}

/** A gateway's listener with certificates, and routes, by the name that callers ask for. */
export function namedListener(
  at: Bound,
  chains: readonly NamedChain[],
  passing: readonly PassingChain[],
): ServedResource {
  const name = `${at.address}_${at.port}`;
  const passages = passing.map(({ serverNames, cluster }) => ({
    name: cluster,
    ...(!serverNames.includes("*") && { filterChainMatch: { serverNames } }),
    filters: [tcpFilter(at, { cluster })],
  }));
  return versioned(name, {
    name,
    address: { socketAddress: { address: at.address, portValue: at.port } },
    trafficDirection: "OUTBOUND",
    listenerFilters: [TLS_INSPECTOR],
    filterChains: [
      ...chains.map(({ routeConfigName, serverNames, transportSocket, filters }) => ({
        name: routeConfigName,
        ...(serverNames && { filterChainMatch: { serverNames } }),
        filters: [httpFilter(at, routeConfigName, true, filters)],
        transportSocket,
      })),
      ...passages,
    ],
  });
}

function tcpFilter(at: Bound, to: ProtoJson): ProtoJson {
  const typedConfig = {
    "@type": `${FILTERS}.network.tcp_proxy.v3.TcpProxy`,
    statPrefix: nameOf("outbound", at),
    ...to,
  };
  return { name: "envoy.filters.network.tcp_proxy", typedConfig };
}

function httpFilter(at: Bound, routeConfigName: string, isGateway: boolean, filters: readonly ProtoJson[]): ProtoJson {
  return {
    name: "envoy.filters.network.http_connection_manager",
    typedConfig: {
      "@type": `${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager`,
      statPrefix: nameOf(isGateway ? "gateway" : "outbound", at),
      rds: { configSource: ADS, routeConfigName },
      httpFilters: [...filters, ...HTTP_FILTERS, ROUTER],
      upgradeConfigs: [{ upgradeType: "websocket" }],
      normalizePath: true,
      // Streams of gRPC may be silent for long; a route says where a call may not last.
      streamIdleTimeout: "0s",
      ...(isGateway && {
        useRemoteAddress: true,
        mergeSlashes: true,
        pathWithEscapedSlashesAction: "UNESCAPE_AND_FORWARD",
      }),
    },
  };
}

/** A listener that carries the bytes of connections, each as the first chain says whose condition it meets. */
export function tcpListener(at: Bound, chains: readonly TcpChain[]): ServedResource {
  const name = `${at.address}_${at.port}`;
  const readsNames = chains.some(({ match }) => match?.["serverNames"] !== undefined);
  const filterChains = chains.map(({ match, clusters }) => ({
    ...(match && { filterChainMatch: match }),
    filters: [
      tcpFilter(at, clusters.length === 1 ? { cluster: clusters[0]!.name } : { weightedClusters: { clusters } }),
    ],
  }));
  return versioned(name, {
    name,
    address: { socketAddress: { address: at.address, portValue: at.port } },
    trafficDirection: "OUTBOUND",
    ...(readsNames && { listenerFilters: [TLS_INSPECTOR] }),
    filterChains,
  });
}

function outbound(at: Bound, filter: ProtoJson, transportSocket?: ProtoJson): ServedResource {
  const name = `${at.address}_${at.port}`;
  return versioned(name, {
    name,
    address: { socketAddress: { address: at.address, portValue: at.port } },
    trafficDirection: "OUTBOUND",
    filterChains: [{ filters: [filter], ...(transportSocket && { transportSocket }) }],
  });
}

function nameOf(kind: string, { address, port }: Bound): string {
  return `${kind}_${address}_${port}`;
}
