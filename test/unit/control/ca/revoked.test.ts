import { expect, test } from "vitest";
import { DerReader } from "../../../../src/codecs/x509/der.ts";
import { parsePem } from "../../../../src/codecs/x509/pem.ts";
import { createRoot, readAuthority } from "../../../../src/control/ca/authority.ts";
import { MAX_REVOKED, parseRevoked, printRevocations } from "../../../../src/control/ca/revoked.ts";

test("serial numbers are read in the forms that tools print", () => {
  expect(parseRevoked("# lost laptop\nserial=0AFF\r\n\n 0a:ff \n00 # zero\n1b2c # orders\n")).toEqual([
    "aff",
    "0",
    "1b2c",
  ]);
  expect(parseRevoked("")).toEqual([]);
});

test("a line that is no serial number is named", () => {
  expect(() => parseRevoked("aa\nCN=orders")).toThrow("line 2 is no serial number in hex");
  expect(() => parseRevoked("a".repeat(41))).toThrow("line 1 is no serial number in hex");
});

test("more than the limit are refused", () => {
  const many = Array.from({ length: MAX_REVOKED + 1 }, (_, i) => i.toString(16)).join("\n");
  expect(() => parseRevoked(many)).toThrow("over 100000 serial numbers");
});

test("an authority's list has its numbers, and lists from above follow it", () => {
  const nowMs = Date.now();
  const own = readAuthority(createRoot("cluster.local", "ec", Buffer.alloc(16, 1), nowMs), nowMs);
  const above = printRevocations(own, [], nowMs);
  const both = parsePem("X509 CRL", printRevocations({ ...own, revocations: above }, ["aff", "1b2c"], nowMs));
  expect(both).toHaveLength(2);
  expect(new DerReader(both[0]!).enter().enter().read().tag).toBe(2);
  expect(both[0]!.includes(Buffer.from("02020aff", "hex"))).toBe(true);
  expect(both[0]!.includes(Buffer.from("02021b2c", "hex"))).toBe(true);
});
