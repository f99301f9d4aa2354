import { expect, test } from "vitest";
import { countdownMs } from "../../../../src/codecs/dubbo2/countdown.ts";

const saying = (said: Readonly<Record<string, number>>) => ({
  get: () => undefined,
  getIgnoreCase: () => undefined,
  countCases: () => 0 as const,
  differs: () => false,
  getNumber: (name: string) => said[name] ?? -1,
  toRecord: () => ({}),
});

test.each([
  { name: "nothing", said: {}, left: Number.POSITIVE_INFINITY },
  { name: "a time-out is none", said: { timeout: 900 }, left: Number.POSITIVE_INFINITY },
  { name: "_TO", said: { _TO: 250 }, left: 250 },
  { name: "a caller whose time is over", said: { _TO: 0 }, left: 0 },
  { name: "the lower-case form", said: { _to: 40 }, left: 40 },
])("of a countdown: $name", ({ said, left }) => {
  expect(countdownMs(saying(said))).toBe(left);
});
