import { expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { pause } from "../../../src/base/pause.ts";
import { turn } from "../../support/recording-logger.ts";

test("a pause lasts as long as the clock says", async () => {
  const clock = new ManualClock();
  let isOver = false;
  const paused = pause(clock, 1_000, new AbortController().signal).then(() => {
    isOver = true;
  });
  clock.advance(999);
  await turn();
  expect(isOver).toBe(false);
  clock.advance(1);
  await paused;
});

test("the signal ends it, whenever it comes", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const paused = pause(clock, 1_000, stop.signal);
  stop.abort();
  await paused;
  await pause(clock, 1_000, stop.signal);
});
