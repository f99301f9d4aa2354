import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import {
  doubleOf,
  flagOf,
  isRecord,
  listOf,
  parseBody,
  recordOf,
  textOf,
  utf8Of,
  wholeOf,
} from "../../../../src/codecs/nacos/body.ts";

test("text is UTF-8 or none", () => {
  expect(utf8Of(Buffer.from("café"))).toBe("café");
  expect(utf8Of(new Uint8Array(0))).toBe("");
  expect(() => utf8Of(Buffer.from("café", "latin1"))).toThrow(new ProtocolError("nacos", "nacos text is no utf-8"));
});

test.each([
  ["text", "x", "x"],
  ["a number", 1.5, "1.5"],
  ["a boolean", true, "true"],
  ["null", null, "-"],
  ["a list", ["x"], "-"],
])("as text is read: %s", (_, value, text) => {
  expect(textOf({ a: value }, "a", "-")).toBe(text);
});

test.each([
  ["a number", 1.5, 1.5],
  ["text", " 1e9 ", 1e9],
  ["what Jackson prints for NaN", "NaN", Number.NaN],
  ["infinity", "-Infinity", Number.NEGATIVE_INFINITY],
  ["text that is none", "0x10", 7],
  ["empty text", "", 7],
  ["null", null, 7],
  ["a boolean", true, 7],
])("as a double is read: %s", (_, value, number) => {
  expect(doubleOf({ a: value }, "a", 7)).toBe(number);
});

test.each([
  ["a whole number", 8080, 8080],
  ["a fraction", 8080.9, 8080],
  ["text", "8080", 8080],
  ["one over the safe integers", 1e300, 7],
  ["NaN", "NaN", 7],
])("as a whole number is read: %s", (_, value, number) => {
  expect(wholeOf({ a: value }, "a", 7)).toBe(number);
});

test.each([
  ["true", true, true],
  ["text", "False", false],
  ["a number", 1, true],
  ["other text", "yes", true],
  ["null", null, true],
])("as a boolean is read: %s", (_, value, flag) => {
  expect(flagOf({ a: value }, "a", true)).toBe(flag);
});

test("lists and objects are themselves or nothing", () => {
  expect(listOf({ a: [1] }, "a")).toEqual([1]);
  expect(listOf({ a: { length: 3 } }, "a")).toEqual([]);
  expect(recordOf({ a: { b: 1 } }, "a")).toEqual({ b: 1 });
  expect(recordOf({ a: [1] }, "a")).toBeUndefined();
  expect([isRecord({}), isRecord([]), isRecord(null), isRecord("x")]).toEqual([true, false, false, false]);
});

test("what an object inherits is none of its fields", () => {
  expect(textOf(parseBody("{}"), "toString", "-")).toBe("-");
  expect(textOf(parseBody('{"__proto__":"x"}'), "__proto__")).toBe("x");
});

test.each([
  ["no JSON", "{", "nacos message is no json"],
  ["a list", "[]", "nacos message is no json object"],
  ["null", "null", "nacos message is no json object"],
])("refused: %s", (_, text, message) => {
  expect(() => parseBody(Buffer.from(text))).toThrow(new ProtocolError("nacos", message));
});

test("an empty body is an empty object, bytes that are no UTF-8 are shown as such, and depth costs no stack", () => {
  expect(parseBody(new Uint8Array(0))).toEqual({});
  expect(parseBody(Buffer.from("7b2261223a22ff227d", "hex"))).toEqual({ a: "\ufffd" });
  expect(listOf(parseBody(`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`), "a")).toHaveLength(1);
});
