import { expect, onTestFinished, test, vi } from "vitest";
import { ManualClock, realClock, steadyClock } from "../../../src/base/clock.ts";

test("a manual clock runs timers in the order of their times, at their times", () => {
  const clock = new ManualClock(1_000);
  const seen: [string, number][] = [];
  clock.after(20, () => seen.push(["b", clock.now()]));
  clock.after(10, () => seen.push(["a", clock.now()]));
  clock.after(10, () => clock.after(5, () => seen.push(["chained", clock.now()])));
  clock.advance(19);
  expect(seen).toEqual([
    ["a", 1_010],
    ["chained", 1_015],
  ]);
  clock.advance(1);
  expect(seen.at(-1)).toEqual(["b", 1_020]);
  expect(clock.now()).toBe(1_020);
});

test("a cancelled timer does not run", () => {
  const clock = new ManualClock();
  let ran = false;
  const timer = clock.after(5, () => {
    ran = true;
  });
  timer.cancel();
  timer.cancel();
  clock.advance(10);
  expect(ran).toBe(false);
});

test("a steady clock does not step where the machine's time is set, and begins with it", () => {
  const before = steadyClock.now();
  expect(Math.abs(before - realClock.now())).toBeLessThan(60_000);
  const date = vi.spyOn(Date, "now").mockReturnValue(before + 3_600_000);
  onTestFinished(() => date.mockRestore());
  expect(realClock.now() - before).toBe(3_600_000);
  expect(steadyClock.now() - before).toBeLessThan(1_800_000);
  expect(Number.isInteger(before)).toBe(true);
});
