/** Secrets, as envoy/extensions/transport_sockets/tls/v3/{secret,common}.proto have them in proto3's JSON form, cut down to what Trestle reads. */
import type { StringMatcher } from "./core.ts";

/** SDS name of a workload's own certificate and key, as Istio has it. */
export const WORKLOAD_SECRET = "default";

/** SDS name of the roots that a workload trusts, as Istio has it. */
export const ROOTS_SECRET = "ROOTCA";

/** Text that stands in the resource itself. PEM for all that Trestle uses. */
export interface InlineText {
  readonly inlineString: string;
}

/** A certificate with its intermediates, leaf first, and the private key of the leaf. Never to be logged or shown. */
export interface TlsCertificate {
  readonly certificateChain: InlineText;
  /** PKCS#8, unencrypted. */
  readonly privateKey: InlineText;
}

/** One name that a peer's certificate must have. */
export interface SubjectAltNameMatcher {
  readonly sanType: "URI" | "DNS" | "EMAIL" | "IP_ADDRESS";
  readonly matcher: StringMatcher;
}

/** What a peer's certificate is held against. */
export interface CertificateValidationContext {
  /** One or more root certificates: a peer's chain must end in one of them. */
  readonly trustedCa: InlineText;
  /** Lists of revoked certificates, one for each issuer that revoked some. */
  readonly crl?: InlineText;
  /** Only the leaf is looked for in the lists: those of authorities above it are not there. */
  readonly onlyVerifyLeafCertCrl?: boolean;
  /** The peer must have one of them; absent or empty for any name. */
  readonly matchTypedSubjectAltNames?: readonly SubjectAltNameMatcher[];
}

/** One of `tlsCertificate` and `validationContext` is set. */
export interface Secret {
  readonly name: string;
  readonly tlsCertificate?: TlsCertificate;
  readonly validationContext?: CertificateValidationContext;
}
