/**
 * Transport sockets, as envoy/extensions/transport_sockets/tls/v3/{tls,common}.proto and envoy/config/core/v3/base.proto have them in
 * proto3's JSON form, cut down to what Trestle reads.
 */
import type { SubjectAltNameMatcher } from "./secret.ts";

/** Name of the transport socket that speaks TLS; its typed config is a TLS context. */
export const TLS_SOCKET = "envoy.transport_sockets.tls";

/** Name of the transport socket that sends bytes as they are. */
export const PLAIN_SOCKET = "envoy.transport_sockets.raw_buffer";

/** Type URL of an {@link UpstreamTlsContext}. */
export const UPSTREAM_TLS_TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

/** Type URL of a {@link DownstreamTlsContext}. */
export const DOWNSTREAM_TLS_TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

/** Metadata namespace of an endpoint that {@link TransportSocketMatch} looks at. */
export const SOCKET_MATCH_METADATA = "envoy.transport_socket_match";

/** What Istio writes there for endpoints that take mutual TLS. */
export const ISTIO_TLS_MODE = "istio";

/** Bytes of a file, or text that stands in the resource; one of the two is set. */
export interface DataSource {
  readonly inlineString?: string;
  /** Read where the proxy runs, and again when it changed. */
  readonly filename?: string;
}

/** A secret by its SDS name. */
export interface SdsSecretConfig {
  readonly name: string;
  readonly sdsConfig?: { readonly ads: Readonly<Record<string, never>>; readonly resourceApiVersion: "V3" };
}

/** What a peer is held against beside its secret's roots; a missing list takes any name. */
export interface PeerValidation {
  /** Roots; where both this and the secret are missing, those that Node ships with. */
  readonly trustedCa?: DataSource;
  readonly crl?: DataSource;
  readonly matchTypedSubjectAltNames?: readonly SubjectAltNameMatcher[];
  /** SHA-256 of public keys, in base64; one of them, or of the next list, is the peer's. */
  readonly verifyCertificateSpki?: readonly string[];
  /** SHA-256 of certificates, in hex. */
  readonly verifyCertificateHash?: readonly string[];
  /** `ACCEPT_UNTRUSTED` asks nothing of the peer's certificate. */
  readonly trustChainVerification?: "VERIFY_TRUST_CHAIN" | "ACCEPT_UNTRUSTED";
}

/** A version of TLS. */
export type TlsVersion = "TLSv1_0" | "TLSv1_1" | "TLSv1_2" | "TLSv1_3";

/** What may be agreed on. */
export interface TlsParameters {
  /** TLS 1.2 unless told. */
  readonly tlsMinimumProtocolVersion?: TlsVersion;
  /** TLS 1.3 unless told. */
  readonly tlsMaximumProtocolVersion?: TlsVersion;
  /** Of TLS up to 1.2, by OpenSSL's names. */
  readonly cipherSuites?: readonly string[];
}

/** What both ends of TLS have in common. */
export interface CommonTlsContext {
  readonly tlsParams?: TlsParameters;
  readonly tlsCertificates?: readonly { readonly certificateChain: DataSource; readonly privateKey: DataSource }[];
  readonly tlsCertificateSdsSecretConfigs?: readonly SdsSecretConfig[];
  readonly validationContext?: PeerValidation;
  readonly validationContextSdsSecretConfig?: SdsSecretConfig;
  readonly combinedValidationContext?: {
    readonly defaultValidationContext: PeerValidation;
    readonly validationContextSdsSecretConfig: SdsSecretConfig;
  };
  readonly alpnProtocols?: readonly string[];
}

/** TLS towards a provider. */
export interface UpstreamTlsContext {
  readonly "@type": typeof UPSTREAM_TLS_TYPE;
  readonly commonTlsContext: CommonTlsContext;
  readonly sni?: string;
}

/** TLS of accepted connections. */
export interface DownstreamTlsContext {
  readonly "@type": typeof DOWNSTREAM_TLS_TYPE;
  readonly commonTlsContext: CommonTlsContext;
  readonly requireClientCertificate?: boolean;
}

/** How bytes travel; without a typed config they travel as they are. */
export interface TransportSocket<T = UpstreamTlsContext> {
  readonly name: typeof TLS_SOCKET | typeof PLAIN_SOCKET;
  readonly typedConfig?: T;
}

/** The transport socket of those endpoints whose metadata `envoy.transport_socket_match` has all of `match`; the first that fits counts. */
export interface TransportSocketMatch {
  readonly name: string;
  readonly match: Readonly<Record<string, string>>;
  readonly transportSocket: TransportSocket;
}
