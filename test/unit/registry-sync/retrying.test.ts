import { expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { TransientError } from "../../../src/base/errors.ts";
import { retrying } from "../../../src/registry-sync/retrying.ts";
import { recordingLogger, turn } from "../../support/recording-logger.ts";

test.each([
  ["thirty seconds", {}, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500, 61_500, 91_500, 92_000, 93_000]],
  [
    "what is asked for",
    { maxPauseMs: 5_000 },
    [0, 500, 1_500, 3_500, 7_500, 12_500, 17_500, 22_500, 27_500, 28_000, 29_000],
  ],
])("pauses double up to %s and start anew after a success", async (_, options, expected) => {
  const clock = new ManualClock(0);
  const stop = new AbortController();
  const triedMs: number[] = [];
  const { logger } = recordingLogger();
  const done = retrying({ what: "x", clock, logger, signal: stop.signal, ...options }, async (succeeded) => {
    triedMs.push(clock.now());
    if (triedMs.length === 9) succeeded();
    throw new TransientError("no");
  });
  for (let step = 0; step < 400; step++) {
    await turn();
    clock.advance(500);
  }
  stop.abort();
  await done;
  expect(triedMs.slice(0, 11)).toEqual(expected);
});

test("a failure is logged once until it works again", async () => {
  const clock = new ManualClock(0);
  const { logger, lines } = recordingLogger();
  let tries = 0;
  const done = retrying(
    { what: "registry legacy", clock, logger, signal: new AbortController().signal },
    async (succeeded) => {
      tries++;
      if (tries < 4) throw new TransientError("refused");
      succeeded();
    },
  );
  for (let step = 0; step < 4; step++) {
    await turn();
    clock.advance(30_000);
  }
  await done;
  expect(lines).toEqual([
    ["warn", "registry legacy is out of reach; retrying", { reason: "refused" }],
    ["info", "registry legacy works again", {}],
  ]);
});

test("a bug is logged as one, with its stack, and tried again", async () => {
  const clock = new ManualClock(0);
  const { logger, lines } = recordingLogger();
  let tries = 0;
  const done = retrying({ what: "x", clock, logger, signal: new AbortController().signal }, async () => {
    if (tries++ === 0) throw new TypeError("bug");
  });
  await turn();
  clock.advance(500);
  await done;
  expect(tries).toBe(2);
  expect(lines[0]?.slice(0, 2)).toEqual(["error", "x failed; retrying"]);
  expect(JSON.stringify(lines[0]?.[2])).toContain("TypeError: bug");
});

test("the signal ends the loop", async () => {
  const clock = new ManualClock(0);
  const stop = new AbortController();
  const { logger } = recordingLogger();
  const done = retrying({ what: "x", clock, logger, signal: stop.signal }, async () => {
    throw new TransientError("no");
  });
  await turn();
  stop.abort();
  await done;
});
