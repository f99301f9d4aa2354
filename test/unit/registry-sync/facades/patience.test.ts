import { expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { PATIENCE_MS, Patience } from "../../../../src/registry-sync/facades/patience.ts";

const one = new Set(["com.acme.Order"]);

test("nothing is waited for when nothing is to come", () => {
  expect(new Patience(new ManualClock()).waitsFor(new Set())).toBe(false);
});

test("a service is waited for once, and again a minute later", () => {
  const clock = new ManualClock();
  const patience = new Patience(clock);
  expect(patience.waitsFor(one)).toBe(true);
  clock.advance(PATIENCE_MS - 1);
  expect(patience.waitsFor(one)).toBe(true);
  clock.advance(1);
  expect(patience.waitsFor(one)).toBe(false);
  clock.advance(50_000);
  expect(patience.waitsFor(one)).toBe(false);
  clock.advance(10_000);
  expect(patience.waitsFor(one)).toBe(true);
});

test("each has its own time, and one that is new is enough to wait", () => {
  const clock = new ManualClock();
  const patience = new Patience(clock);
  patience.waitsFor(one);
  clock.advance(PATIENCE_MS);
  expect(patience.waitsFor(new Set(["com.acme.Order", "com.acme.Pay"]))).toBe(true);
});

test("a service that was told of meanwhile is waited for anew when it is news again", () => {
  const clock = new ManualClock();
  const patience = new Patience(clock);
  patience.waitsFor(one);
  clock.advance(PATIENCE_MS);
  patience.forget((service) => service === "com.acme.Pay");
  expect(patience.waitsFor(one)).toBe(false);
  patience.forget((service) => one.has(service));
  expect(patience.waitsFor(one)).toBe(true);
  clock.advance(PATIENCE_MS);
  patience.forget(() => true);
  expect(patience.waitsFor(one)).toBe(true);
});

test("no more than ten thousand are remembered", () => {
  const clock = new ManualClock();
  const patience = new Patience(clock);
  patience.waitsFor(one);
  clock.advance(PATIENCE_MS);
  for (let index = 0; index < 10_000; index++) patience.waitsFor(new Set([`service${index}`]));
  expect(patience.waitsFor(one)).toBe(true);
});
