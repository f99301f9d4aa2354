import { expect, test } from "vitest";
import { DEFAULT_RATE_LIMITS, RateLimiter } from "../../../../src/control/ca/rate-limit.ts";

const limits = { burst: 2, refillMs: 100, allPerSecond: 3, maxCallers: 2 };
const takes = (limiter: RateLimiter, caller: string, nowMs: number, count: number) =>
  Array.from({ length: count }, () => limiter.take(caller, nowMs));

test("a caller has its burst, then one call each time that a part of it comes back", () => {
  const limiter = new RateLimiter(limits);
  expect(takes(limiter, "a", 0, 3)).toEqual([true, true, false]);
  expect(takes(limiter, "a", 99, 1)).toEqual([false]);
  expect(takes(limiter, "a", 250, 3)).toEqual([true, true, false]);
  expect(takes(limiter, "b", 250, 1)).toEqual([true]);
});

test("all callers together have their own limit", () => {
  const limiter = new RateLimiter(limits);
  expect([1, 2, 3, 4].map(() => limiter.takeOfAll(1_000))).toEqual([true, true, true, false]);
  expect(limiter.takeOfAll(1_400)).toBe(true);
});

test("a clock that goes back gives nothing", () => {
  const limiter = new RateLimiter(limits);
  takes(limiter, "a", 1_000, 2);
  expect(takes(limiter, "a", 0, 1)).toEqual([false]);
});

test("the caller that was quiet for longest is forgotten", () => {
  const limiter = new RateLimiter(limits);
  takes(limiter, "a", 0, 2);
  takes(limiter, "b", 0, 2);
  takes(limiter, "a", 0, 1);
  takes(limiter, "c", 0, 1);
  expect([takes(limiter, "a", 0, 1), takes(limiter, "b", 0, 1)]).toEqual([[false], [true]]);
});

test("a client that asks every 30 s for ever is never refused", () => {
  const limiter = new RateLimiter(DEFAULT_RATE_LIMITS);
  for (let i = 0; i < 1_000; i++) expect(limiter.take("a", i * 30_000)).toBe(true);
});
