import { expect, test } from "vitest";
import { encodeHessian2 } from "../../../../src/codecs/hessian2/writer.ts";
import { usesTables } from "../../../../src/codecs/triple/tables.ts";
import { dateValue, doubleValue, listValue, mapValue, objectValue, type Value } from "../../../../src/codecs/value.ts";

const rows: readonly (readonly [name: string, value: Value, uses: boolean])[] = [
  ["null", null, false],
  ["a boolean", true, false],
  ["an int", 300, false],
  ["a long", 1n << 40n, false],
  ["a double", doubleValue(0.1), false],
  ["a date", dateValue(1), false],
  ["a text", "x", false],
  ["a long text", "x".repeat(40_000), false],
  ["bytes", Buffer.from("x"), false],
  ["a list", listValue([1]), true],
  ["a typed list", listValue([1], "[int"), true],
  ["a long list", listValue(new Array(20).fill(1)), true],
  ["a map", mapValue([["a", 1]]), true],
  ["a typed map", mapValue([["a", 1]], "java.util.TreeMap"), true],
  ["an object", objectValue("a.B", [["c", 1]]), true],
];

test.each(rows)("%s is told by its tag", (_name, value, uses) => {
  expect(usesTables(encodeHessian2(value)[0]!)).toBe(uses);
});

test("a reference needs what stands before it", () => {
  expect(usesTables(0x51)).toBe(true);
});
