import type { Clock } from "../../../base/clock.ts";

/** Contexts that follow each other closely are taken up together: each is worked out for every client. */
export const TOGETHER_MS = 50;
/** However many clients there are, their lists are looked at anew for one part of this many of the time. */
const SHARE = 10;
/** What takes very long is still taken up this often, ms. */
const MAX_WAIT_MS = 2_000;

/**
 * Makes a function that has `run` called soon after each call of it: {@link TOGETHER_MS} later, or as much later as `run` took so long the
 * last time that it would take more than a tenth of the time. Calls meanwhile are one.
 */
export function paced(clock: Clock, run: () => void): () => void {
  let isDue = false;
  let waitMs = TOGETHER_MS;
  return () => {
    if (isDue) return;
    isDue = true;
    clock.after(waitMs, () => {
      isDue = false;
      const startMs = clock.now();
      try {
        run();
      } finally {
        waitMs = Math.min(MAX_WAIT_MS, Math.max(TOGETHER_MS, (clock.now() - startMs) * (SHARE - 1)));
      }
    });
  };
}
