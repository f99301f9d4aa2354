/**
 * Bounds on what a peer may make us do for nothing (CVE-2023-44487, CVE-2025-8671, CVE-2019-9511 to -9518, CVE-2024-27316).
 *
 * | account | holds | gains | spent by |
 * |---|---|---|---|
 * | resets | 500 | 100 a second, 1 for each stream that ended as it should | streams ended by RST_STREAM of either side, refused streams |
 * | frames | 2000 | 1000 a second, 2 for each DATA frame of content either way | PING, SETTINGS, PRIORITY, WINDOW_UPDATE, unknown and empty frames |
 *
 * An account that is empty ends the connection with ENHANCE_YOUR_CALM.
 */
import { ERROR, Http2Error } from "./frame.ts";

const MAX_RESETS = 500;
const RESETS_PER_SECOND = 100;
const MAX_FRAMES = 2000;
const FRAMES_PER_SECOND = 1000;

/** The accounts of one connection. */
export class FloodGuard {
  #resets = MAX_RESETS;
  #frames = MAX_FRAMES;
  #filledMs: number;

  constructor(nowMs: number) {
    this.#filledMs = nowMs;
  }

  /** Lets time refill the accounts. */
  advance(nowMs: number): void {
    const passedMs = nowMs - this.#filledMs;
    if (passedMs < 10) return;
    this.#filledMs = nowMs;
    this.#resets = Math.min(MAX_RESETS, this.#resets + (passedMs * RESETS_PER_SECOND) / 1000);
    this.#frames = Math.min(MAX_FRAMES, this.#frames + (passedMs * FRAMES_PER_SECOND) / 1000);
  }

  /** A stream ended early. Throws when too many did. */
  spendReset(): void {
    if (--this.#resets < 0) {
      throw new Http2Error(ERROR.calm, `over ${MAX_RESETS} streams were reset, ${RESETS_PER_SECOND} a second allowed`);
    }
  }

  /** A frame that carries nothing; `cost` for those that make work. Throws when there were too many. */
  spendFrame(cost: number): void {
    this.#frames -= cost;
    if (this.#frames < 0) {
      throw new Http2Error(
        ERROR.calm,
        `over ${MAX_FRAMES} frames without content, ${FRAMES_PER_SECOND} a second allowed`,
      );
    }
  }

  /** A stream ended as it should. */
  earnStream(): void {
    if (this.#resets < MAX_RESETS) this.#resets++;
  }

  /** A DATA frame with content went by. */
  earnFrame(): void {
    if (this.#frames < MAX_FRAMES) this.#frames += 2;
  }
}
