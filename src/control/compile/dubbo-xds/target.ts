/**
 * What the proxyless Dubbo client of apache/dubbo-spi-extensions (dubbo-xds) is given. It subscribes to every listener, takes the names of
 * RouteConfigurations from their HTTP connection managers, looks a virtual host up by an application's or interface's name among the
 * `domains`, reads the old header conditions alone, and goes from a route's clusters to their endpoints without asking for the clusters.
 */
import {
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  type ResourceSet,
  ROUTE_TYPE,
  virtualHostsOf,
} from "../../../codecs/xds/resources.ts";
import type { VirtualHost } from "../../../codecs/xds/route.ts";
import type { ServedResource, ServedSet } from "../../../codecs/xds/served.ts";
import type { Endpoint, Entry } from "../../../model/entry.ts";
import { compareText } from "../../rules/findings.ts";
import { compileEndpoints } from "../endpoints.ts";
import { plainEndpoints } from "../envoy/endpoints.ts";
import { grpcRoutes } from "../grpc/routes.ts";
import { DUBBO_ROUTES } from "../routes.ts";
import {
  ADS,
  entriesByHost,
  type ProtoJson,
  ScopeMemory,
  type Spoken,
  servicePorts,
  targetSet,
  versioned,
} from "../targets.ts";

/** Name of the one RouteConfiguration that it is led to. */
export const DUBBO_XDS_ROUTES = "dubbo-xds";

const SPOKEN: readonly Spoken[] = ["dubbo", "tri"];
const FILTERS = "type.googleapis.com/envoy.extensions.filters";

/** Makes of one proxy's resources those of dubbo-xds clients; `entries` are the services that they were compiled from. */
export type DubboXdsCompile = (resources: ResourceSet, entries: readonly Entry[]) => ServedSet;

/** A compiler that gives the same set while nothing changed. */
export function createDubboXdsCompiler(): DubboXdsCompile {
  const scopes = new ScopeMemory<ServedSet>();
  return (resources, entries) => scopes.get(resources, entries, (before) => compile(resources, entries, before));
}

function compile(resources: ResourceSet, entries: readonly Entry[], before: ServedSet | undefined): ServedSet {
  const byHost = entriesByHost(entries);
  const virtualHosts = virtualHostsOf(resources, DUBBO_ROUTES);
  const services = virtualHosts.flatMap((virtualHost) => {
    const entry = byHost.get(virtualHost.name);
    return entry === undefined || !servicePorts(entry).some(({ protocol }) => protocol !== "http")
      ? []
      : [{ entry, virtualHost }];
  });
  const virtualHostOf = new Map(services.map(({ entry, virtualHost }) => [entry, virtualHost]));
  const applications = applicationsOf(services.map(({ entry }) => entry));
  const taken = new Set<string>();
  const free = (names: readonly string[]) => names.filter((name) => name !== "" && !taken.has(name) && taken.add(name));
  const hosts = [
    ...[...applications].map(([name, application]) => ({
      name: `application ${name}`,
      domains: free([name]),
      routes: [...application.services]
        .flatMap((entry) => servicesRoutes(virtualHostOf.get(entry)!, entry))
        .concat({ match: { prefix: "/" }, route: { cluster: applicationCluster(name) } }),
    })),
    ...services.map(({ entry, virtualHost }) => ({
      name: entry.host,
      domains: free([entry.host, entry.service.interface]),
      routes: plainRoutes(virtualHost),
    })),
  ].filter(({ domains }) => domains.length > 0);
  const set = targetSet(
    {
      [LISTENER_TYPE]: [listener()],
      [ROUTE_TYPE]: [versioned(DUBBO_XDS_ROUTES, { name: DUBBO_XDS_ROUTES, virtualHosts: hosts })],
      [ENDPOINT_TYPE]: [...ownEndpoints(resources), ...[...applications].map(applicationEndpoints)],
    },
    before,
  );
  // A name without an answer would hold the client's thread for ever.
  const find = (typeUrl: string, name: string) => (typeUrl === ENDPOINT_TYPE ? noEndpoints(name) : undefined);
  return set === before ? before : { ...set, find };
}

function listener(): ServedResource {
  const name = "dubbo-xds-outbound";
  const manager = {
    "@type": `${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager`,
    statPrefix: name,
    rds: { configSource: ADS, routeConfigName: DUBBO_XDS_ROUTES },
    httpFilters: [{ name: "envoy.filters.http.router", typedConfig: { "@type": `${FILTERS}.http.router.v3.Router` } }],
  };
  return versioned(name, {
    name,
    address: { socketAddress: { address: "127.0.0.1", portValue: 15_001 } },
    filterChains: [{ filters: [{ name: "envoy.filters.network.http_connection_manager", typedConfig: manager }] }],
  });
}

function noEndpoints(name: string): ServedResource {
  return versioned(name, { clusterName: name });
}

function ownEndpoints(resources: ResourceSet): readonly ServedResource[] {
  return resources.endpoints.map(({ name, resource }) => versioned(name, plainEndpoints(resource, name, SPOKEN)));
}

/** Those that lead to a cluster: the client fails on any other. */
function plainRoutes({ routes }: VirtualHost): readonly ProtoJson[] {
  return grpcRoutes(routes, (name) => name).filter((route) => route["route"] !== undefined);
}

/** Routes of a service among those of its application: an every-path route is one of every method of the interface. */
function servicesRoutes(virtualHost: VirtualHost, { service }: Entry): ProtoJson[] {
  return plainRoutes(virtualHost).map((route) => {
    const match = route["match"] as { readonly prefix?: string };
    const base = `/${service.interface}/`;
    return match.prefix !== undefined && base.startsWith(match.prefix)
      ? { ...route, match: { ...match, prefix: base } }
      : route;
  });
}

interface Application {
  readonly services: Set<Entry>;
  /** By address; Dubbo2's port before Triple's. */
  readonly endpoints: Map<string, Endpoint>;
}

/** The applications whose providers say their name, each with its services and one endpoint for each of its addresses. */
function applicationsOf(entries: readonly Entry[]): ReadonlyMap<string, Application> {
  const applications = new Map<string, Application>();
  for (const entry of entries) {
    for (const endpoint of entry.endpoints) {
      const name = endpoint.params["application"] ?? "";
      if (name === "" || endpoint.disabled || !SPOKEN.some((one) => one === endpoint.protocol)) continue;
      const application = applications.get(name) ?? { services: new Set(), endpoints: new Map<string, Endpoint>() };
      applications.set(name, application);
      application.services.add(entry);
      const known = application.endpoints.get(endpoint.address);
      if (known === undefined || (known.protocol === "tri" && endpoint.protocol === "dubbo"))
        application.endpoints.set(endpoint.address, endpoint);
    }
  }
  return new Map([...applications].sort(([a], [b]) => compareText(a, b)));
}

function applicationCluster(name: string): string {
  return `outbound|20880||${name}`;
}

function applicationEndpoints([name, { endpoints }]: [string, Application]): ServedResource {
  const cluster = applicationCluster(name);
  return versioned(cluster, plainEndpoints(compileEndpoints(cluster, [...endpoints.values()]), cluster, SPOKEN));
}
