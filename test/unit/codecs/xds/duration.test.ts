import { expect, test } from "vitest";
import { durationMs, printDuration } from "../../../../src/codecs/xds/duration.ts";

test.each([
  ["0.250s", 250],
  ["1.5s", 1_500],
  ["0s", 0],
  ["3600s", 3_600_000],
])("%s is %d ms", (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test("what is printed reads back", () => {
  for (const ms of [0, 1, 25, 1_000, 90_000]) expect(durationMs(printDuration(ms))).toBe(ms);
  expect(durationMs(undefined)).toBeUndefined();
});
