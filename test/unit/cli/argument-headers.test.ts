import { expect, test } from "vitest";
import { argumentHeaders } from "../../../src/cli/argument-headers.ts";
import { readArguments } from "../../../src/cli/call-target.ts";

test("arguments have the names that rules ask them by", () => {
  expect(
    argumentHeaders(readArguments('[42, {"customer": {"id": 9007199254740993}, "tags": ["a", null]}, true]')),
  ).toEqual({
    "dubbo-arg-0": "42",
    "dubbo-arg-1.customer.id": "9007199254740993",
    "dubbo-arg-1.tags.0": "a",
    "dubbo-arg-2": "true",
  });
});

test("a field of any name is a name alone", () => {
  const headers = argumentHeaders(readArguments('[{"__proto__": 1}]'));
  expect(Object.keys(headers)).toEqual(["dubbo-arg-0.__proto__"]);
});

test("too many values are refused", () => {
  expect(() => argumentHeaders([Array.from({ length: 10_001 }, () => "x")])).toThrow("more than 10000 values");
});
