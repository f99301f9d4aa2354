import { expect, test } from "vitest";
import { decodeFastjson2 } from "../../../../src/codecs/fastjson2/reader.ts";
import { encodeFastjson2 } from "../../../../src/codecs/fastjson2/writer.ts";
import { enumValue } from "../../../../src/codecs/hessian2/java.ts";
import { exceptionValue } from "../../../../src/codecs/hessian2/throwable.ts";
import {
  dateValue,
  doubleValue,
  floatValue,
  listValue,
  mapValue,
  objectValue,
  type Value,
} from "../../../../src/codecs/value.ts";
import { fastjson2Vectors } from "../../../support/fastjson2-vectors.ts";

test.each<[string, Value, string]>([
  ["null", null, "af"],
  ["true", true, "b1"],
  ["an int", 47, "2f"],
  ["a long", 16n, "d010"],
  ["a string", "bob", "4c626f62"],
  ["a string with a lone surrogate", "\ud800", "7c0200d8"],
  ["bytes", Uint8Array.of(1, 2), "91020102"],
  ["a double", doubleValue(0.1), "b53fb999999999999a"],
  ["a float", floatValue(1.1), "b73f8ccccd"],
  ["a date", dateValue(5), "ab0000000000000005"],
  ["an array of ints", listValue([1], "[int"), "924b5b49009501"],
  ["a list", listValue([1, 2]), "960102"],
  ["a map", mapValue([["a", 1]]), "a64a6101a5"],
  ["an enum", enumValue("a.B", "RED"), "924c612e42004c524544"],
  [
    "an exception",
    exceptionValue("boom"),
    "925952756e74696d65457863657074696f6e00a67f5664657461696c4d657373616765014d626f6f6da5",
  ],
])("writes %s", (_name, value, hex) => {
  expect(encodeFastjson2(value).toString("hex")).toBe(hex);
});

test("writes most recorded values byte for byte as fastjson2 does", () => {
  const same = fastjson2Vectors().filter(({ hex }) => {
    return encodeFastjson2(decodeFastjson2(Buffer.from(hex, "hex"))).toString("hex") === hex;
  });
  expect(same.length).toBeGreaterThan(150);
});

test("writes an object met again as a reference, by the path to its first place", () => {
  const shared = listValue(["x"]);
  const root = objectValue("a.B", [
    ["one.x", listValue([shared])],
    ["two", shared],
  ]);
  const back = decodeFastjson2(encodeFastjson2(root)) as typeof root;
  expect(back.values[1]).toBe((back.values[0] as typeof shared).items[0]);
  expect(encodeFastjson2(root).includes("$.one\\.x[0]")).toBe(true);
});

test("an exception that is its own cause is written without one", () => {
  const error = objectValue("java.lang.Exception", [["cause", null]]);
  error.values[0] = error;
  expect(encodeFastjson2(error).toString("hex")).toBe("9252457863657074696f6e00a6a5");
});

test("is bounded in depth and bytes, and refuses what Java has no form for", () => {
  expect(() => encodeFastjson2(listValue([listValue([])]), { maxDepth: 1 })).toThrow("maxDepth 1");
  expect(() => encodeFastjson2("abc", { maxBytes: 3 })).toThrow("value is over maxBytes 3");
  expect(() => encodeFastjson2(2 ** 31)).toThrow(RangeError);
  expect(() => encodeFastjson2(1n << 63n)).toThrow(RangeError);
});
