import { expect, test } from "vitest";
import { lowerTls } from "../../../../../src/control/rules/lower/tls.ts";
import type { ClientTls, DestinationRule } from "../../../../../src/model/rules/destination-rule.ts";
import { destinationRuleText, rulesOf } from "../../../../support/rules.ts";

const tlsOf = (text: string): ClientTls =>
  (rulesOf(destinationRuleText("d", "a", `trafficPolicy: {tls: ${text}}`))[0] as DestinationRule).trafficPolicy!.tls!;
const target = { host: "com.acme.a", subset: "v", port: 20_880, subjectAltNames: [] as readonly string[] };
const context = (text: string, more = {}) => lowerTls(tlsOf(text), { ...target, ...more }).transportSocket?.typedConfig;
const dns = (exact: string) => ({ sanType: "DNS", matcher: { exact } });
const sds = (name: string) => ({ name, sdsConfig: { ads: {}, resourceApiVersion: "V3" } });

test("connections travel as they are unless a rule says otherwise", () => {
  expect(lowerTls(undefined, target)).toEqual({});
  expect(lowerTls(tlsOf("{mode: DISABLE}"), target)).toEqual({});
});

test("SIMPLE asks for the host's name under the roots that are known", () => {
  expect(context("{mode: SIMPLE}")).toEqual({
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    commonTlsContext: { validationContext: { matchTypedSubjectAltNames: [dns("com.acme.a")] } },
    sni: "com.acme.a",
  });
});

test.each([
  {
    name: "roots, a list of revoked ones and names",
    tls: "{mode: SIMPLE, sni: s, caCertificates: /ca, caCrl: /crl, subjectAltNames: [n, 'spiffe://td/x', 10.0.0.1]}",
    common: {
      validationContext: {
        trustedCa: { filename: "/ca" },
        crl: { filename: "/crl" },
        matchTypedSubjectAltNames: [
          dns("n"),
          { sanType: "URI", matcher: { exact: "spiffe://td/x" } },
          { sanType: "IP_ADDRESS", matcher: { exact: "10.0.0.1" } },
        ],
      },
    },
  },
  {
    name: "no check at all",
    tls: "{mode: SIMPLE, insecureSkipVerify: true}",
    common: { validationContext: { trustChainVerification: "ACCEPT_UNTRUSTED" } },
  },
  {
    name: "files of its own",
    tls: "{mode: MUTUAL, clientCertificate: /c, privateKey: /k}",
    common: {
      tlsCertificates: [{ certificateChain: { filename: "/c" }, privateKey: { filename: "/k" } }],
      validationContext: { matchTypedSubjectAltNames: [dns("com.acme.a")] },
    },
  },
  {
    name: "a secret of its own",
    tls: "{mode: MUTUAL, credentialName: web}",
    common: {
      tlsCertificateSdsSecretConfigs: [sds("kubernetes://web")],
      combinedValidationContext: {
        defaultValidationContext: { matchTypedSubjectAltNames: [dns("com.acme.a")] },
        validationContextSdsSecretConfig: sds("kubernetes://web-cacert"),
      },
    },
  },
])("$name", ({ tls, common }) => {
  expect(context(tls)?.commonTlsContext).toEqual(common);
});

test("ISTIO_MUTUAL takes the mesh's own certificates, and the identities that are known", () => {
  const identity = "spiffe://cluster.local/ns/default/sa/order";
  expect(context("{mode: ISTIO_MUTUAL}", { subjectAltNames: [identity] })).toMatchObject({
    sni: "outbound_.20880_.v_.com.acme.a",
    commonTlsContext: {
      tlsCertificateSdsSecretConfigs: [sds("default")],
      combinedValidationContext: {
        defaultValidationContext: { matchTypedSubjectAltNames: [{ sanType: "URI", matcher: { exact: identity } }] },
        validationContextSdsSecretConfig: sds("ROOTCA"),
      },
      alpnProtocols: ["istio-peer-exchange", "istio"],
    },
  });
});
