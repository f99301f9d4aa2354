import { expect, test } from "vitest";
import { sharedText } from "../../../src/base/shared-text.ts";

test.each([
  "",
  "a",
  "com.acme.OrderService",
  "methods,of,an,interface".repeat(10),
  "\u676d\u5dde".repeat(20),
  "\u00e9".repeat(20),
  "\ud800 lone surrogate",
  "x".repeat(5_000),
])("a text stays what it is: %s", (text) => {
  expect(sharedText(text)).toBe(text);
  expect(sharedText(text.slice(0))).toBe(text);
});

test("of many texts the oldest are forgotten, and come out right all the same", () => {
  const wrong = Array.from({ length: 100_000 }, (_, i) => `value ${i} of a parameter`).filter(
    (text) => sharedText(text) !== text,
  );
  expect(wrong).toEqual([]);
});
