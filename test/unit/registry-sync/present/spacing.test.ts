import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { finding } from "../../../../src/registry-sync/findings.ts";
import { SPACING_MS, Spacing, STAY_MS } from "../../../../src/registry-sync/present/spacing.ts";

function make() {
  const clock = new ManualClock();
  return { clock, spacing: new Spacing(clock), pass: (ms: number) => clock.advance(ms) };
}

describe("a service that routers have left", () => {
  const ruled = [finding("TR0130", "under a route:// router", "a")];

  test("passes until consumers have taken up that the router is gone", () => {
    const { clock, spacing, pass } = make();
    expect([...spacing.unruled(ruled)]).toEqual([["a", "under a route:// router"]]);
    expect(spacing.nextMs).toBeUndefined();
    expect(spacing.unruled([]).has("a")).toBe(true);
    expect(spacing.nextMs).toBe(clock.now() + SPACING_MS);
    pass(SPACING_MS - 1);
    expect(spacing.unruled([]).has("a")).toBe(true);
    pass(1);
    expect(spacing.unruled([]).has("a")).toBe(false);
    expect(spacing.nextMs).toBeUndefined();
  });

  test("counts anew when another router comes in between", () => {
    const { spacing, pass } = make();
    spacing.unruled(ruled);
    spacing.unruled([]);
    pass(SPACING_MS - 1);
    spacing.unruled(ruled);
    spacing.unruled([]);
    pass(SPACING_MS - 1);
    expect(spacing.unruled([]).has("a")).toBe(true);
  });

  test("other reasons to pass end at once", () => {
    const { spacing } = make();
    expect(spacing.unruled([finding("TR0121", "application level only", "b")]).has("b")).toBe(true);
    expect(spacing.unruled([]).has("b")).toBe(false);
  });
});

describe("a service that is no longer led", () => {
  test("counts as led for a while, and no longer", () => {
    const { clock, spacing, pass } = make();
    spacing.note(new Set(["a", "b"]));
    expect(spacing.wasLed()("a")).toBe(true);
    spacing.note(new Set(["b"]));
    expect(spacing.nextMs).toBe(clock.now() + SPACING_MS);
    pass(SPACING_MS - 1);
    const before = spacing.wasLed();
    pass(1);
    const later = spacing.wasLed();
    expect([before("a"), later("a"), later("b"), later("c")]).toEqual([true, false, true, false]);
    spacing.note(new Set(["b"]));
    expect(spacing.nextMs).toBeUndefined();
  });

  test("is told of again when time was up between the question and the note", () => {
    const { clock, spacing, pass } = make();
    spacing.note(new Set(["a"]));
    spacing.note(new Set());
    pass(SPACING_MS - 1);
    expect(spacing.wasLed()("a")).toBe(true);
    pass(1);
    spacing.note(new Set());
    expect(spacing.nextMs).toBe(clock.now());
    expect(spacing.wasLed()("a")).toBe(false);
  });
});

describe("an application with news", () => {
  test("stays at the proxies for a while, if it was there", () => {
    const { clock, spacing, pass } = make();
    const { applications } = spacing;
    expect(applications.stays("shop")).toBe(false);
    applications.note("shop", true, true);
    expect([spacing.nextMs, applications.stays("shop"), spacing.nextMs]).toEqual([
      ...[undefined, true, clock.now() + STAY_MS],
    ]);
    applications.note("shop", true, false);
    pass(STAY_MS - 1);
    expect(applications.stays("shop")).toBe(true);
    pass(1);
    expect([applications.stays("shop"), spacing.nextMs]).toEqual([false, undefined]);
  });

  test("has as long again once it was shown whole, and no time at all once it was shown as it is", () => {
    const { spacing, pass } = make();
    const { applications } = spacing;
    applications.note("shop", true, true);
    applications.stays("shop");
    pass(STAY_MS);
    applications.note("shop", true, true);
    expect(applications.stays("shop")).toBe(true);
    applications.note("shop", false, false);
    expect(applications.stays("shop")).toBe(false);
  });
});
