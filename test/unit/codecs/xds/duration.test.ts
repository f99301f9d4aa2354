import { expect, test } from "vitest";
import { durationMs } from "../../../../src/codecs/xds/duration.ts";

test.each([
  ["0.250s", 250],
  ["1.5s", 1_500],
  ["0s", 0],
  ["3600s", 3_600_000],
])("%s is %d ms", (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test("an absent duration stays absent", () => {
  expect(durationMs(undefined)).toBeUndefined();
});
