import { expect, test } from "vitest";
import { TokenBucket } from "../../../../src/bridge-proxy/policies/token-bucket.ts";

/** How many of `calls` at a time are let through. */
function taken(bucket: TokenBucket, nowMs: number, calls: number, cost = 1): number {
  let count = 0;
  for (let i = 0; i < calls; i++) if (bucket.take(nowMs, cost)) count++;
  return count;
}

test("a bucket is full at first, filled at the end of each interval, and holds no more than its size", () => {
  const bucket = new TokenBucket({ maxTokens: 5, tokensPerFill: 2, fillInterval: "1s" });
  expect(taken(bucket, 100, 10)).toBe(5);
  expect(taken(bucket, 1_099, 10)).toBe(0);
  expect(taken(bucket, 1_100, 10)).toBe(2);
  expect(taken(bucket, 3_999, 10)).toBe(4);
  expect(taken(bucket, 4_099, 10)).toBe(0);
  expect(taken(bucket, 4_100, 10)).toBe(2);
  expect(taken(bucket, 1_000_000, 10)).toBe(5);
});

test("a call that stands for several takes so many, or all of a bucket that is smaller", () => {
  expect(taken(new TokenBucket({ maxTokens: 10, tokensPerFill: 1, fillInterval: "1s" }), 0, 20, 2)).toBe(5);
  expect(taken(new TokenBucket({ maxTokens: 5, tokensPerFill: 1, fillInterval: "1s" }), 0, 20, 2)).toBe(2);
  expect(taken(new TokenBucket({ maxTokens: 1, tokensPerFill: 1, fillInterval: "1s" }), 0, 20, 4)).toBe(1);
});
