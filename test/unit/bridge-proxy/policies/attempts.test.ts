import { expect, test } from "vitest";
import { Attempts } from "../../../../src/bridge-proxy/policies/attempts.ts";
import { OK, outcomeOfReason } from "../../../../src/bridge-proxy/policies/outcome.ts";
import type { RetryPlan } from "../../../../src/bridge-proxy/policies/retry.ts";

const plan: RetryPlan = {
  attempts: 2,
  perTryTimeoutMs: 0,
  retriable: (outcome) => outcome !== OK,
  backOffMs: (attempt, random) => attempt * 100 * random,
  avoidsTried: true,
  avoidsPriorities: false,
};
const reset = outcomeOfReason("reset");
const open = { nowMs: 1_000, routeDeadlineMs: Number.POSITIVE_INFINITY };
const half = () => 0.5;
const [a, b] = [{}, {}];

test("a rule's retries are counted, wait longer each time, and avoid who was tried", () => {
  const attempts = new Attempts();
  expect(attempts.isFirst).toBe(true);
  attempts.begin(a);
  expect(attempts.again(plan, reset, open, half)).toBe(50);
  expect([attempts.isFirst, attempts.tried]).toEqual([true, [a]]);
  attempts.begin(b);
  expect(attempts.isFirst).toBe(false);
  expect(attempts.triedAndLast).toEqual([a, b]);
  expect(attempts.again(plan, reset, open, half)).toBe(100);
  attempts.begin(a);
  expect(attempts.again(plan, reset, open, half)).toBeUndefined();
  attempts.forgive();
  expect(attempts.tried).toEqual([]);
});

test("nothing is tried again without a rule, after a good answer, or past the rule's time", () => {
  const attempts = new Attempts();
  attempts.begin(a);
  expect(attempts.again(undefined, reset, open, half)).toBeUndefined();
  expect(attempts.again(plan, OK, open, half)).toBeUndefined();
  expect(attempts.again(plan, reset, { nowMs: 1_000, routeDeadlineMs: 1_000 }, half)).toBeUndefined();
  expect(attempts.again(plan, reset, { nowMs: 1_000, routeDeadlineMs: 1_010 }, half)).toBe(10);
});

test("a provider that could not be reached is avoided once", () => {
  const attempts = new Attempts();
  attempts.avoidLast();
  attempts.begin(a);
  attempts.avoidLast();
  attempts.avoidLast();
  expect(attempts.tried).toEqual([a]);
});

test("without a word of the rule a provider that was tried may be again", () => {
  const attempts = new Attempts();
  attempts.begin(a);
  attempts.again({ ...plan, avoidsTried: false }, reset, open, half);
  expect(attempts.tried).toEqual([]);
  attempts.again({ ...plan, avoidsTried: false, avoidsPriorities: true }, reset, open, half);
  expect(attempts.tried).toEqual([a]);
});
