import { expect, test } from "vitest";
import { Fastjson2Skipper } from "../../../../src/codecs/fastjson2/skip.ts";
import { fastjson2Vectors } from "../../../support/fastjson2-vectors.ts";

test("walks every recorded value to its end", () => {
  const skipper = new Fastjson2Skipper();
  for (const { name, hex } of fastjson2Vectors()) {
    skipper.reset(Buffer.from(hex, "hex")).skipValue();
    expect(skipper.done, name).toBe(true);
  }
});

test.each([
  ["a lying array", "a448 7fffffff", "array of length 2147483647 is cut off"],
  ["a lying small array", "a3 00", "array of length 15 is cut off"],
  ["a type of a type", "92 4a61 00 92 00 01", "type of a type"],
  ["an end alone", "a5", "end of an object outside one"],
  ["an end in a value's place", "a6 4a61 a5", "end of an object outside one"],
  ["an unknown tag", "8f", "unknown tag 0x8f"],
])("refuses %s", (_name, hex, message) => {
  const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
  expect(() => new Fastjson2Skipper().reset(bytes).skipValue()).toThrow(message);
});

test("is bounded in depth and in values", () => {
  const deep = Buffer.alloc(100_000, 0x95);
  expect(() => new Fastjson2Skipper().reset(deep).skipValue()).toThrow("maxDepth 1024");
  const wide = Buffer.from("9601029401", "hex");
  expect(() => new Fastjson2Skipper({ maxValues: 2 }).reset(wide).skipValue()).toThrow("maxValues 2");
});
