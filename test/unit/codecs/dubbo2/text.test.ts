import { expect, test } from "vitest";
import {
  decodeText,
  equalsAscii,
  equalsAsciiIgnoreCase,
  intSize,
  printScalar,
  smallDecimal,
} from "../../../../src/codecs/dubbo2/text.ts";
import { bytesOf } from "../../../support/dubbo2-bodies.ts";

test.each([
  ["ASCII", '"path"', "path"],
  ["two and three bytes a unit", "c3a9 e4b8ad", "é中"],
  ["surrogates apart", "eda0bd edba80", "🚀"],
  ["a lone surrogate", "eda0bd", "\ud83d"],
  ["nothing", "", ""],
])("reads string bytes: %s", (_name, hex, text) => {
  const bytes = bytesOf(hex);
  expect(decodeText(bytes, 0, bytes.length)).toBe(text);
  expect(equalsAscii(bytes, 0, bytes.length, text)).toBe(true);
  expect(equalsAscii(bytes, 0, bytes.length, `${text}x`)).toBe(false);
  expect(equalsAsciiIgnoreCase(bytes, 0, bytes.length, text.toUpperCase())).toBe(true);
});

test("a place under 0 is no text, not even an empty one", () => {
  expect(equalsAscii(Buffer.alloc(2), -1, -1, "")).toBe(false);
  expect(equalsAsciiIgnoreCase(Buffer.alloc(2), -1, -1, "")).toBe(false);
});

test("only ASCII letters have cases: @ is not `, [ is not {", () => {
  expect(equalsAsciiIgnoreCase(Buffer.from("@["), 0, 2, "`{")).toBe(false);
  expect(equalsAsciiIgnoreCase(Buffer.from("aZ"), 0, 2, "Az")).toBe(true);
});

test("ints tell their size", () => {
  expect([0x80, 0xbf, 0xc0, 0xcf, 0xd0, 0xd7, 0x49, 0xd8, 0x05, 0x4e].map(intSize)).toEqual([
    1, 1, 2, 2, 3, 3, 5, 0, 0, 0,
  ]);
});

test("a number is read only where it is one from 0 to 2^31-1", () => {
  const read = (text: string) => smallDecimal(bytesOf(text), 0, bytesOf(text).length);
  expect(['0a"2147483647"', '0a"2147483648"', '02"-1"', '01"0"', "90", "e0", "8f", "4e"].map(read)).toEqual([
    2147483647, -1, -1, 0, 0, 0, -1, -1,
  ]);
});

test("containers have no text", () => {
  for (const hex of ["78", "485a", "43", "60", "5190"]) expect(printScalar(bytesOf(hex), 0, 1)).toBeUndefined();
});
