import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { DerReader, der, oid, sequence, TAG } from "../../../../src/codecs/x509/der.ts";
import {
  decodeAltNames,
  encodeAltNames,
  encodeName,
  signatureAlgorithm,
  signingAlgorithm,
} from "../../../../src/codecs/x509/names.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("a name has its organization, then its common name; without either it is empty", () => {
  expect(hex(encodeName({}))).toBe("3000");
  const organization = "310a3008" + "060355040a" + "0c016f";
  const commonName = "310a3008" + "0603550403" + "0c0163";
  expect(hex(encodeName({ organization: "o", commonName: "c" }))).toBe(`3018${organization}${commonName}`);
});

test("alternative names are read as they were written", () => {
  const names = { uris: ["spiffe://a/ns/b/sa/c"], dns: ["x.y"], ips: [Buffer.from([10, 0, 0, 1])] };
  expect(decodeAltNames(encodeAltNames(names))).toEqual(names);
});

test("a name with a zero byte in it is refused", () => {
  const trick = sequence(der(0x86, Buffer.from("spiffe://a/ns/b/sa/c\0.evil")));
  expect(() => decodeAltNames(trick)).toThrow("certificate has a name that is not printable ascii");
});

test("more names than the limit are refused", () => {
  const many = encodeAltNames({ dns: Array.from({ length: 1_001 }, () => "a") });
  expect(() => decodeAltNames(many)).toThrow("certificate has over 1000 names");
});

const ALGORITHMS: readonly (readonly [string, string, unknown])[] = [
  ["SHA-256 with RSA", "1.2.840.113549.1.1.11", { keyType: "rsa", hash: "sha256" }],
  ["SHA-384 with ECDSA", "1.2.840.10045.4.3.3", { keyType: "ec", hash: "sha384" }],
  ["SHA-1 with RSA", "1.2.840.113549.1.1.5", undefined],
  ["MD5 with RSA", "1.2.840.113549.1.1.4", undefined],
  ["SHA-1 with ECDSA", "1.2.840.10045.4.1", undefined],
  ["Ed25519", "1.3.101.112", undefined],
];

test.each(ALGORITHMS)("%s is known for what it is", (_, id, wanted) => {
  expect(signatureAlgorithm(new DerReader(sequence(oid(id), der(TAG.null))))).toEqual(wanted);
});

test("keys that no certificate is signed with are named", () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  expect(() => signingAlgorithm(createPrivateKey(privateKey.export({ format: "pem", type: "pkcs8" })))).toThrow(
    "key of type ed25519 can't sign; RSA, P-256 and P-384 can",
  );
});
