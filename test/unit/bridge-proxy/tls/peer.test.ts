import { createHash, X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  chainFault,
  chainFrom,
  compileNames,
  compilePins,
  identityOf,
  nameFault,
  parseNames,
} from "../../../../src/bridge-proxy/tls/peer.ts";
import { createTestLeaf, createTestRoot } from "../../../support/certificates.ts";

const URI = "spiffe://cluster.local/ns/shop/sa/orders";

describe("parseNames", () => {
  test.each<[string, string | undefined, [string, string][]]>([
    ["no names", undefined, []],
    ["one", `URI:${URI}`, [["URI", URI]]],
    [
      "several",
      "DNS:a.example, IP Address:10.0.0.1, email:a@b",
      [
        ["DNS", "a.example"],
        ["IP Address", "10.0.0.1"],
        ["email", "a@b"],
      ],
    ],
    ["one that would look like two", 'URI:"spiffe://a, URI:spiffe://b"', [["URI", "spiffe://a, URI:spiffe://b"]]],
    ["one with quotes", 'DNS:"a\\"b"', [["DNS", 'a"b']]],
    ["what cannot be read, and all that follows", 'DNS:"a, DNS:b', []],
  ])("reads %s", (_name, text, names) => {
    expect(parseNames(text)).toEqual(names.map(([type, value]) => ({ type, value })));
  });

  test("reads what Node says of a real certificate", () => {
    const { chain } = createTestLeaf(createTestRoot(), { uri: URI, dns: ["a.example"], ips: ["10.0.0.1"] });
    const names = parseNames(new X509Certificate(chain).subjectAltName);
    expect(names).toContainEqual({ type: "URI", value: URI });
    expect(names).toContainEqual({ type: "DNS", value: "a.example" });
    expect(names).toContainEqual({ type: "IP Address", value: "10.0.0.1" });
  });

  test("takes a hundred names at most", () => {
    expect(parseNames(Array(500).fill("DNS:a").join(", "))).toHaveLength(100);
  });
});

describe("identityOf", () => {
  test("is the one URI, where it is of SPIFFE's form", () => {
    expect(identityOf(parseNames(`DNS:a, URI:${URI}`))).toEqual({
      trustDomain: "cluster.local",
      namespace: "shop",
      serviceAccount: "orders",
    });
    expect(identityOf(parseNames(`URI:${URI}, URI:${URI}`))).toBeUndefined();
    expect(identityOf(parseNames("URI:https://a/ns/b/sa/c"))).toBeUndefined();
    expect(identityOf(parseNames("DNS:a"))).toBeUndefined();
  });
});

describe("compileNames", () => {
  test("takes a certificate with one of the names, of the kind that is asked for", () => {
    const test = compileNames([
      { sanType: "URI", matcher: { exact: URI } },
      { sanType: "DNS", matcher: { suffix: ".example" } },
    ])!;
    expect(test(parseNames(`URI:${URI}`))).toBe(true);
    expect(test(parseNames("DNS:b, DNS:a.example"))).toBe(true);
    expect(test(parseNames(`DNS:${URI}`))).toBe(false);
    expect(test(parseNames(`URI:${URI}x`))).toBe(false);
    expect(test([])).toBe(false);
  });

  test("asks for nothing where nothing is said", () => {
    expect(compileNames(undefined)).toBeUndefined();
    expect(compileNames([])).toBeUndefined();
  });
});

test.each([
  ["CERT_HAS_EXPIRED", "expired"],
  ["CERT_NOT_YET_VALID", "expired"],
  ["CERT_REVOKED", "revoked"],
  ["UNABLE_TO_GET_CRL", "revoked"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "untrusted"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "untrusted"],
])("OpenSSL's %s is counted as %s", (code, kind) => {
  expect(chainFault({ code, message: "why" })).toEqual({ kind, message: "why" });
});

test("who was not expected is named, not more than three of their names", () => {
  const names = parseNames("DNS:a, DNS:b, DNS:c, DNS:d");
  expect(nameFault(names)).toEqual({
    kind: "wrongIdentity",
    message: "its certificate is of DNS:a, DNS:b, DNS:c, who is not expected here",
  });
});

test("a chain is what was shown, eight certificates at most", () => {
  const one = { issuerCertificate: undefined } as X509Certificate;
  const two = { issuerCertificate: one } as X509Certificate;
  expect(chainFrom(two)).toEqual([two, one]);
  const endless = {} as { issuerCertificate?: unknown };
  endless.issuerCertificate = endless;
  expect(chainFrom(endless as X509Certificate)).toHaveLength(8);
});

describe("compilePins", () => {
  const shown = new X509Certificate(createTestLeaf(createTestRoot()).chain);
  const hash = shown.fingerprint256.replaceAll(":", "").toLowerCase();
  const key = createHash("sha256")
    .update(shown.publicKey.export({ type: "spki", format: "der" }))
    .digest("base64");

  test("takes one of the certificates or keys that are asked for", () => {
    expect(compilePins({ verifyCertificateHash: ["00", hash] })?.(shown)).toBe(true);
    expect(compilePins({ verifyCertificateSpki: [key], verifyCertificateHash: ["00"] })?.(shown)).toBe(true);
    expect(compilePins({ verifyCertificateSpki: [hash], verifyCertificateHash: [key] })?.(shown)).toBe(false);
  });

  test.each([undefined, {}, { verifyCertificateSpki: [], verifyCertificateHash: [] }])(
    "asks nothing by %j",
    (asked) => {
      expect(compilePins(asked)).toBeUndefined();
    },
  );
});
