import { printAddress } from "../../base/address.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import type { ClusterLoadAssignment, Locality } from "../../codecs/xds/endpoint.ts";

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
  /** `region/zone/subzone`, as far as it is known; absent where nothing is. */
  readonly locality?: string;
  /** Calls go to 0 while enough of those are healthy; absent where all are alike. */
  readonly priority?: number;
  /** The weight of its locality beside others; absent where localities are not weighed. */
  readonly placeWeight?: number;
}

/** The providers of a destination in their order; none where nothing is known of it. */
export function explainEndpoints(assignment: ClusterLoadAssignment | undefined): EndpointShare[] {
  const places = assignment?.endpoints ?? [];
  const isRanked = places.some(({ priority = 0 }) => priority > 0);
  return places.flatMap(({ lbEndpoints, locality, priority = 0, loadBalancingWeight: placeWeight }) =>
    lbEndpoints.map(({ endpoint, healthStatus = "HEALTHY", loadBalancingWeight, metadata }) => {
      const { address, portValue } = endpoint.address.socketAddress;
      const facts = metadata?.filterMetadata[TRESTLE_METADATA];
      return {
        address: printAddress(address, portValue),
        protocol: facts?.protocol ?? "dubbo",
        weight: loadBalancingWeight,
        health: healthStatus.toLowerCase(),
        tag: facts?.tag ?? "",
        ...(locality !== undefined && { locality: placeOf(locality) }),
        ...(isRanked && { priority }),
        ...(placeWeight !== undefined && { placeWeight }),
      };
    }),
  );
}

function placeOf({ region = "", zone = "", subZone = "" }: Locality): string {
  return [region, zone, subZone].join("/").replace(/\/+$/, "");
}
