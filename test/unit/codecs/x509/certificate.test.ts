import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { decodeCertificate, MAX_CERTIFICATE_BYTES, printSerial } from "../../../../src/codecs/x509/certificate.ts";
import { keyIdOf } from "../../../../src/codecs/x509/names.ts";
import { parsePem } from "../../../../src/codecs/x509/pem.ts";
import {
  createExpiredLeaf,
  createTestIntermediate,
  createTestLeaf,
  createTestRoot,
} from "../../../support/certificates.ts";

const read = (name: string) => parsePem("CERTIFICATE", readFileSync(`fixtures/wire/x509/${name}.pem`, "utf8"))[0]!;

test("what OpenSSL made is read", () => {
  const leaf = decodeCertificate(read("leaf"));
  expect(leaf).toMatchObject({
    serial: "ff00",
    notBeforeMs: Date.UTC(2026, 10, 22, 9, 23, 43),
    notAfterMs: Date.UTC(2026, 10, 23, 9, 23, 43),
    isAuthority: false,
  });
  expect(leaf.altNames.uris).toEqual(["spiffe://cluster.local/ns/shop/sa/orders"]);
  expect(leaf.altNames.dns).toEqual(["orders.shop"]);
  expect(leaf.altNames.ips.map((ip) => [...ip])).toEqual([[10, 1, 2, 3]]);
  const root = decodeCertificate(read("root"));
  expect(root.isAuthority).toBe(true);
  expect(root.serial).toBe("102030405060708090a");
  expect(Buffer.from(leaf.issuer)).toEqual(Buffer.from(root.subject));
});

test("a key's id is the one that OpenSSL gave it", () => {
  const root = read("root");
  const spki = new X509Certificate(root).publicKey.export({ format: "der", type: "spki" });
  expect(keyIdOf(spki)).toEqual(Buffer.from(decodeCertificate(root).keyId));
});

test("a chain that is made here holds for another reader, by either kind of key", () => {
  for (const keyType of ["ec", "rsa"] as const) {
    const root = createTestRoot("Root", keyType);
    const between = createTestIntermediate(root);
    const { chain, serial } = createTestLeaf(between, { keyType, dns: ["orders.shop"], ips: ["10.1.2.3"] });
    const [leaf, above] = parsePem("CERTIFICATE", chain).map((bytes) => new X509Certificate(bytes));
    const top = new X509Certificate(root.pem);
    expect(leaf!.verify(above!.publicKey) && above!.verify(top.publicKey) && top.verify(top.publicKey)).toBe(true);
    expect(leaf!.checkIssued(above!) && above!.checkIssued(top)).toBe(true);
    expect([top.ca, above!.ca, leaf!.ca]).toEqual([true, true, false]);
    expect(leaf!.subjectAltName).toBe(
      "URI:spiffe://cluster.local/ns/default/sa/default, DNS:orders.shop, IP Address:10.1.2.3",
    );
    expect(leaf!.serialNumber.toLowerCase()).toBe(serial);
    expect(leaf!.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  }
});

test("what is made here is read as it was meant", () => {
  const root = createTestRoot();
  const leaf = decodeCertificate(parsePem("CERTIFICATE", createExpiredLeaf(root, { uri: "" }).chain)[0]!);
  expect(leaf.altNames.uris).toEqual([]);
  expect(leaf.notAfterMs).toBeLessThan(Date.now());
  expect(Buffer.from(leaf.issuer)).toEqual(root.name);
});

test("every truncation is refused, and every changed byte gives a certificate or a refusal", () => {
  const whole = read("leaf");
  for (let length = 0; length < whole.length; length++)
    expect(() => decodeCertificate(whole.subarray(0, length))).toThrow(ProtocolError);
  for (let at = 0; at < whole.length; at++) {
    const changed = Buffer.from(whole);
    changed[at]! ^= 0xff;
    try {
      decodeCertificate(changed);
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
    }
  }
});

test("bytes behind a certificate, and very many bytes, are refused", () => {
  expect(() => decodeCertificate(Buffer.concat([read("leaf"), Buffer.alloc(1)]))).toThrow("der has 1 bytes too many");
  expect(() => decodeCertificate(Buffer.alloc(MAX_CERTIFICATE_BYTES + 1))).toThrow(
    "certificate of 65537 bytes is over 65536",
  );
});

test("serial numbers are printed without zeros in front", () => {
  expect([printSerial(Buffer.from("00ff00", "hex")), printSerial(Buffer.from([0]))]).toEqual(["ff00", "0"]);
  expect(() => printSerial(createHash("sha512").digest())).toThrow("certificate has a serial number of 64 bytes");
});
