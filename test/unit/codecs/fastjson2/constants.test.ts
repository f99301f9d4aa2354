import { expect, test } from "vitest";
import { fastjson2Error, READ_LIMITS, SKIP_LIMITS } from "../../../../src/codecs/fastjson2/constants.ts";
import { hexTag } from "../../../../src/codecs/hessian2/cursor.ts";

test("errors name the codec and the place", () => {
  const error = fastjson2Error(`unknown tag ${hexTag(5)}`, 7);
  expect([error.protocol, error.message, error.offset]).toEqual([
    "fastjson2",
    "fastjson2: unknown tag 0x05 (at byte 7)",
    7,
  ]);
});

test("walking is let go further than building", () => {
  expect(SKIP_LIMITS.maxDepth).toBeGreaterThan(READ_LIMITS.maxDepth);
  expect(SKIP_LIMITS.maxValues).toBeGreaterThan(READ_LIMITS.maxValues);
});
