import { expect, test } from "vitest";
import {
  bitString,
  contextTag,
  DerReader,
  der,
  oid,
  printOid,
  sequence,
  TAG,
  TRUE,
  time,
  unsigned,
  wholeBits,
} from "../../../../src/codecs/x509/der.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (text: string) => Buffer.from(text, "hex");

const ENCODED: readonly (readonly [string, Uint8Array, string])[] = [
  ["a short length", der(TAG.octetString, Buffer.alloc(2)), "04020000"],
  ["a length of one byte more", der(TAG.octetString, Buffer.alloc(128)).subarray(0, 3), "048180"],
  ["a length of two bytes more", der(TAG.octetString, Buffer.alloc(256)).subarray(0, 4), "04820100"],
  ["an empty sequence", sequence(), "3000"],
  ["a small number", unsigned(Buffer.from([2])), "020102"],
  ["a number with zeros in front", unsigned(Buffer.from([0, 0, 5])), "020105"],
  ["a number whose first bit is set", unsigned(Buffer.from([0x80])), "02020080"],
  ["zero", unsigned(Buffer.from([0])), "020100"],
  ["bits", bitString(Buffer.from([0xaa])), "030200aa"],
  ["true", TRUE, "0101ff"],
  ["an oid of small numbers", oid("2.5.29.17"), "0603551d11"],
  ["an oid of large numbers", oid("1.2.840.113549.1.1.11"), "06092a864886f70d01010b"],
  ["a time before 2050", time(Date.UTC(2049, 11, 31, 23, 59, 59, 999)), `170d${hex(Buffer.from("491231235959Z"))}`],
  ["a time from 2050 on", time(Date.UTC(2050, 0)), `180f${hex(Buffer.from("20500101000000Z"))}`],
];

test.each(ENCODED)("%s is written in its only form", (_, encoded, wanted) => {
  expect(hex(encoded)).toBe(wanted);
});

test("a field that is numbered has that number in its tag", () => {
  expect([contextTag(0), contextTag(3), contextTag(6, false)]).toEqual([0xa0, 0xa3, 0x86]);
});

test("values are read one after the other, each with the bytes that it stands in", () => {
  const reader = new DerReader(bytes("3006020105040101" + "0500")).enter();
  expect(hex(reader.read(TAG.integer).whole)).toBe("020105");
  expect(reader.readIf(TAG.integer)).toBeUndefined();
  expect(hex(reader.read().contents)).toBe("01");
  expect(reader.atEnd).toBe(true);
  reader.end();
});

const WRONG: readonly (readonly [string, string, string])[] = [
  ["nothing", "", "der ends within a value"],
  ["a tag alone", "30", "der ends within a value"],
  ["another tag", "0500", "der tag 0x5 stands where 0x30 must"],
  ["a length without end", "3080", "der length of 0 bytes is not 1 to 3"],
  ["a length of four bytes", "308400000001", "der length of 4 bytes is not 1 to 3"],
  ["a length that is cut off", "308201", "der ends within a value"],
  ["a length of one byte that needs none", "308105", "der length is not in its shortest form"],
  ["a length of two bytes that needs one", "308200ff", "der length is not in its shortest form"],
  ["a length that lies", "3003020105".slice(0, 8), "der value of 3 bytes is longer than the 2 that are there"],
  ["a length of 16 MB", "3083ffffff00", "der value of 16777215 bytes is longer than the 1 that are there"],
];

test.each(WRONG)("%s is refused", (_, text, message) => {
  expect(() => new DerReader(bytes(text)).read(TAG.sequence)).toThrow(message);
});

test("bytes behind the last value are refused", () => {
  const reader = new DerReader(bytes("05000500"));
  reader.read();
  expect(() => reader.end()).toThrow("der has 2 bytes too many");
});

test("oids are printed as they were written, and large numbers in them refused", () => {
  for (const id of ["2.5.29.17", "1.2.840.10045.4.3.2", "0.9.2342", "2.999.1"])
    expect(printOid(new DerReader(oid(id)).read().contents)).toBe(id);
  expect(() => printOid(Buffer.alloc(0))).toThrow("der oid of 0 bytes is not 1 to 64");
  expect(() => printOid(Buffer.alloc(20, 0xff))).toThrow("der oid has a number that is too large");
});

test("bits that are no whole bytes are refused", () => {
  expect(hex(wholeBits(bytes("00aa")))).toBe("aa");
  expect(() => wholeBits(bytes("01aa"))).toThrow("der bit string is not of whole bytes");
  expect(() => wholeBits(Buffer.alloc(0))).toThrow("der bit string is not of whole bytes");
});
