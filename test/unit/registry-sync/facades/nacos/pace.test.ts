import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { paced, TOGETHER_MS } from "../../../../../src/registry-sync/facades/nacos/pace.ts";

/** Calls at each of 1,000 ms; gives how often it ran where each run takes `tookMs`. */
function runsIn(tookMs: number, durationMs: number): number {
  const clock = new ManualClock();
  let runs = 0;
  let workedMs = 0;
  const run = paced({ after: (ms, then) => clock.after(ms, then), now: () => clock.now() + workedMs }, () => {
    runs++;
    workedMs += tookMs;
  });
  for (let past = 0; past < durationMs; past++) {
    run();
    clock.advance(1);
  }
  return runs;
}

test.each([
  ["nothing", 0, 1_000 / TOGETHER_MS - 1, 1_000 / TOGETHER_MS],
  ["a little", 5, 1_000 / TOGETHER_MS - 1, 1_000 / TOGETHER_MS],
  ["much: a tenth of the time", 50, 2, 3],
  ["very much", 10_000, 1, 1],
])("changes are taken up together, the less often the more work they are: %s", (_, tookMs, least, most) => {
  const runs = runsIn(tookMs, 1_000);
  expect(runs).toBeGreaterThanOrEqual(least);
  expect(runs).toBeLessThanOrEqual(most);
});

test("what takes very long is taken up again within 2 s", () => {
  expect(runsIn(10_000, 2_100)).toBe(2);
});

test("one that fails does not keep the next from running", () => {
  const clock = new ManualClock();
  let runs = 0;
  const run = paced(clock, () => {
    runs++;
    throw new Error("no");
  });
  for (let turn = 0; turn < 2; turn++) {
    run();
    expect(() => clock.advance(TOGETHER_MS)).toThrow("no");
  }
  expect(runs).toBe(2);
});
