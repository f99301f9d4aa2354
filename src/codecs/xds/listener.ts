/** Listeners, as envoy/config/listener/v3 has them in proto3's JSON form, cut down to what Trestle reads. */
import type { CarriedProtocol, Metadata } from "./core.ts";
import type { RouteOrigin } from "./route.ts";
import type { DownstreamTlsContext, TransportSocket } from "./tls.ts";

/** Cut to the fields that Trestle reads: where to listen and which routes hold there. */
export interface Listener {
  readonly name: string;
  readonly address: { readonly socketAddress: { readonly address: string; readonly portValue: number } };
  /** With which certificates it ends TLS: of an inbound listener one, of a gateway's one for each of the names that callers ask for. */
  readonly filterChains?: readonly FilterChain[];
  readonly metadata: Metadata<ListenerFacts>;
}

/** TLS that a gateway does not end: connections that ask for one of the names go as they are to one of the places, by their weights. */
export interface Passage {
  /** `*` for every name. */
  readonly serverNames: readonly string[];
  readonly to: readonly { readonly address: string; readonly port: number; readonly weight: number }[];
  /** Which rule says so. */
  readonly origin?: Pick<RouteOrigin, "rule" | "file" | "line">;
}

/** How connections are taken that ask for one of some names. */
export interface FilterChain {
  /** Of a gateway: its RouteConfiguration's name. */
  readonly name?: string;
  /** Without names it is for all connections that ask for no other chain's. */
  readonly filterChainMatch?: { readonly serverNames: readonly string[] };
  readonly transportSocket?: TransportSocket<DownstreamTlsContext>;
}

/**
 * What an inbound listener takes, in PeerAuthentication's words: `STRICT` mutual TLS alone, `PERMISSIVE` plain text too, and TLS that is
 * not the mesh's goes to the provider as it is; `DISABLE` plain text, and any TLS goes to the provider as it is.
 */
export type MtlsMode = "STRICT" | "PERMISSIVE" | "DISABLE";

/** What makes a listener one in front of a provider of its own. */
export interface InboundFacts {
  /** The provider, which TLS that is its own is led to. */
  readonly to: { readonly address: string; readonly port: number };
  readonly mtls: MtlsMode;
  /** Printed keys of the services that the provider is known to serve; absent where no policy asks. */
  readonly services?: readonly string[];
}

/**
 * Which codec a listener speaks, its RouteConfiguration's name, and what consumers said of themselves when they registered from an
 * address, where all of that address agree: their application, and the tag that their calls of a service ask for.
 */
export interface ListenerFacts {
  readonly protocol: CarriedProtocol | "gateway";
  readonly routeConfigName: string;
  /** Printed key of the service that every call on an HTTP listener is for; absent where each names its own by Host. */
  readonly service?: string;
  /** Set of a listener in front of one provider: what it speaks is told by the first bytes of each connection. */
  readonly inbound?: InboundFacts;
  /** Set of a gateway's listener that carries TLS without ending it. */
  readonly passages?: readonly Passage[];
  /** So many processes like this one share the calls; absent for one. Each has its share of what limits let through. */
  readonly workers?: number;
  readonly applications?: Readonly<Record<string, string>>;
  /** SPIFFE ids of callers without a certificate, by their address or range; `""` for nobody. */
  readonly identities?: Readonly<Record<string, string>>;
  /** Printed service key -> address -> tag. */
  readonly tags?: CallerTags;
  /** Printed service key -> address -> what routers of the registry ask of consumers. */
  readonly callers?: CallerValues;
}

/** By printed service key and address: the tag (`dubbo.tag`) of the consumers of that service there. */
export type CallerTags = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** By printed service key and address: parameters that the consumers of that service there registered with. */
export type CallerValues = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>;
