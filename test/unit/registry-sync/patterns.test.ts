import { expect, test } from "vitest";
import { anyOf } from "../../../src/registry-sync/patterns.ts";

test.each<[string[], string, boolean]>([
  [[], "a", false],
  [["*"], "", true],
  [["com.acme.A"], "com.acme.A", true],
  [["com.acme.A"], "com.acme.a", false],
  [["com.acme.*"], "com.acme.A", true],
  [["com.acme.*"], "com.acme", false],
  [["*Service"], "OrderService", true],
  [["a*b*c"], "a1b2c", true],
  [["a*b*c"], "a1c", false],
  [["ab*ba"], "aba", false],
  [["x", "y*"], "yes", true],
])("%j names %j: %s", (patterns, name, expected) => {
  expect(anyOf(patterns)(name)).toBe(expected);
});
