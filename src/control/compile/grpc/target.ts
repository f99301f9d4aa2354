import type { ClusterLoadAssignment } from "../../../codecs/xds/endpoint.ts";
import { noteOrigin, originOf } from "../../../codecs/xds/origins.ts";
import {
  CLUSTER_TYPE,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  type ResourceSet,
  ROUTE_TYPE,
  virtualHostsOf,
} from "../../../codecs/xds/resources.ts";
import type { VirtualHost } from "../../../codecs/xds/route.ts";
import type { ServedList, ServedResource, ServedSet } from "../../../codecs/xds/served.ts";
import { type Entry, furtherHost, hostnameOf } from "../../../model/entry.ts";
import { clusterNames } from "../envoy/cluster-memory.ts";
import { domainsOf } from "../envoy/port-routes.ts";
import { DUBBO_ROUTES } from "../routes.ts";
import {
  entriesByHost,
  parseClusterName,
  ScopeMemory,
  servedList,
  servicePorts,
  targetSet,
  versioned,
} from "../targets.ts";
import { grpcCluster } from "./clusters.ts";
import { clientListener, serverListener } from "./listeners.ts";
import { grpcRoutes } from "./routes.ts";

/** Makes of one proxy's resources those of gRPC's own xDS clients and servers; `entries` are the services that they were compiled from. */
export type GrpcCompile = (resources: ResourceSet, entries: readonly Entry[]) => ServedSet;

/** A compiler that makes again only what depends on what changed, told by the identity of resources. */
export function createGrpcCompiler(): GrpcCompile {
  const scopes = new ScopeMemory<ServedSet>();
  const clusters = new WeakMap<object, { readonly from: unknown; readonly made: Compiled }>();
  return (resources, entries) =>
    scopes.get(resources, entries, (before) => compile(resources, entries, clusters, before));
}

interface Compiled {
  readonly cluster: ServedResource;
  readonly endpoints: ServedResource | undefined;
}

interface GrpcService {
  readonly entry: Entry;
  readonly port: number;
  readonly virtualHost: VirtualHost;
}

function compile(
  resources: ResourceSet,
  entries: readonly Entry[],
  memory: WeakMap<object, { readonly from: unknown; readonly made: Compiled }>,
  before: ServedSet | undefined,
): ServedSet {
  const byHost = entriesByHost(entries);
  const mesh = virtualHostsOf(resources, DUBBO_ROUTES);
  const services = mesh.flatMap((virtualHost): GrpcService[] => {
    const entry = byHost.get(virtualHost.name);
    const port = entry && servicePorts(entry).find(({ protocol }) => protocol === "tri")?.port;
    return entry === undefined || port === undefined ? [] : [{ entry, port, virtualHost }];
  });
  const clusterOf = clusterNames(byHost, "tri");
  const assignments = new Map(resources.endpoints.map(({ name, resource }) => [name, resource]));
  const compiled = resources.clusters.flatMap(({ name, resource }) => {
    const own = clusterOf(name);
    const entry = byHost.get(parseClusterName(name)?.host ?? "");
    // A client asks for clusters by name: those of services without gRPC are nobody's.
    if (own === undefined || (entry !== undefined && !servicePorts(entry).some(({ protocol }) => protocol !== "dubbo")))
      return [];
    const from = assignments.get(name);
    const known = memory.get(resource);
    if (known !== undefined && known.from === from && known.made.cluster.name === own) return [known.made];
    const none: ClusterLoadAssignment = { clusterName: name, endpoints: [] };
    const { cluster, endpoints } = grpcCluster(resource, from ?? none, own, ["tri", "http"]);
    noteOrigin(cluster, originOf(resource));
    const made = { cluster: versioned(own, cluster), endpoints: endpoints && versioned(own, endpoints) };
    memory.set(resource, { from, made });
    return [made];
  });
  const names = listenerNames(services);
  const lists: Readonly<Record<string, ServedList>> = {
    [LISTENER_TYPE]: listeners(names, before?.types.get(LISTENER_TYPE)),
    [ROUTE_TYPE]: services.map((service) => routesOf(service, (name) => clusterOf(name))),
    [CLUSTER_TYPE]: compiled.map(({ cluster }) => cluster),
    [ENDPOINT_TYPE]: compiled.map(({ endpoints }) => endpoints).filter((one) => one !== undefined),
  };
  const set = targetSet(lists, before);
  if (set === before) return before;
  return {
    ...set,
    find: (typeUrl, name) =>
      typeUrl === LISTENER_TYPE ? (askedListener(name, names) ?? serverListener(name)) : undefined,
  };
}

/** Name of a service's routes, as Istio has it for gRPC. */
function routeName({ entry, port }: GrpcService): string {
  return `outbound|${port}||${hostnameOf(entry)}`;
}

function routesOf(service: GrpcService, clusterOf: (name: string) => string | undefined): ServedResource {
  const name = routeName(service);
  const host = hostnameOf(service.entry);
  const virtualHost = {
    name: `${host}:${service.port}`,
    domains: [host, `${host}:${service.port}`, "*"],
    routes: grpcRoutes(service.virtualHost.routes, clusterOf),
  };
  return versioned(name, { name, virtualHosts: [virtualHost] });
}

/** By what may stand behind `xds:///`, in lower case: a service's host or its plain name without a port, and with that of each further one. */
function listenerNames(services: readonly GrpcService[]): ReadonlyMap<string, GrpcService> {
  const names = new Map<string, GrpcService>();
  const [first, further] = [true, false].map((isFirst) =>
    services.filter(({ entry }) => (entry.portOf === undefined) === isFirst),
  ) as [GrpcService[], GrpcService[]];
  const domains = domainsOf(first, 0);
  for (const service of first)
    for (const domain of domains.get(service.entry) ?? []) if (!domain.includes(":")) names.set(domain, service);
  for (const service of further) {
    const { portOf, service: key } = service.entry;
    for (const name of [portOf!, key.interface.toLowerCase()]) names.set(furtherHost(name, service.port), service);
  }
  return names;
}

/** One for each name, with the port; other names are found when they are asked for. */
function listeners(names: ReadonlyMap<string, GrpcService>, before: ServedList | undefined): ServedList {
  const list = [...names].map(([name, service]) => {
    const full = service.entry.portOf === undefined ? furtherHost(name, service.port) : name;
    return clientListener(full, routeName(service));
  });
  return servedList(list, before);
}

/** A name may have any port or none: providers of one service have different ones, of which a client may know any. */
function askedListener(name: string, names: ReadonlyMap<string, GrpcService>): ServedResource | undefined {
  const folded = name.toLowerCase();
  const service = names.get(folded) ?? names.get(folded.replace(/:\d{1,5}$/, ""));
  return service === undefined ? undefined : clientListener(name, routeName(service));
}
