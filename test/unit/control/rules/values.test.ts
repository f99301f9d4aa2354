import { expect, test } from "vitest";
import { parseDuration, printDuration } from "../../../../src/control/rules/values.ts";

test.each([
  ["0", 0],
  ["0s", 0],
  ["200ms", 200],
  ["1.5s", 1_500],
  [".5s", 500],
  ["1m30s", 90_000],
  ["2h", 7_200_000],
  ["1us", 0.001],
  ["8784h", 31_622_400_000],
])("%s is %d ms", (text, ms) => {
  expect(parseDuration(text)).toBeCloseTo(ms, 9);
});

test.each(["", "5", "s", "5 s", "-1s", "1s1", "1d", "1.2.3s", "5seconds", "9999999h", `${"1s".repeat(40)}`, "1e3s"])(
  "%j is no duration",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test.each([
  [0, "0s"],
  [2_000, "2s"],
  [250, "0.250s"],
  [1_500, "1.500s"],
  [0.5, "0.000500s"],
])("%d ms is printed as %s", (ms, text) => {
  expect(printDuration(ms)).toBe(text);
});
