import type { Cluster } from "../../../codecs/xds/cluster.ts";
import { ROOTS_SECRET, type SubjectAltNameMatcher, WORKLOAD_SECRET } from "../../../codecs/xds/secret.ts";
import {
  type CommonTlsContext,
  type PeerValidation,
  type SdsSecretConfig,
  TLS_SOCKET,
  type TransportSocket,
  UPSTREAM_TLS_TYPE,
} from "../../../codecs/xds/tls.ts";
import type { ClientTls } from "../../../model/rules/destination-rule.ts";

/** What TLS to a service needs to know of it beside the rule. */
export interface TlsTarget {
  /** The host that is asked for where the rule names none. */
  readonly host: string;
  readonly subset: string;
  readonly port: number;
  /** Names of which the rule, or the service's own object, says that a provider has one; SPIFFE ids where its service accounts are known. */
  readonly subjectAltNames: readonly string[];
}

/** What Istio asks for between its proxies, the newer word first; `h2` beside them for HTTP/2. */
const MESH_PROTOCOLS = ["istio-peer-exchange", "istio"];

/** Mutual TLS as the mesh's proxies speak it. */
export function meshSocket(target: TlsTarget, sni?: string): TransportSocket {
  const { port, subset, host, subjectAltNames } = target;
  const commonTlsContext: CommonTlsContext = {
    tlsCertificateSdsSecretConfigs: [secret(WORKLOAD_SECRET)],
    combinedValidationContext: {
      defaultValidationContext: namesOf(subjectAltNames),
      validationContextSdsSecretConfig: secret(ROOTS_SECRET),
    },
    alpnProtocols: MESH_PROTOCOLS,
  };
  const typedConfig = {
    "@type": UPSTREAM_TLS_TYPE,
    commonTlsContext,
    sni: sni ?? `outbound_.${port}_.${subset}_.${host}`,
  } as const;
  return { name: TLS_SOCKET, typedConfig };
}

/** The transport socket of a cluster by its rule's `tls`; nothing where connections travel as they are. */
export function lowerTls(tls: ClientTls | undefined, target: TlsTarget): Pick<Cluster, "transportSocket"> {
  const { mode = "DISABLE" } = tls ?? {};
  if (tls === undefined || mode === "DISABLE") return {};
  const names = (tls.subjectAltNames ?? []).length > 0 ? tls.subjectAltNames! : target.subjectAltNames;
  if (mode === "ISTIO_MUTUAL")
    return { transportSocket: meshSocket({ ...target, subjectAltNames: names }, tls.sni || undefined) };
  const sni = tls.sni || target.host;
  // As Istio does: who says nothing of names asks for the name that he calls.
  const asked = names.length > 0 ? namesOf(names) : namesOf([sni]);
  const own = mode === "MUTUAL" ? ownCertificate(tls) : {};
  if (tls.insecureSkipVerify === true)
    return socket(sni, { ...own, validationContext: { trustChainVerification: "ACCEPT_UNTRUSTED" } });
  if (tls.credentialName)
    return socket(sni, {
      ...own,
      combinedValidationContext: {
        defaultValidationContext: asked,
        validationContextSdsSecretConfig: secret(`kubernetes://${tls.credentialName}-cacert`),
      },
    });
  return socket(sni, {
    ...own,
    validationContext: {
      ...(tls.caCertificates && { trustedCa: { filename: tls.caCertificates } }),
      ...(tls.caCrl && { crl: { filename: tls.caCrl } }),
      ...asked,
    },
  });
}

function ownCertificate({ credentialName, clientCertificate = "", privateKey = "" }: ClientTls): CommonTlsContext {
  if (credentialName) return { tlsCertificateSdsSecretConfigs: [secret(`kubernetes://${credentialName}`)] };
  return {
    tlsCertificates: [{ certificateChain: { filename: clientCertificate }, privateKey: { filename: privateKey } }],
  };
}

function socket(sni: string, commonTlsContext: CommonTlsContext): Pick<Cluster, "transportSocket"> {
  return {
    transportSocket: { name: TLS_SOCKET, typedConfig: { "@type": UPSTREAM_TLS_TYPE, commonTlsContext, sni } },
  };
}

function secret(name: string): SdsSecretConfig {
  return { name, sdsConfig: { ads: {}, resourceApiVersion: "V3" } };
}

function namesOf(names: readonly string[]): Pick<PeerValidation, "matchTypedSubjectAltNames"> {
  if (names.length === 0) return {};
  return { matchTypedSubjectAltNames: names.map(nameMatcher) };
}

/** A name of a certificate: a URI where it has a scheme, an address where it is one, else a DNS name. */
export function nameMatcher(exact: string): SubjectAltNameMatcher {
  const sanType = exact.includes("://") ? "URI" : /^[0-9.]+$|:/.test(exact) ? "IP_ADDRESS" : "DNS";
  return { sanType, matcher: { exact } };
}
