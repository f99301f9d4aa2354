import { expect, test } from "vitest";
import { compileLimits } from "../../../../src/bridge-proxy/upstream/limits.ts";

const NONE = Number.POSITIVE_INFINITY;

test("what a cluster does not limit has no limit", () => {
  const { maxRetries, ...limits } = compileLimits();
  expect(limits).toEqual({ maxRequests: NONE, maxPending: NONE, maxConnections: NONE, countsCalls: false });
  expect(maxRetries(0)).toBe(NONE);
});

test("limits are those of the thresholds, 0 among them", () => {
  const { maxRetries, ...limits } = compileLimits({
    maxRequests: 0,
    maxPendingRequests: 2,
    maxConnections: 3,
    maxRetries: 4,
  });
  expect(limits).toEqual({ maxRequests: 0, maxPending: 2, maxConnections: 3, countsCalls: true });
  expect([maxRetries(0), maxRetries(1_000)]).toEqual([4, 4]);
  expect(compileLimits({ maxRetries: 0 }).countsCalls).toBe(false);
});

test.each([
  ["Envoy's defaults, few calls", {}, 1, 3],
  ["Envoy's defaults, many", {}, 100, 20],
  ["a share of its own", { budgetPercent: { value: 50 } }, 100, 50],
  ["no retries at all", { budgetPercent: { value: 0 }, minRetryConcurrency: 0 }, 100, 0],
])("a budget takes the place of a fixed number: %s", (_, retryBudget, waiting, allowed) => {
  const limits = compileLimits({ maxRetries: 999, retryBudget });
  expect([limits.maxRetries(waiting), limits.countsCalls]).toEqual([allowed, true]);
});

test("the largest 32-bit number is no limit, as Istio means it", () => {
  const most = 4_294_967_295;
  const limits = compileLimits({ maxRequests: most, maxPendingRequests: most, maxConnections: most, maxRetries: most });
  expect([
    limits.maxRequests,
    limits.maxPending,
    limits.maxConnections,
    limits.maxRetries(0),
    limits.countsCalls,
  ]).toEqual([NONE, NONE, NONE, NONE, false]);
});
