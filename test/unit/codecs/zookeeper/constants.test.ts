import { expect, test } from "vitest";
import { ERRORS, errorName, OPS, opName } from "../../../../src/codecs/zookeeper/constants.ts";

test("every operation is found by its code, and no two share one", () => {
  for (const [name, code] of Object.entries(OPS)) expect(opName(code)).toBe(name);
  expect(opName(99)).toBeUndefined();
});

test("every error is found by its code, and no two share one", () => {
  for (const [name, code] of Object.entries(ERRORS)) expect(errorName(code)).toBe(name);
  expect(errorName(-999)).toBeUndefined();
});
