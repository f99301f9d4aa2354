import { expect, test } from "vitest";
import { createCounters } from "../../../../../src/registry-sync/facades/eureka/counters.ts";

test("everything is counted from zero", () => {
  const counters = createCounters();
  expect(Object.values(counters).every((count) => count === 0)).toBe(true);
  expect(Object.keys(counters)).toContain("sessions");
});
