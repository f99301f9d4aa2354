import { printAddress } from "../../base/address.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import type { ClusterLoadAssignment } from "../../codecs/xds/endpoint.ts";

/** One provider that a call may be for. */
export interface EndpointShare {
  /** `host:port`, an IPv6 address in brackets. */
  readonly address: string;
  /** What it speaks. */
  readonly protocol: string;
  readonly weight: number;
  /** Envoy's word in lower case. */
  readonly health: string;
  /** `dubbo.tag`; `""` for none. */
  readonly tag: string;
}

/** The providers of a destination in their order; none where nothing is known of it. */
export function explainEndpoints(assignment: ClusterLoadAssignment | undefined): EndpointShare[] {
  return (assignment?.endpoints ?? []).flatMap(({ lbEndpoints }) =>
    lbEndpoints.map(({ endpoint, healthStatus = "HEALTHY", loadBalancingWeight, metadata }) => {
      const { address, portValue } = endpoint.address.socketAddress;
      const facts = metadata?.filterMetadata[TRESTLE_METADATA];
      return {
        address: printAddress(address, portValue),
        protocol: facts?.protocol ?? "dubbo",
        weight: loadBalancingWeight,
        health: healthStatus.toLowerCase(),
        tag: facts?.tag ?? "",
      };
    }),
  );
}
