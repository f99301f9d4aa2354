import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { encodeFields, FieldCursor } from "../../../../src/codecs/triple/protobuf.ts";
import { seeded } from "../../../support/mutate.ts";

function walk(hex: string): string[] {
  const cursor = new FieldCursor(Buffer.from(hex, "hex"));
  const seen: string[] = [];
  while (cursor.next()) seen.push(`${cursor.field}:${cursor.wire}:${cursor.content().toString("hex")}`);
  return seen;
}

test("every wire type is walked over", () => {
  expect(walk("08960112026869190102030405060708250102030415ffffffffa20600")).toEqual([
    "1:0:9601",
    "2:2:6869",
    "3:1:0102030405060708",
    "4:5:01020304",
    "2:5:ffffffff",
    "100:2:",
  ]);
});

test.each([
  ["a field that is cut off", "0a05aa", "protobuf message: field 1 of 5 bytes where 1 are left"],
  ["a fixed field that is cut off", "0d0102", "protobuf message: field 1 is cut off"],
  ["a length that lies", "0affffffff0f", "protobuf message: field 1 of 4294967295 bytes where 0 are left"],
  ["a length over 2^53", "0affffffffffffffffff01", "protobuf message: field 1 of "],
  ["a number without an end", "08ff", "protobuf message: a number is cut off"],
  ["a number of 11 bytes", "08ffffffffffffffffffff01", "protobuf message: a number of more than 10 bytes"],
  ["a group", "0b0c", "protobuf message: field 1 of wire type 3"],
  ["field 0", "0200", "protobuf message: field number 0"],
])("refuses %s", (_name, hex, text) => {
  expect(() => walk(hex)).toThrow(text);
});

test("text that is not UTF-8 is refused", () => {
  const cursor = new FieldCursor(Buffer.from("0a02c328", "hex"));
  cursor.next();
  expect(() => cursor.text()).toThrow("protobuf message: field 1 is not UTF-8");
});

test.each([
  ["3", "0803", 3],
  ["300", "08ac02", 300],
  ["-1, in ten bytes", "08ffffffffffffffffff01", -1],
])("reads int32 %s", (_name, hex, value) => {
  const cursor = new FieldCursor(Buffer.from(hex, "hex"));
  cursor.next();
  expect(cursor.int32()).toBe(value);
});

test("fields are written with lengths of one byte and of more", () => {
  expect(
    encodeFields([
      [1, "hé"],
      [2, Buffer.from("00ff", "hex")],
    ]).toString("hex"),
  ).toBe("0a0368c3a9120200ff");
  const long = encodeFields([[3, Buffer.alloc(300)]]);
  expect([long.length, long.toString("hex", 0, 3)]).toEqual([303, "1aac02"]);
});

test("random bytes are walked or refused with ProtocolError", () => {
  const below = seeded(3);
  for (let i = 0; i < 5000; i++) {
    const bytes = Buffer.from(Array.from({ length: below(40) }, () => below(256)));
    try {
      walk(bytes.toString("hex"));
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
    }
  }
});
