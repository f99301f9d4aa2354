import { expect, test } from "vitest";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import { gatewayText } from "../../../../support/rules.ts";

const CREDENTIAL = "credentialName: c";
const FILES = "serverCertificate: a, privateKey: b";
const PIN = `${"A".repeat(43)}=`;
const HASH = "AB:".repeat(31);

function read(tls: string): { readonly tls: object | undefined; readonly findings: readonly string[] } {
  const text = gatewayText("edge", `[{port: {number: 443, protocol: HTTPS}, hosts: [a], tls: {${tls}}}]`);
  const { rules, findings } = parseRules("r.yaml", text);
  const [gateway] = rules as unknown as [{ readonly servers: readonly { readonly tls: object }[] }];
  return {
    tls: gateway.servers[0]?.tls,
    findings: findings.map(({ code, message }) => `${code} ${message}`),
  };
}

test.each<[string, object]>([
  ["credentialNames: [rsa, ec]", { credentialName: "rsa", credentialNames: ["rsa", "ec"] }],
  ["credentialNames: [rsa]", { credentialName: "rsa" }],
  [
    "tlsCertificates: [{serverCertificate: a, privateKey: b}, {serverCertificate: c, privateKey: d}]",
    { serverCertificate: "a", privateKey: "b", moreFiles: [{ serverCertificate: "c", privateKey: "d" }] },
  ],
  [`mode: MUTUAL, ${FILES}, caCertificates: r, caCrl: l`, { caCertificates: "r", caCrl: "l" }],
  [`mode: MUTUAL, ${CREDENTIAL}, caCertCredentialName: r`, { credentialName: "c", caCertCredentialName: "r" }],
  [`mode: MUTUAL, ${FILES}, caCertCredentialName: r`, { serverCertificate: "a", caCertCredentialName: "r" }],
  [
    `mode: OPTIONAL_MUTUAL, ${CREDENTIAL}, subjectAltNames: [x.example.com], insecureSkipVerify: true`,
    { subjectAltNames: ["x.example.com"], insecureSkipVerify: true },
  ],
  [
    `mode: MUTUAL, ${CREDENTIAL}, verifyCertificateSpki: ["${PIN}"], verifyCertificateHash: ["${HASH}AB"]`,
    { verifyCertificateSpki: [PIN], verifyCertificateHash: ["ab".repeat(32)] },
  ],
  [
    `${CREDENTIAL}, minProtocolVersion: TLSV1_2, maxProtocolVersion: TLSV1_2`,
    { minProtocolVersion: "TLSV1_2", maxProtocolVersion: "TLSV1_2" },
  ],
  [
    `${CREDENTIAL}, minProtocolVersion: TLS_AUTO, maxProtocolVersion: TLS_AUTO`,
    { mode: "SIMPLE", credentialName: "c" },
  ],
  [
    `${CREDENTIAL}, minProtocolVersion: TLSV1_0, cipherSuites: [ECDHE-RSA-AES128-SHA, ECDHE-RSA-AES128-SHA]`,
    { minProtocolVersion: "TLSV1_0", cipherSuites: ["ECDHE-RSA-AES128-SHA"] },
  ],
  [
    `${CREDENTIAL}, maxProtocolVersion: TLSV1_1, cipherSuites: [AES256-SHA]`,
    { minProtocolVersion: "TLSV1_1", maxProtocolVersion: "TLSV1_1", cipherSuites: ["AES256-SHA"] },
  ],
])("%s is served as it says", (tls, expected) => {
  const { tls: served, findings } = read(tls);
  expect(findings).toEqual([]);
  expect(served).toMatchObject(expected);
});

test.each([
  [`mode: MUTUAL, ${CREDENTIAL}, verifyCertificateSpki: [x]`, 'tls.verifyCertificateSpki "x" is no SHA-256 in base64'],
  [`mode: MUTUAL, ${CREDENTIAL}, verifyCertificateHash: ["00"]`, 'tls.verifyCertificateHash "00" is no SHA-256 in hex'],
  [`${CREDENTIAL}, subjectAltNames: [x]`, "tls.subjectAltNames is for mode MUTUAL or OPTIONAL_MUTUAL"],
  [`${CREDENTIAL}, caCrl: x`, "tls.caCrl is for mode MUTUAL or OPTIONAL_MUTUAL"],
  ["credentialNames: [a, b, c]", "tls has more than 2 certificates, one of RSA and one of ECDSA"],
  [`mode: MUTUAL, ${CREDENTIAL}, caCertCredentialName: ../a`, 'tls.credentialName "../a" is no name of a credential'],
  ["tlsCertificates: [{serverCertificate: a}]", "tls has neither credentialName nor serverCertificate and privateKey"],
  [
    `${CREDENTIAL}, minProtocolVersion: TLSV1_3, maxProtocolVersion: TLSV1_2`,
    "tls.minProtocolVersion TLSV1_3 is above maxProtocolVersion TLSV1_2",
  ],
  [
    `${CREDENTIAL}, maxProtocolVersion: TLSV1_1`,
    "tls.maxProtocolVersion TLSV1_1 needs cipherSuites that TLS before 1.2 has: ECDHE-ECDSA-AES128-SHA",
  ],
  [
    `${CREDENTIAL}, cipherSuites: [RC4-MD5]`,
    "tls.cipherSuites has none that is known; it takes ECDHE-ECDSA-AES128-GCM",
  ],
])("%s is not served", (tls, why) => {
  const { tls: served, findings } = read(tls);
  expect(served).toBeUndefined();
  expect(findings).toEqual([expect.stringContaining(`TR0240 ${why}`)]);
});

test.each([
  [
    `${CREDENTIAL}, cipherSuites: [RC4-MD5, AES128-SHA]`,
    'cipherSuites names "RC4-MD5", which is left out',
    ["AES128-SHA"],
  ],
  [
    `${CREDENTIAL}, minProtocolVersion: TLSV1_3, cipherSuites: [AES128-SHA]`,
    "cipherSuites does nothing: those of TLS 1.3 are not chosen",
    ["AES128-SHA"],
  ],
  [
    `${CREDENTIAL}, minProtocolVersion: TLSV1_0`,
    "minProtocolVersion TLSV1_0 needs cipherSuites that TLS before 1.2 has",
    undefined,
  ],
  [`${CREDENTIAL}, insecureSkipVerify: true`, "insecureSkipVerify does nothing: mode SIMPLE asks nobody", undefined],
  [`${CREDENTIAL}, caCertificates: x`, "caCertificates does nothing: mode SIMPLE asks nobody", undefined],
])("%s: what is passed over is told", (tls, why, suites) => {
  const { tls: served, findings } = read(tls);
  expect(findings).toEqual([expect.stringContaining(`TR0227 tls.${why}`)]);
  expect((served as { cipherSuites?: unknown }).cipherSuites).toEqual(suites);
});
