import { expect, test } from "vitest";
import { gatewaySocket, secretNames, secretsAsked } from "../../../../src/control/compile/gateway-tls.ts";

const sds = { ads: {}, resourceApiVersion: "V3" };

test("a credential is given by SDS, with Istio's names; who asks nothing of callers looks at no certificate of theirs", () => {
  expect(secretNames("site")).toEqual({ certificate: "kubernetes://site", roots: "kubernetes://site-cacert" });
  expect(gatewaySocket({ mode: "SIMPLE", credentialName: "site" }).typedConfig).toMatchObject({
    commonTlsContext: {
      alpnProtocols: ["h2", "http/1.1"],
      tlsCertificateSdsSecretConfigs: [{ name: "kubernetes://site", sdsConfig: sds }],
      validationContext: { trustChainVerification: "ACCEPT_UNTRUSTED" },
    },
    requireClientCertificate: false,
  });
  expect(gatewaySocket({ mode: "MUTUAL", credentialName: "site" }).typedConfig).toMatchObject({
    commonTlsContext: { validationContextSdsSecretConfig: { name: "kubernetes://site-cacert", sdsConfig: sds } },
    requireClientCertificate: true,
  });
});

test("files are read where the proxy runs", () => {
  const files = { serverCertificate: "/c", privateKey: "/k", caCertificates: "/r" };
  expect(gatewaySocket({ mode: "OPTIONAL_MUTUAL", credentialName: "site" }).typedConfig).toMatchObject({
    commonTlsContext: { validationContextSdsSecretConfig: { name: "kubernetes://site-cacert" } },
    requireClientCertificate: false,
  });
  const socket = gatewaySocket({ mode: "MUTUAL", ...files, minProtocolVersion: "TLSV1_3" });
  expect(socket.typedConfig?.commonTlsContext).toEqual({
    tlsParams: { tlsMinimumProtocolVersion: "TLSv1_3" },
    alpnProtocols: ["h2", "http/1.1"],
    tlsCertificates: [{ certificateChain: { filename: "/c" }, privateKey: { filename: "/k" } }],
    validationContext: { trustedCa: { filename: "/r" } },
  });
});

test("of listeners the credentials are told that they ask for", () => {
  const of = (transportSocket: ReturnType<typeof gatewaySocket>) => ({
    resource: { filterChains: [{ transportSocket }] },
  });
  const files = { serverCertificate: "/c", privateKey: "/k" };
  const listeners = [
    of(gatewaySocket({ mode: "MUTUAL", credentialName: "a" })),
    of(gatewaySocket({ mode: "SIMPLE", credentialName: "b" })),
    of(gatewaySocket({ mode: "SIMPLE", ...files })),
    { resource: {} },
  ];
  expect([...secretsAsked(listeners)]).toEqual(["kubernetes://a", "kubernetes://a-cacert", "kubernetes://b"]);
});
