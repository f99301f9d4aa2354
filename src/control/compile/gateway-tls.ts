import type { Listener } from "../../codecs/xds/listener.ts";
import type { Secret } from "../../codecs/xds/secret.ts";
import {
  type CommonTlsContext,
  DOWNSTREAM_TLS_TYPE,
  type DownstreamTlsContext,
  type SdsSecretConfig,
  TLS_SOCKET,
  type TransportSocket,
} from "../../codecs/xds/tls.ts";
import type { GatewayTls } from "../../model/rule.ts";

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
  const commonTlsContext: CommonTlsContext = {
    ...(tls.minProtocolVersion === "TLSV1_3" && { tlsParams: { tlsMinimumProtocolVersion: "TLSv1_3" as const } }),
    alpnProtocols: ["h2", "http/1.1"],
    ...ownCertificate(tls),
    ...(mode === "SIMPLE"
      ? { validationContext: { trustChainVerification: "ACCEPT_UNTRUSTED" as const } }
      : trustedRoots(tls)),
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
  ]);
  return new Set(names.filter((name) => name.startsWith(CREDENTIAL)));
}

type Certificates = Omit<GatewayTls, "mode">;

function ownCertificate({ credentialName, serverCertificate = "", privateKey = "" }: Certificates): CommonTlsContext {
  if (credentialName !== undefined)
    return { tlsCertificateSdsSecretConfigs: [secret(secretNames(credentialName).certificate)] };
  return {
    tlsCertificates: [{ certificateChain: { filename: serverCertificate }, privateKey: { filename: privateKey } }],
  };
}

function trustedRoots({ credentialName, caCertificates = "" }: Certificates): CommonTlsContext {
  if (credentialName !== undefined)
    return { validationContextSdsSecretConfig: secret(secretNames(credentialName).roots) };
  return { validationContext: { trustedCa: { filename: caCertificates } } };
}

function secret(name: string): SdsSecretConfig {
  return { name, sdsConfig: { ads: {}, resourceApiVersion: "V3" } };
}
