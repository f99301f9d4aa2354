import type { Listener } from "../../codecs/xds/listener.ts";
import type { Secret } from "../../codecs/xds/secret.ts";
import {
  type CommonTlsContext,
  DOWNSTREAM_TLS_TYPE,
  type DownstreamTlsContext,
  type PeerValidation,
  type SdsSecretConfig,
  TLS_SOCKET,
  type TlsParameters,
  type TlsVersion,
  type TransportSocket,
} from "../../codecs/xds/tls.ts";
import type { GatewayTls } from "../../model/rule.ts";
import { nameMatcher } from "../rules/lower/tls.ts";

/** What stands before a credential's name in that of its secrets, as Istio has it. */
const CREDENTIAL = "kubernetes://";

/** Names of the secrets that a credential is given out as: its certificate and key, and the roots that it trusts. */
export function secretNames(credential: string): { readonly certificate: string; readonly roots: string } {
  return { certificate: `${CREDENTIAL}${credential}`, roots: `${CREDENTIAL}${credential}-cacert` };
}

/** The credential, as rules name it, that a secret of {@link secretNames} is part of. */
export function credentialOf(name: string, { tlsCertificate }: Pick<Secret, "tlsCertificate">): string {
  const said = name.startsWith(CREDENTIAL) ? name.slice(CREDENTIAL.length) : name;
  return tlsCertificate === undefined ? said.replace(/-cacert$/, "") : said;
}

/** How a port of a Gateway ends TLS. */
export function gatewaySocket({ mode, ...tls }: GatewayTls): TransportSocket<DownstreamTlsContext> {
  const tlsParams = parametersOf(tls);
  const commonTlsContext: CommonTlsContext = {
    ...(Object.keys(tlsParams).length > 0 && { tlsParams }),
    alpnProtocols: ["h2", "http/1.1"],
    ...ownCertificates(tls),
    ...(mode === "SIMPLE"
      ? { validationContext: { trustChainVerification: "ACCEPT_UNTRUSTED" as const } }
      : callersOf(tls)),
  };
  return {
    name: TLS_SOCKET,
    typedConfig: {
      "@type": DOWNSTREAM_TLS_TYPE,
      commonTlsContext,
      requireClientCertificate: mode === "MUTUAL",
    },
  };
}

/** Istio's `TLSV1_3` as Envoy writes it. */
function parametersOf({ minProtocolVersion: least, maxProtocolVersion: most, cipherSuites }: Certificates) {
  const version = (text: string) => text.replace("TLSV", "TLSv") as TlsVersion;
  const parameters: TlsParameters = {
    ...(least !== undefined && least !== "TLSV1_2" && { tlsMinimumProtocolVersion: version(least) }),
    ...(most !== undefined && { tlsMaximumProtocolVersion: version(most) }),
    ...(cipherSuites !== undefined && { cipherSuites }),
  };
  return parameters;
}

/** The credentials that a proxy's listeners ask for, by the names of their secrets. */
export function secretsAsked(
  listeners: readonly { readonly resource: Pick<Listener, "filterChains"> }[],
): ReadonlySet<string> {
  const contexts = listeners.flatMap(({ resource }) =>
    (resource.filterChains ?? []).map(({ transportSocket }) => transportSocket?.typedConfig?.commonTlsContext),
  );
  const names = contexts.flatMap((context) => [
    ...(context?.tlsCertificateSdsSecretConfigs ?? []).map(({ name }) => name),
    context?.validationContextSdsSecretConfig?.name ?? "",
    context?.combinedValidationContext?.validationContextSdsSecretConfig.name ?? "",
  ]);
  return new Set(names.filter((name) => name.startsWith(CREDENTIAL)));
}

type Certificates = Omit<GatewayTls, "mode">;

function ownCertificates(tls: Certificates): CommonTlsContext {
  const { credentialName, credentialNames, serverCertificate = "", privateKey = "", moreFiles = [] } = tls;
  if (credentialName !== undefined) {
    const names = credentialNames ?? [credentialName];
    return { tlsCertificateSdsSecretConfigs: names.map((name) => secret(secretNames(name).certificate)) };
  }
  return {
    tlsCertificates: [{ serverCertificate, privateKey }, ...moreFiles].map((files) => ({
      certificateChain: { filename: files.serverCertificate },
      privateKey: { filename: files.privateKey },
    })),
  };
}

/** What callers' certificates are held against. */
function callersOf(tls: Certificates): CommonTlsContext {
  const { caCrl, subjectAltNames = [], verifyCertificateSpki, verifyCertificateHash, insecureSkipVerify } = tls;
  const asked: PeerValidation = {
    ...(caCrl !== undefined && { crl: { filename: caCrl } }),
    ...(subjectAltNames.length > 0 && { matchTypedSubjectAltNames: subjectAltNames.map(nameMatcher) }),
    ...(verifyCertificateSpki !== undefined && { verifyCertificateSpki }),
    ...(verifyCertificateHash !== undefined && { verifyCertificateHash }),
    ...(insecureSkipVerify === true && { trustChainVerification: "ACCEPT_UNTRUSTED" }),
  };
  const { caCertCredentialName, credentialName, caCertificates = "" } = tls;
  const named = caCertCredentialName ?? credentialName;
  if (named === undefined) return { validationContext: { trustedCa: { filename: caCertificates }, ...asked } };
  const roots = secret(secretNames(named).roots);
  if (Object.keys(asked).length === 0) return { validationContextSdsSecretConfig: roots };
  return { combinedValidationContext: { defaultValidationContext: asked, validationContextSdsSecretConfig: roots } };
}

function secret(name: string): SdsSecretConfig {
  return { name, sdsConfig: { ads: {}, resourceApiVersion: "V3" } };
}
