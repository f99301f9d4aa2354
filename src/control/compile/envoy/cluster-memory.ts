import type { ClusterLoadAssignment } from "../../../codecs/xds/endpoint.ts";
import { noteOrigin, originOf } from "../../../codecs/xds/origins.ts";
import type { NamedResource, ResourceSet } from "../../../codecs/xds/resources.ts";
import type { ServedResource } from "../../../codecs/xds/served.ts";
import { type Entry, hostnameOf } from "../../../model/entry.ts";
import { parseClusterName, type Spoken, servicePorts, versioned } from "../targets.ts";
import { envoyCluster } from "./clusters.ts";
import { hasNames, plainEndpoints } from "./endpoints.ts";
import type { ClusterNames } from "./http-routes.ts";

/** Which protocol's providers a call may be sent to, the better first. */
const REACHES: Readonly<Record<Spoken, readonly Spoken[]>> = {
  dubbo: ["dubbo"],
  tri: ["tri", "http"],
  http: ["http", "tri"],
};

/** Names of clusters for calls that come in one protocol: those of the providers that can be asked in it. */
export function clusterNames(byHost: ReadonlyMap<string, Entry>, spoken: Spoken): ClusterNames {
  return (name) => {
    const parsed = parseClusterName(name);
    const entry = parsed === undefined ? undefined : byHost.get(parsed.host);
    // A destination that no service is known for has a cluster without endpoints, under the name that it has.
    if (parsed === undefined || entry === undefined) return name;
    for (const protocol of REACHES[spoken]) {
      const port = servicePorts(entry).find((one) => one.protocol === protocol)?.port;
      if (port !== undefined) return `outbound|${port}|${parsed.subset}|${hostnameOf(entry)}`;
    }
    return entry.endpoints.length === 0 ? name : undefined;
  };
}

/** A cluster as an Envoy is given it. */
export interface CompiledCluster {
  readonly cluster: ServedResource;
  /** Undefined where they stand in the cluster. */
  readonly endpoints: ServedResource | undefined;
}

/** Makes Envoy's clusters of Trestle's, each again only when it or its endpoints changed. */
export class ClusterMemory {
  readonly #known = new WeakMap<
    object,
    { readonly from: unknown; readonly entry: Entry | undefined; readonly made: readonly CompiledCluster[] }
  >();

  /** The clusters of one: one for each port of its service. */
  compile(
    cluster: ResourceSet["clusters"][number],
    assignment: NamedResource<ClusterLoadAssignment> | undefined,
    entry: Entry | undefined,
  ): readonly CompiledCluster[] {
    const from = assignment?.resource;
    const known = this.#known.get(cluster.resource);
    // The service's ports are in the names: they may change while a subset's endpoints stay.
    if (known !== undefined && known.from === from && known.entry === entry) return known.made;
    const made = compileCluster(cluster, from ?? { clusterName: cluster.name, endpoints: [] }, entry);
    this.#known.set(cluster.resource, { from, entry, made });
    return made;
  }
}

/** One cluster for each port of the service: protocols that share one share the cluster. */
function compileCluster(
  { name, resource }: ResourceSet["clusters"][number],
  assignment: ClusterLoadAssignment,
  entry: Entry | undefined,
): readonly CompiledCluster[] {
  const subset = parseClusterName(name)?.subset ?? "";
  const ports = new Map<string, Spoken[]>();
  for (const { protocol, port } of entry === undefined ? [] : servicePorts(entry)) {
    const own = `outbound|${port}|${subset}|${hostnameOf(entry!)}`;
    ports.set(own, [...(ports.get(own) ?? []), protocol]);
  }
  if (ports.size === 0) ports.set(name, ["dubbo", "tri", "http"]);
  return [...ports].map(([own, protocols]) => {
    const spoken = protocols.includes("tri") ? "tri" : protocols[0]!;
    const isNamed = hasNames(assignment, protocols);
    const endpoints = plainEndpoints(assignment, own, protocols, !isNamed);
    const target = { name: own, spoken, ...(isNamed && { inline: endpoints }) };
    const cluster = envoyCluster(resource, target);
    noteOrigin(cluster, originOf(resource));
    return {
      cluster: versioned(own, cluster),
      endpoints: isNamed ? undefined : versioned(own, endpoints),
    };
  });
}
