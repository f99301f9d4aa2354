import { expect, test } from "vitest";
import {
  decodeMessage,
  encodeMessage,
  fromBinaryField,
  fromField,
  isFieldName,
  MAX_MESSAGE_CHARS,
  toBinaryField,
  toField,
} from "../../../../src/codecs/triple/text.ts";

test.each([
  ["ASCII", "abc", "abc"],
  ["latin1, which Java reads", "é", "\u00e9"],
  ["UTF-8 where latin1 has no such character", "é中", "\u00c3\u00a9\u00e4\u00b8\u00ad"],
  ["spaces at the ends, which are lost", " a b\t", "a b"],
])("text goes to a field and back: %s", (_name, text, field) => {
  expect(toField("x", text)).toBe(field);
  expect(fromField(field)).toBe(text.trim());
});

test("a field that is not UTF-8 is latin1", () => {
  expect(fromField("caf\u00e9")).toBe("café");
});

test.each(["a\r\nx: y", "a\nb", "a\0b", "a\u007f"])("refuses control characters in %j", (text) => {
  expect(() => toField("user", text)).toThrow('value of header "user" has control character 0x');
});

test.each([
  ["user-id", true],
  ["a.b_c~", true],
  ["User", false],
  ["", false],
  [":path", false],
  ["a b", false],
  ["a\r\nb", false],
])("%j is a field's name or not", (name, is) => {
  expect(isFieldName(name)).toBe(is);
});

test("binary fields have no padding, and are read with it too", () => {
  expect(toBinaryField(Buffer.from("ff"))).toBe("ZmY");
  expect(fromBinaryField("ZmY")?.toString()).toBe("ff");
  expect(fromBinaryField("ZmY=")?.toString()).toBe("ff");
  expect([fromBinaryField("a"), fromBinaryField("Zm Y")]).toEqual([undefined, undefined]);
});

test.each([
  ["100% full + more", "100%25%20full%20%2B%20more"],
  ["é\r\n", "%C3%A9%0D%0A"],
])("a message is encoded and decoded: %j", (text, field) => {
  expect(encodeMessage(text)).toBe(field);
  expect(decodeMessage(field)).toBe(text);
});

test.each([
  ["100% full", "100% full"],
  ["%zz%4", "%zz%4"],
  ["a+b", "a+b"],
  ["\u00c3\u00a9%20x", "é x"],
])("a raw message is decoded leniently: %j", (field, text) => {
  expect(decodeMessage(field)).toBe(text);
});

test("a long message is cut, never within a character", () => {
  expect(encodeMessage("a".repeat(5000)).length).toBe(MAX_MESSAGE_CHARS);
  expect(decodeMessage(encodeMessage(`${"a".repeat(MAX_MESSAGE_CHARS - 1)}😀`))).toBe(
    "a".repeat(MAX_MESSAGE_CHARS - 1),
  );
});

test("a million blanks inside a text cost no more than a million others", () => {
  const text = `a${" ".repeat(1_000_000)}b`;
  expect(toField("x", ` ${text} `)).toBe(text);
});
