import { GLOBAL_LIMIT_FILTER, withoutLimits } from "../../../codecs/xds/rate-limit.ts";
import {
  CLUSTER_TYPE,
  DUBBO_ROUTE_TYPE,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  type ResourceSet,
  ROUTE_TYPE,
  virtualHostsOf,
} from "../../../codecs/xds/resources.ts";
import type { Route, RouteConfiguration, VirtualHost } from "../../../codecs/xds/route.ts";
import type { ServedResource, ServedSet } from "../../../codecs/xds/served.ts";
import type { DownstreamTlsContext, TransportSocket } from "../../../codecs/xds/tls.ts";
import type { Entry, Finding } from "../../../model/entry.ts";
import { compareText } from "../../rules/findings.ts";
import { DUBBO_ROUTES } from "../routes.ts";
import {
  entriesByHost,
  type ProtoJson,
  parseClusterName,
  ScopeMemory,
  SetMemory,
  servedList,
  servicePorts,
  targetSet,
  versioned,
} from "../targets.ts";
import { routesWithoutTokens } from "../without-tokens.ts";
import { ClusterMemory, clusterNames } from "./cluster-memory.ts";
import { DUBBO_ROUTE_CONFIG, DUBBO_SHORTCOMINGS, type DubboShortcoming, dubboRoutes } from "./dubbo-routes.ts";
import { shortcomingFinding } from "./findings.ts";
import { type ClusterNames, envoyRoute } from "./http-routes.ts";
import { envoyLimits, limitedRoutes } from "./limits.ts";
import { dubboListener, httpListener, namedListener, tcpListener } from "./listeners.ts";
import type { EnvoyNode } from "./node.ts";
import { meshRoutes, type PortRoutes, type PortService } from "./port-routes.ts";
import { NO_TCP, passageCluster, type TcpServices } from "./tcp.ts";
import { tokenFilter } from "./token-filter.ts";

/** What one Envoy is given, and what it cannot do of what rules ask for. */
export interface EnvoyTarget {
  readonly set: ServedSet;
  /** Of Dubbo calls; empty for a gateway. */
  readonly findings: readonly Finding[];
}

/** Makes of one proxy's resources those of an Envoy; `entries` are the services that they were compiled from, `tcp` those that are bytes alone. */
export type EnvoyCompile = (
  resources: ResourceSet,
  entries: readonly Entry[],
  node: EnvoyNode,
  tcp?: TcpServices,
) => EnvoyTarget;

/** What holds for all Envoys that are given the same resources, whatever they listen on. */
interface Shared {
  readonly clusters: readonly ServedResource[];
  readonly endpoints: readonly ServedResource[];
  readonly httpPorts: readonly PortRoutes[];
  readonly tcp: TcpServices;
  readonly dubbo: ServedResource;
  readonly gateways: ReadonlyMap<string, GatewayPart>;
  readonly findings: readonly Finding[];
}

/** The routes of a gateway's port, and the filters that they need. */
interface GatewayPart {
  readonly routes: ServedResource;
  readonly filters: readonly ProtoJson[];
}

/** A compiler that makes again only what depends on what changed, told by the identity of resources. */
export function createEnvoyCompiler(): EnvoyCompile {
  const parts = { clusters: new ClusterMemory(), hosts: new HostMemory() };
  const scopes = new ScopeMemory<Shared>();
  const sets = new SetMemory<Shared>();
  return (resources, entries, node, tcp = NO_TCP) => {
    const make = (before: Shared | undefined) => compileShared(resources, entries, tcp, parts, before);
    const shared = scopes.get(resources, entries, make, tcp);
    const isGateway = node.role === "gateway";
    const set = sets.get(shared, JSON.stringify([node, isGateway && resources.listeners]), (before) => {
      const {
        listeners,
        routes,
        clusters = [],
      } = isGateway ? gatewayParts(resources, shared) : sidecarParts(shared, node);
      const lists = {
        [CLUSTER_TYPE]:
          clusters.length === 0 ? shared.clusters : servedList([...shared.clusters, ...clusters], undefined),
        [ENDPOINT_TYPE]: shared.endpoints,
        [LISTENER_TYPE]: listeners,
        [ROUTE_TYPE]: routes,
        [DUBBO_ROUTE_TYPE]: isGateway ? [] : [shared.dubbo],
      };
      return targetSet(lists, before);
    });
    return { set, findings: isGateway ? [] : shared.findings };
  };
}

interface Parts {
  readonly listeners: readonly ServedResource[];
  readonly routes: readonly ServedResource[];
  /** Beside those that all have. */
  readonly clusters?: readonly ServedResource[];
}

