import { expect, test } from "vitest";
import {
  dateValue,
  doubleValue,
  fieldOf,
  floatValue,
  isContainer,
  isObject,
  listValue,
  mapGet,
  mapValue,
  objectValue,
  shortestFloat,
  type Value,
} from "../../../src/codecs/value.ts";

test("a map's key that repeats has its last value, as in Java", () => {
  const map = mapValue([
    ["a", 1],
    [1, 2],
    ["a", null],
  ]);
  expect(mapGet(map, "a")).toBeNull();
  expect(mapGet(map, "1")).toBeUndefined();
  expect(mapGet(map, "__proto__")).toBeUndefined();
});

test("a field whose name repeats has its last value", () => {
  const object = objectValue("A", [
    ["x", 1],
    ["y", 2],
    ["x", 3],
  ]);
  expect(fieldOf(object, "x")).toBe(3);
  expect(fieldOf(object, "z")).toBeUndefined();
});

test.each<readonly [name: string, value: Value, container: boolean]>([
  ["null", null, false],
  ["a string", "a", false],
  ["bytes", new Uint8Array(1), false],
  ["a double", doubleValue(1), false],
  ["a date", dateValue(1), false],
  ["a list", listValue([]), true],
  ["a map", mapValue([]), true],
  ["an object", objectValue("A", []), true],
])("whether %s has identity is known", (_name, value, container) => {
  expect(isContainer(value)).toBe(container);
});

test("an object is told by its class", () => {
  expect(isObject(objectValue("A", []))).toBe(true);
  expect(isObject(objectValue("A", []), "A")).toBe(true);
  expect(isObject(objectValue("A", []), "B")).toBe(false);
  expect(isObject(mapValue([], "A"), "A")).toBe(false);
});

test.each([
  [1.1, 1.1],
  [3.14, 3.14],
  [0.1, 0.1],
  [16777216, 16777216],
  [3.4028234663852886e38, 3.4028235e38],
  [1.401298464324817e-45, 1.4013e-45],
  [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
])("the float nearest to %d is %d at its shortest", (value, short) => {
  const { value: float } = floatValue(value);
  expect(shortestFloat(float)).toBe(short);
  expect(Math.fround(short)).toBe(float);
});
