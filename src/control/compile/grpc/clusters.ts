import { isIpAddress } from "../../../base/address.ts";
import type { Cluster } from "../../../codecs/xds/cluster.ts";
import type { ClusterLoadAssignment } from "../../../codecs/xds/endpoint.ts";
import { plainEndpoints } from "../envoy/endpoints.ts";
import { ADS, type ProtoJson, type Spoken } from "../targets.ts";

/** A cluster and its endpoints for gRPC's own xDS clients. */
export interface GrpcCluster {
  readonly cluster: ProtoJson;
  /** Undefined where the cluster has its one address itself, as a DNS name. */
  readonly endpoints: ProtoJson | undefined;
}

/** Largest ring that gRPC's clients take. */
const MAX_RING = 8_388_608;

/** What gRPC reads of outlier detection; counts of errors in a row are Envoy's alone. */
const OUTLIER_FIELDS: readonly string[] = [
  "interval",
  "baseEjectionTime",
  "maxEjectionTime",
  "maxEjectionPercent",
  "enforcingSuccessRate",
  "successRateMinimumHosts",
  "successRateRequestVolume",
  "successRateStdevFactor",
  "enforcingFailurePercentage",
  "failurePercentageThreshold",
  "failurePercentageMinimumHosts",
  "failurePercentageRequestVolume",
];

/**
 * A cluster of which a gRPC client refuses nothing: calls in turn or by a ring, a limit of requests, outlier detection by rates. Endpoints
 * that are DNS names are left out beside others; one alone is the cluster's address.
 */
export function grpcCluster(
  cluster: Cluster,
  assignment: ClusterLoadAssignment,
  name: string,
  spoken: readonly Spoken[],
): GrpcCluster {
  const groups = groupsOf(assignment, name, spoken);
  const addresses = groups.flatMap(({ lbEndpoints }) => lbEndpoints);
  const byName = addresses.filter((one) => !isIpAddress(addressOf(one)));
  const isDns = byName.length === 1 && addresses.length === 1;
  const shared = { name, ...balancing(cluster), ...limits(cluster) };
  if (isDns) {
    const loadAssignment = { clusterName: name, endpoints: [{ lbEndpoints: byName }] };
    return { cluster: { ...shared, type: "LOGICAL_DNS", loadAssignment }, endpoints: undefined };
  }
  return {
    cluster: { ...shared, type: "EDS", edsClusterConfig: { edsConfig: ADS } },
    endpoints: { clusterName: name, endpoints: localities(groups) },
  };
}

interface Group {
  readonly lbEndpoints: readonly ProtoJson[];
  readonly locality?: ProtoJson;
  readonly priority?: number;
  readonly loadBalancingWeight?: number;
}

function groupsOf(assignment: ClusterLoadAssignment, name: string, spoken: readonly Spoken[]): readonly Group[] {
  return plainEndpoints(assignment, name, spoken)["endpoints"] as readonly Group[];
}

function addressOf(one: ProtoJson): string {
  const { endpoint } = one as {
    readonly endpoint: { readonly address: { readonly socketAddress: { readonly address: string } } };
  };
  return endpoint.address.socketAddress.address;
}

/** Each locality once in a priority, none empty, each with a weight, and priorities that leave no number out. */
function localities(groups: readonly Group[]): readonly ProtoJson[] {
  const merged = new Map<string, Group>();
  for (const group of groups) {
    const lbEndpoints = group.lbEndpoints.filter((one) => isIpAddress(addressOf(one)));
    if (lbEndpoints.length === 0) continue;
    const { locality = {}, priority = 0 } = group;
    const key = JSON.stringify([priority, locality]);
    const same = merged.get(key);
    const weight = (same?.loadBalancingWeight ?? 0) + (group.loadBalancingWeight ?? 1);
    merged.set(key, {
      locality,
      priority,
      loadBalancingWeight: weight,
      lbEndpoints: [...(same?.lbEndpoints ?? []), ...lbEndpoints],
    });
  }
  const priorities = [...new Set([...merged.values()].map(({ priority = 0 }) => priority))].sort((a, b) => a - b);
  return [...merged.values()].map((group) => ({ ...group, priority: priorities.indexOf(group.priority ?? 0) }));
}

function balancing({ lbPolicy, ringHashLbConfig }: Cluster): ProtoJson {
  if (!["RING_HASH", "MAGLEV"].includes(lbPolicy)) return { lbPolicy: "ROUND_ROBIN" };
  const size = (value: string | number | undefined) =>
    value === undefined ? undefined : String(Math.min(Number(value), MAX_RING));
  const [minimum, maximum] = [size(ringHashLbConfig?.minimumRingSize), size(ringHashLbConfig?.maximumRingSize)];
  const config = {
    ...(minimum !== undefined && { minimumRingSize: minimum }),
    ...(maximum !== undefined && { maximumRingSize: maximum }),
  };
  return { lbPolicy: "RING_HASH", ...(Object.keys(config).length > 0 && { ringHashLbConfig: config }) };
}

function limits({ circuitBreakers, outlierDetection }: Cluster): ProtoJson {
  const maxRequests = circuitBreakers?.thresholds[0]?.maxRequests;
  const read = Object.entries(outlierDetection ?? {}).filter(([field]) => OUTLIER_FIELDS.includes(field));
  return {
    ...(maxRequests !== undefined && { circuitBreakers: { thresholds: [{ maxRequests }] } }),
    ...(read.length > 0 && { outlierDetection: Object.fromEntries(read) }),
  };
}
