import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import {
  type AuthorityTexts,
  createRoot,
  fingerprintOf,
  ROOT_VALIDITY_MS,
  readAuthority,
} from "../../../../src/control/ca/authority.ts";
import {
  createTestIntermediate,
  createTestLeaf,
  createTestRoot,
  type TestAuthority,
} from "../../../support/certificates.ts";

const nowMs = Date.now();
const keyOf = (authority: Pick<TestAuthority, "key">) =>
  authority.key.export({ format: "pem", type: "pkcs8" }) as string;
const root = createTestRoot("Root");
const other = createTestRoot("Other");
const between = createTestIntermediate(root, "Between");
const below = createTestIntermediate(between, "Below");
const good: AuthorityTexts = {
  certificate: below.pem,
  key: keyOf(below),
  chain: below.chain,
  roots: root.pem,
  revocations: "",
};

test("a root that is made here signs for ten years, with either kind of key", () => {
  for (const type of ["ec", "rsa"] as const) {
    const texts = createRoot("cluster.local", type, Buffer.alloc(16, 1), nowMs);
    const authority = readAuthority(texts, nowMs);
    expect(authority.intermediates).toEqual([]);
    expect(authority.roots).toEqual([texts.certificate]);
    expect(Math.abs(authority.notAfterMs - nowMs - ROOT_VALIDITY_MS)).toBeLessThan(1_000);
    const certificate = new X509Certificate(texts.certificate);
    expect([certificate.ca, certificate.subject]).toEqual([true, "O=cluster.local\nCN=Trestle root 01010101"]);
    expect(certificate.publicKey.asymmetricKeyType).toBe(type);
  }
});

test("an intermediate's files lead up to the root, whatever else the chain's file holds", () => {
  const authority = readAuthority({ ...good, chain: below.chain + root.pem, roots: root.pem + other.pem }, nowMs);
  expect(authority.intermediates).toEqual([below.pem, between.pem]);
  expect(authority.roots).toEqual([other.pem, root.pem]);
});

test("a fingerprint tells certificates apart", () => {
  expect(fingerprintOf(root.pem)).toMatch(/^[0-9a-f]{64}$/);
  expect(fingerprintOf(root.pem)).not.toBe(fingerprintOf(other.pem));
});

const leaf = createTestLeaf(root);
const WRONG: readonly (readonly [string, Partial<AuthorityTexts>, string])[] = [
  ["no certificate", { certificate: "" }, "ca-cert.pem has no certificate"],
  [
    "a leaf's certificate",
    { certificate: leaf.chain, key: leaf.key },
    "ca-cert.pem may not sign: it is no authority's certificate (basicConstraints)",
  ],
  ["another key", { key: keyOf(root) }, "ca-key.pem is not the key of ca-cert.pem"],
  ["no key", { key: "" }, "ca-key.pem is no private key in PEM without a password"],
  [
    "a chain that is missing",
    { chain: "" },
    "ca-cert.pem leads to no root of root-cert.pem, by cert-chain.pem neither",
  ],
  ["another root", { roots: other.pem }, "ca-cert.pem leads to no root of root-cert.pem, by cert-chain.pem neither"],
  ["no root", { roots: "" }, "root-cert.pem has no certificate"],
  [
    "text that is cut off",
    { roots: root.pem.slice(0, 300) },
    "root-cert.pem can't be read: pem block CERTIFICATE has no end",
  ],
];

test.each(WRONG)("%s is refused by name", (_, change, message) => {
  expect(() => readAuthority({ ...good, ...change }, nowMs)).toThrow(message);
});

test("an authority that has ended is refused", () => {
  expect(() => readAuthority(good, nowMs + 11 * 366 * 86_400_000)).toThrow(/^ca-cert\.pem or one above it ended at 20/);
});
