/** Endpoints, as envoy/config/endpoint/v3 has them in proto3's JSON form, cut down to what Trestle reads. */
import type { Routing } from "../../model/routing.ts";
import type { CarriedProtocol, Metadata } from "./core.ts";
import type { SOCKET_MATCH_METADATA } from "./tls.ts";

/** What a Dubbo provider said of itself that the balancer and the rewrite need; see Endpoint in model/entry.ts. */
export interface DubboEndpointFacts {
  /** What the provider speaks; Dubbo2 where it is missing. */
  readonly protocol?: CarriedProtocol;
  /** A Triple provider's service is a Java interface: it takes Triple's wrapper, whatever .proto file has a service of that name. */
  readonly takesWrapper?: true;
  /** A Triple provider that is known to take nothing but gRPC's content: JSON has to be translated for it. */
  readonly refusesJson?: true;
  readonly tag?: string;
  readonly token?: string;
  readonly warmupMs?: number;
  readonly startedAtMs?: number;
  readonly payloadBytes?: number;
  /** What the routers of its service ask of it, by key. */
  readonly values?: Readonly<Record<string, string>>;
}

/** What decides how an endpoint is connected to; see TransportSocketMatch. */
export interface SocketMatchMetadata {
  readonly filterMetadata: { readonly [SOCKET_MATCH_METADATA]?: Readonly<Record<string, string>> };
}

/** One provider: `address` is an IP or a host name, and a missing `healthStatus` means healthy; others take no call. */
export interface LbEndpoint {
  readonly endpoint: {
    readonly address: { readonly socketAddress: { readonly address: string; readonly portValue: number } };
  };
  readonly healthStatus?: "HEALTHY" | "UNHEALTHY" | "DRAINING";
  /** At least 0 here (Envoy asks for 1): 0 takes no call while another has weight. */
  readonly loadBalancingWeight: number;
  readonly metadata?: Metadata<DubboEndpointFacts> & SocketMatchMetadata;
}

/** Where providers are; what is not known is absent. */
export interface Locality {
  readonly region?: string;
  readonly zone?: string;
  readonly subZone?: string;
}

/** Endpoints of one place and priority: those of a lower priority number take all calls while enough of them are healthy. */
export interface LocalityLbEndpoints {
  readonly locality?: Locality;
  readonly lbEndpoints: readonly LbEndpoint[];
  /** The place's share, where the cluster weighs localities; one without gets no calls then. */
  readonly loadBalancingWeight?: number;
  /** From 0 on, without gaps; 0 where absent. */
  readonly priority?: number;
  /** Of the first place alone: what holds for all endpoints. */
  readonly metadata?: Metadata<AssignmentFacts>;
}

/** What chooses among the endpoints beside their balancer: with them, so that neither is ever in force without the other. */
export interface AssignmentFacts {
  /** Routers of the registry. */
  readonly routing?: Routing;
  /** All endpoints have the tag that their subset is chosen by: calls may have them whatever tag they name, or none. */
  readonly isOfTag?: true;
}

/** The endpoints of the cluster of the same name. */
export interface ClusterLoadAssignment {
  readonly clusterName: string;
  readonly endpoints: readonly LocalityLbEndpoints[];
  /** In percent: 140 where absent counts a priority as whole while 72 of 100 endpoints are healthy. */
  readonly policy?: { readonly overprovisioningFactor?: number };
}
