import { createPublicKey, verify } from "node:crypto";
import { expect, test } from "vitest";
import { DerReader, TAG, wholeBits } from "../../../../src/codecs/x509/der.ts";
import { parsePem } from "../../../../src/codecs/x509/pem.ts";
import { decodeRevocationList, encodeRevocationList, readSerial } from "../../../../src/codecs/x509/revocation.ts";
import { createTestLeaf, createTestRoot, revoke } from "../../../support/certificates.ts";

const root = createTestRoot();
const times = { number: 7, thisUpdateMs: Date.UTC(2026, 0), nextUpdateMs: Date.UTC(2026, 1) };

/** The list's fields in order, each as hex. */
function fieldsOf(list: Uint8Array): string[] {
  const reader = new DerReader(list).enter().enter();
  const fields: string[] = [];
  while (!reader.atEnd) fields.push(Buffer.from(reader.read().whole).toString("hex"));
  return fields;
}

test("a list is signed by its issuer and names what it revokes", () => {
  const list = encodeRevocationList({ ...times, serials: [Buffer.from("00ff00", "hex")] }, root);
  const parts = new DerReader(list).enter();
  const signed = parts.read(TAG.sequence).whole;
  parts.read(TAG.sequence);
  const signature = wholeBits(parts.read(TAG.bitString).contents);
  expect(verify("sha256", signed, createPublicKey(root.key), signature)).toBe(true);
  const fields = fieldsOf(list);
  expect(fields[2]).toBe(root.name.toString("hex"));
  expect(fields[5]).toContain("020300ff00");
  expect(fields[6]).toContain("0603551d14" + "0403" + "020107");
});

test("a list of nothing has no entries at all", () => {
  expect(fieldsOf(encodeRevocationList({ ...times, serials: [] }, root))).toHaveLength(6);
});

test("the list of a test reads back from PEM", () => {
  expect(parsePem("X509 CRL", revoke(root, "0a0b"))).toHaveLength(1);
});

test("a list is read: its issuer as its certificates have it, and its numbers", () => {
  const leaf = createTestLeaf(root);
  const { issuer, serial } = readSerial(parsePem("CERTIFICATE", leaf.chain)[0]!);
  expect(serial).toBe(leaf.serial);
  const serials = [Buffer.from("00ff00", "hex"), Buffer.from(leaf.serial, "hex")];
  const list = decodeRevocationList(encodeRevocationList({ ...times, serials }, root));
  expect(list).toEqual({ issuer, serials: new Set(["ff00", leaf.serial]) });
  expect(decodeRevocationList(encodeRevocationList({ ...times, serials: [] }, root)).serials.size).toBe(0);
});

test("bytes that are cut off or of another kind are refused", () => {
  const list = encodeRevocationList({ ...times, serials: [Buffer.from("0a", "hex")] }, root);
  for (const bytes of [list.subarray(0, 40), Buffer.alloc(0), Buffer.from("3000", "hex")]) {
    expect(() => decodeRevocationList(bytes)).toThrow("der");
    expect(() => readSerial(bytes)).toThrow("der");
  }
});
