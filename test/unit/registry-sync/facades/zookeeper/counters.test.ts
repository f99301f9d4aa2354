import { expect, test } from "vitest";
import { createCounters } from "../../../../../src/registry-sync/facades/zookeeper/counters.ts";

test("every counter starts at zero, and each facade has its own", () => {
  const counters = createCounters();
  expect(new Set(Object.values(counters))).toEqual(new Set([0]));
  counters.injected++;
  expect(createCounters().injected).toBe(0);
});