function sidecarParts({ httpPorts, tcp }: Shared, { bind, dubboPort, ports }: EnvoyNode): Parts {
  const isOpen = ({ port }: { readonly port: number }) =>
    port !== dubboPort && (ports === undefined || ports.includes(port));
  const open = httpPorts.filter(isOpen);
  // What is known of calls counts before what is known of bytes alone.
  const bytes = tcp.ports.filter((one) => isOpen(one) && !open.some(({ port }) => port === one.port));
  return {
    listeners: [
      ...(dubboPort === 0 ? [] : [dubboListener({ address: bind, port: dubboPort })]),
      ...open.map(({ port, routes, filters }) =>
        httpListener({ address: bind, port, routeConfigName: routes.name, filters }),
      ),
      ...bytes.map(({ port, chains }) => tcpListener({ address: bind, port }, chains)),
    ],
    routes: open.map(({ routes }) => routes),
  };
}

function gatewayParts({ listeners }: ResourceSet, { gateways }: Shared): Parts {
  const open = listeners.flatMap(({ resource }) => {
    const { protocol, routeConfigName, passages } = resource.metadata.filterMetadata["io.trestle"];
    const part = gateways.get(routeConfigName);
    if (protocol !== "gateway" || part === undefined) return [];
    const { routes, filters } = part;
    const { address, portValue: port } = resource.address.socketAddress;
    const chains = (resource.filterChains ?? []).flatMap(({ name = "", filterChainMatch, transportSocket }) => {
      const own = gateways.get(name);
      if (own === undefined || transportSocket === undefined) return [];
      const socket = envoySocket(transportSocket) as unknown as ProtoJson;
      return [{ ...own, routeConfigName: name, serverNames: filterChainMatch?.serverNames, transportSocket: socket }];
    });
    const [first] = chains;
    const passing = (passages ?? []).map(({ serverNames, to }) => {
      const name = `passthrough|${port}|${serverNames[0]}`;
      return { serverNames, cluster: name, resource: passageCluster(name, to) };
    });
    const clusters = passing.map((one) => one.resource);
    // A port that passes TLS through, and to nobody.
    if (passages !== undefined && first === undefined && passing.length === 0) return [];
    if (first === undefined && passing.length === 0)
      return [
        {
          routes: [routes],
          clusters,
          listener: httpListener({ address, port, routeConfigName, isGateway: true, filters }),
        },
      ];
    const listener =
      passing.length === 0 && chains.length === 1 && first !== undefined && first.serverNames === undefined
        ? httpListener({ address, port, ...first, isGateway: true })
        : namedListener({ address, port }, chains, passing);
    return [{ routes: chains.map((chain) => chain.routes), clusters, listener }];
  });
  return {
    listeners: open.map(({ listener }) => listener),
    routes: open.flatMap((one) => one.routes),
    clusters: open.flatMap((one) => one.clusters),
  };
}

/** Envoy asks callers for a certificate wherever it has something to hold it against. */
function envoySocket({ name, typedConfig }: TransportSocket<DownstreamTlsContext>): object {
  if (typedConfig?.commonTlsContext.validationContext?.trustedCa !== undefined) return { name, typedConfig };
  const { validationContext: _, ...commonTlsContext } = typedConfig?.commonTlsContext ?? {};
  return { name, typedConfig: { ...typedConfig, commonTlsContext } };
}

function compileShared(
  resources: ResourceSet,
  entries: readonly Entry[],
  tcp: TcpServices,
  parts: { readonly clusters: ClusterMemory; readonly hosts: HostMemory },
  before: Shared | undefined,
): Shared {
  const byHost = entriesByHost(entries);
  const assignments = new Map(resources.endpoints.map((one) => [one.name, one]));
  const compiled = resources.clusters.flatMap((cluster) => {
    const host = parseClusterName(cluster.name)?.host ?? "";
    return parts.clusters.compile(cluster, assignments.get(cluster.name), byHost.get(host));
  });
  const services = virtualHostsOf(resources, DUBBO_ROUTES).flatMap((virtualHost) => {
    const entry = byHost.get(virtualHost.name);
    return entry === undefined ? [] : [parts.hosts.compile(virtualHost, entry, byHost)];
  });
  const gateways = resources.routes
    .filter(({ name }) => name !== DUBBO_ROUTES)
    .map(({ resource }) => gatewayPart(resource, clusterNames(byHost, "tri")));
  return {
    clusters: servedList(
      [...compiled, ...tcp.clusters].map(({ cluster }) => cluster),
      before?.clusters,
    ),
    endpoints: servedList(
      [...compiled, ...tcp.clusters].map(({ endpoints }) => endpoints).filter((one) => one !== undefined),
      before?.endpoints,
    ),
    httpPorts: meshRoutes(services.flatMap(({ ports }) => ports)),
    tcp,
    dubbo: dubboConfig(services.map(({ dubbo }) => dubbo).filter((one) => one !== undefined)),
    gateways: new Map(gateways.map((one) => [one.routes.name, one])),
    findings: services.flatMap(({ findings }) => findings),
  };
}

