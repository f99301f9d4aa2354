import { TRESTLE_METADATA } from "../../../codecs/xds/core.ts";
import type { ClusterLoadAssignment, LbEndpoint } from "../../../codecs/xds/endpoint.ts";
import { isIpAddress, type ProtoJson, type Spoken, spokenBy } from "../targets.ts";

/** Largest weight that is passed on: those of a locality must fit 32 bits together. */
const MAX_WEIGHT = 1_000_000;

/**
 * The endpoints of one cluster as Envoy and gRPC take them: only those that speak one of `spoken`, each address once, each weight at least 1.
 * Providers of weight 0 are left out while another of the group has weight. What Trestle alone reads is left out.
 */
export function plainEndpoints(
  { endpoints }: ClusterLoadAssignment,
  clusterName: string,
  spoken: readonly Spoken[],
): ProtoJson {
  const seen = new Set<string>();
  const groups = endpoints.map(({ lbEndpoints, metadata: _routers, ...group }) => {
    const own = lbEndpoints.filter((one) => {
      const { address, portValue } = one.endpoint.address.socketAddress;
      const at = `${address} ${portValue}`;
      if (!spoken.includes(spokenBy(one)) || seen.has(at)) return false;
      seen.add(at);
      return true;
    });
    const weighted = own.filter(({ loadBalancingWeight }) => loadBalancingWeight > 0);
    return { ...group, lbEndpoints: (weighted.length > 0 ? weighted : own).map(plainEndpoint) };
  });
  return { clusterName, endpoints: groups };
}

/** Whether an endpoint is given by a DNS name, which neither Envoy nor gRPC takes from an endpoint list. */
export function hasNames({ endpoints }: ClusterLoadAssignment, spoken: readonly Spoken[]): boolean {
  return endpoints.some(({ lbEndpoints }) =>
    lbEndpoints.some(
      (one) => spoken.includes(spokenBy(one)) && !isIpAddress(one.endpoint.address.socketAddress.address),
    ),
  );
}

function plainEndpoint({ loadBalancingWeight, metadata, ...rest }: LbEndpoint): ProtoJson {
  const { [TRESTLE_METADATA]: _own, ...others } = (metadata?.filterMetadata ?? {}) as Record<string, unknown>;
  return {
    ...rest,
    loadBalancingWeight: Math.min(Math.max(Math.round(loadBalancingWeight), 1), MAX_WEIGHT),
    ...(Object.keys(others).length > 0 && { metadata: { filterMetadata: others } }),
  };
}
