/** The messages of an xDS stream without their bytes. Source: envoy/service/discovery/v3/discovery.proto and docs' xds_protocol. */
import type { JsonObject } from "@bufbuild/protobuf";
import type { InitialVersions } from "./initial-versions.ts";
import type { ServedResource } from "./served.ts";

/** What a client says of itself; only the first request of a stream is sure to have it. */
export interface NodeText {
  readonly id: string;
  readonly cluster: string;
  /** Its own facts; Istio's names for namespace, labels and service account are `NAMESPACE`, `LABELS`, `SERVICE_ACCOUNT`. */
  readonly metadata: JsonObject;
  readonly locality?: { readonly region?: string; readonly zone?: string; readonly subZone?: string };
  /** Such as `envoy` or `gRPC Go`. */
  readonly userAgentName: string;
  /** Empty where it does not say. */
  readonly userAgentVersion: string;
}

/** Why a client refused a response: its presence makes a request a NACK. */
export interface Refusal {
  /** A code of gRPC's. */
  readonly code: number;
  readonly message: string;
}

/** A state-of-the-world request: `names` are all that it wants of the type. */
export interface SotwRequest {
  readonly variant: "sotw";
  readonly typeUrl: string;
  /** Empty where it is no answer to a response. */
  readonly nonce: string;
  readonly node?: NodeText;
  readonly error?: Refusal;
  /** The version that the client has in force; empty for none. */
  readonly version: string;
  readonly names: readonly string[];
}

/** A delta request: what to add to and to take from what it wants of the type. */
export interface DeltaRequest {
  readonly variant: "delta";
  readonly typeUrl: string;
  /** Empty where it is no answer to a response. */
  readonly nonce: string;
  readonly node?: NodeText;
  readonly error?: Refusal;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** What the client has from an earlier stream; counts in the first request of a type alone. */
  readonly initialVersions: InitialVersions;
}

/** Either kind. */
export type XdsRequest = SotwRequest | DeltaRequest;

/** A response of either kind; state-of-the-world ones have no `removed`. */
export interface XdsResponse {
  readonly typeUrl: string;
  /** Of the whole list that it is from. */
  readonly version: string;
  readonly nonce: string;
  readonly resources: readonly ServedResource[];
  readonly removed: readonly string[];
}