/** The one resource with every Dubbo service's routes. Envoy takes no group as any group: those with one come first. */
function dubboConfig(configs: readonly ProtoJson[]): ServedResource {
  const rank = (one: ProtoJson) => ("group" in one ? 0 : 2) + ("version" in one ? 0 : 1);
  const routeConfig = [...configs].sort(
    (a, b) => rank(a) - rank(b) || compareText(String(a["name"]), String(b["name"])),
  );
  return versioned(DUBBO_ROUTE_CONFIG, { name: DUBBO_ROUTE_CONFIG, routeConfig });
}

function gatewayPart({ name, virtualHosts }: RouteConfiguration, clusterOf: ClusterNames): GatewayPart {
  const tokens = tokenFilter(virtualHosts);
  const routes = versioned(name, {
    name,
    ignorePortInHostMatching: true,
    virtualHosts: virtualHosts.map(({ name: host, domains, routes, requireTls }) => ({
      name: host,
      domains,
      ...(requireTls && { requireTls }),
      routes: (tokens === undefined ? routesWithoutTokens(routes) : routes)
        .map((route) => envoyRoute(route, clusterOf))
        .filter((one) => one !== undefined),
    })),
  });
  return { routes, filters: tokens === undefined ? [] : [tokens] };
}

interface CompiledHost {
  readonly needs: string;
  readonly entry: Entry;
  readonly ports: readonly PortService[];
  readonly dubbo: ProtoJson | undefined;
  readonly findings: readonly Finding[];
}

class HostMemory {
  readonly #known = new WeakMap<VirtualHost, CompiledHost>();

  compile(virtualHost: VirtualHost, entry: Entry, byHost: ReadonlyMap<string, Entry>): CompiledHost {
    const needs = needsOf(virtualHost, byHost);
    const known = this.#known.get(virtualHost);
    if (known !== undefined && known.entry === entry && known.needs === needs) return known;
    const made = compileHost(virtualHost, entry, byHost, needs);
    this.#known.set(virtualHost, made);
    return made;
  }
}

/** The ports of every service that a virtual host's routes lead to: names of clusters depend on them. */
function needsOf({ routes, typedPerFilterConfig }: VirtualHost, byHost: ReadonlyMap<string, Entry>): string {
  const parts: string[] = [];
  const limiter = typedPerFilterConfig?.[GLOBAL_LIMIT_FILTER]?.rateLimitService.grpcService.envoyGrpc.clusterName;
  const asked: Pick<Route, "route">[] = limiter === undefined ? [] : [{ route: { cluster: limiter } }];
  for (const { route } of [...routes, ...asked]) {
    const names = [route?.cluster, ...(route?.weightedClusters?.clusters ?? []).map(({ name }) => name)];
    for (const { cluster } of route?.requestMirrorPolicies ?? []) names.push(cluster);
    for (const name of names) {
      const entry = name === undefined ? undefined : byHost.get(parseClusterName(name)?.host ?? "");
      parts.push(
        entry === undefined
          ? "-"
          : entry.endpoints.length === 0
            ? "none"
            : servicePorts(entry)
                .map(({ protocol, port }) => protocol + port)
                .join(),
      );
    }
  }
  return parts.join(" ");
}

function compileHost(
  virtualHost: VirtualHost,
  entry: Entry,
  byHost: ReadonlyMap<string, Entry>,
  needs: string,
): CompiledHost {
  const ports: PortService[] = [];
  const shortcomings: DubboShortcoming[] = [];
  let dubbo: ProtoJson | undefined;
  const add = (code: "TR0710" | "TR0714") =>
    shortcomings.push({ code, text: DUBBO_SHORTCOMINGS[code], route: undefined });
  for (const { protocol, port } of servicePorts(entry)) {
    const clusterOf = clusterNames(byHost, protocol);
    if (protocol === "dubbo") {
      // No call of Dubbo2 says a port: to a further one rules lead from the first.
      if (entry.portOf !== undefined) continue;
      const lowered = dubboRoutes(virtualHost, entry, clusterOf);
      dubbo = lowered.config;
      shortcomings.push(...lowered.shortcomings);
    } else {
      const open = routesWithoutTokens(virtualHost.routes);
      const routes = open.map((route) => envoyRoute(route, clusterOf)).filter((one) => one !== undefined);
      const limits = envoyLimits(virtualHost, { interface: entry.service.interface, protocol, clusterOf });
      if (limits?.isCut === true) add("TR0714");
      ports.push({
        ...{ entry, port, protocol },
        routes: limits === undefined ? routes : limitedRoutes(routes, limits),
        ...(limits && { limits }),
      });
    }
  }
  if (dubbo === undefined && withoutLimits(virtualHost.typedPerFilterConfig) !== undefined) add("TR0710");
  const findings = shortcomings.map((one) => shortcomingFinding(entry.host, one));
  return { needs, entry, ports, dubbo, findings };
}
