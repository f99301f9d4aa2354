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

test("a credential's roots are held against what a rule asks of callers beside them", () => {
  const { typedConfig } = gatewaySocket({
    mode: "MUTUAL",
    credentialName: "rsa",
    credentialNames: ["rsa", "ec"],
    caCertCredentialName: "callers",
    caCrl: "/l",
    subjectAltNames: ["a.example.com"],
    verifyCertificateSpki: ["k"],
    verifyCertificateHash: ["h"],
    insecureSkipVerify: true,
    minProtocolVersion: "TLSV1_1",
    maxProtocolVersion: "TLSV1_2",
    cipherSuites: ["AES128-SHA"],
  });
  expect(typedConfig?.commonTlsContext).toEqual({
    tlsParams: {
      tlsMinimumProtocolVersion: "TLSv1_1",
      tlsMaximumProtocolVersion: "TLSv1_2",
      cipherSuites: ["AES128-SHA"],
    },
    alpnProtocols: ["h2", "http/1.1"],
    tlsCertificateSdsSecretConfigs: [
      { name: "kubernetes://rsa", sdsConfig: sds },
      { name: "kubernetes://ec", sdsConfig: sds },
    ],
    combinedValidationContext: {
      defaultValidationContext: {
        crl: { filename: "/l" },
        matchTypedSubjectAltNames: [{ sanType: "DNS", matcher: { exact: "a.example.com" } }],
        verifyCertificateSpki: ["k"],
        verifyCertificateHash: ["h"],
        trustChainVerification: "ACCEPT_UNTRUSTED",
      },
      validationContextSdsSecretConfig: { name: "kubernetes://callers-cacert", sdsConfig: sds },
    },
  });
  expect([
    ...secretsAsked([
      {
        resource: {
          filterChains: [{ transportSocket: { name: "envoy.transport_sockets.tls", typedConfig: typedConfig! } }],
        },
      },
    ]),
  ]).toEqual(["kubernetes://rsa", "kubernetes://ec", "kubernetes://callers-cacert"]);
});

test("two certificates of files are shown by the kind of their keys", () => {
  const socket = gatewaySocket({
    ...{ mode: "SIMPLE", serverCertificate: "/a", privateKey: "/b" },
    moreFiles: [{ serverCertificate: "/c", privateKey: "/d" }],
  });
  expect(socket.typedConfig?.commonTlsContext.tlsCertificates).toEqual([
    { certificateChain: { filename: "/a" }, privateKey: { filename: "/b" } },
    { certificateChain: { filename: "/c" }, privateKey: { filename: "/d" } },
  ]);
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
