import { expect, test } from "vitest";
import { compileSlowStart, slowStartShare } from "../../../../src/bridge-proxy/balance/slow-start.ts";

const aggression = (defaultValue: number) => ({ defaultValue });

test.each([
  ["nothing said", undefined, undefined],
  ["no time", { slowStartWindow: "0s" }, undefined],
  ["Envoy's defaults", { slowStartWindow: "60s" }, { windowMs: 60_000, aggression: 1, leastShare: 0.1 }],
  [
    "all said",
    { slowStartWindow: "5s", aggression: aggression(2), minWeightPercent: { value: 25 } },
    { windowMs: 5_000, aggression: 2, leastShare: 0.25 },
  ],
  [
    "out of range",
    { slowStartWindow: "5s", aggression: aggression(-1), minWeightPercent: { value: 250 } },
    { windowMs: 5_000, aggression: 1, leastShare: 1 },
  ],
])("compiled: %s", (_, config, plan) => {
  expect(compileSlowStart(config)).toEqual(plan);
});

test.each([
  ["at the start the least", 1, 0, 0.1],
  ["a quarter of the time", 1, 25, 0.25],
  ["with more aggression it grows early", 2, 25, 0.5],
  ["with less it grows late", 0.5, 50, 0.25],
  ["whole at the end", 1, 100, 1],
  ["and behind it", 1, 10_000, 1],
])("share: %s", (_, power, ageMs, share) => {
  expect(slowStartShare({ windowMs: 100, aggression: power, leastShare: 0.1 }, ageMs)).toBeCloseTo(share, 6);
});
