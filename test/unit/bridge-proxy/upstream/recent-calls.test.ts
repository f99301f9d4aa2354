import { expect, test } from "vitest";
import { RecentCalls } from "../../../../src/bridge-proxy/upstream/recent-calls.ts";

test("counts what began within the time, to a tenth of it", () => {
  const recent = new RecentCalls(1_000);
  for (let nowMs = 5_000; nowMs < 6_000; nowMs += 10) recent.add(nowMs);
  expect(recent.count(5_999)).toBe(100);
  expect(recent.count(6_000)).toBe(90);
  expect(recent.count(6_499)).toBe(50);
  recent.add(6_500);
  expect(recent.count(6_999)).toBe(1);
  expect(recent.count(7_500)).toBe(0);
});

test("forgets all over a long silence, and counts on", () => {
  const recent = new RecentCalls(100);
  recent.add(3);
  expect(recent.count(1_000_000)).toBe(0);
  recent.add(1_000_001);
  expect(recent.count(1_000_050)).toBe(1);
});
