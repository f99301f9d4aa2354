import { isDnsName, UNIX } from "../../../base/address.ts";
import { TRESTLE_METADATA } from "../../../codecs/xds/core.ts";
import type { ClusterLoadAssignment, LbEndpoint } from "../../../codecs/xds/endpoint.ts";
import { addressOf, type ProtoJson, type Spoken, spokenBy } from "../targets.ts";

/** Largest weight that is passed on: those of a locality must fit 32 bits together. */
const MAX_WEIGHT = 1_000_000;

/**
 * The endpoints of one cluster as Envoy and gRPC take them: only those that speak one of `spoken`, each address once, each weight at least 1.
 * Providers of weight 0 are left out while another of the group has weight, Unix sockets where they are not taken (`takesUnix`), and what
 * Trestle alone reads.
 */
export function plainEndpoints(
  { endpoints }: ClusterLoadAssignment,
  clusterName: string,
  spoken: readonly Spoken[],
  takesUnix = false,
): ProtoJson {
  const seen = new Set<string>();
  const groups = endpoints.map(({ lbEndpoints, metadata: _routers, ...group }) => {
    const own = lbEndpoints.filter((one) => {
      const { address, portValue } = one.endpoint.address.socketAddress;
      const at = `${address} ${portValue}`;
      if (!spoken.includes(spokenBy(one)) || seen.has(at) || (!takesUnix && address.startsWith(UNIX))) return false;
      seen.add(at);
      return true;
    });
    const weighted = own.filter(({ loadBalancingWeight }) => loadBalancingWeight > 0);
    return { ...group, lbEndpoints: (weighted.length > 0 ? weighted : own).map(plainEndpoint) };
  });
  return { clusterName, endpoints: groups };
}

/** Whether an endpoint is given by a DNS name, which neither Envoy nor gRPC takes from an endpoint list. A cluster of names takes no Unix sockets. */
export function hasNames({ endpoints }: ClusterLoadAssignment, spoken: readonly Spoken[]): boolean {
  return endpoints.some(({ lbEndpoints }) =>
    lbEndpoints.some((one) => spoken.includes(spokenBy(one)) && isDnsName(one.endpoint.address.socketAddress.address)),
  );
}

function plainEndpoint({ endpoint, loadBalancingWeight, metadata, ...rest }: LbEndpoint): ProtoJson {
  const { address, portValue } = endpoint.address.socketAddress;
  const { [TRESTLE_METADATA]: _own, ...others } = (metadata?.filterMetadata ?? {}) as Record<string, unknown>;
  return {
    ...rest,
    endpoint: { address: addressOf(address, portValue) },
    loadBalancingWeight: Math.min(Math.max(Math.round(loadBalancingWeight), 1), MAX_WEIGHT),
    ...(Object.keys(others).length > 0 && { metadata: { filterMetadata: others } }),
  };
}
