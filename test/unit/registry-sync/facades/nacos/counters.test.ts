import { expect, test } from "vitest";
import { createNacosCounters } from "../../../../../src/registry-sync/facades/nacos/counters.ts";

test("all counters begin at zero, each facade with its own", () => {
  const counters = createNacosCounters();
  expect(new Set(Object.values(counters))).toEqual(new Set([0]));
  counters.calls++;
  expect(createNacosCounters().calls).toBe(0);
});
