import { durationMs } from "../../codecs/xds/duration.ts";
import type { TokenBucketConfig } from "../../codecs/xds/rate-limit.ts";

/** Tokens that calls take: full at first, filled at the ends of intervals, never over its size. */
export class TokenBucket {
  readonly #size: number;
  readonly #perFill: number;
  readonly #fillMs: number;
  #tokens: number;
  /** When it was filled last, monotonic ms; undefined before the first call. */
  #filledMs: number | undefined;

  constructor({ maxTokens, tokensPerFill, fillInterval }: TokenBucketConfig) {
    this.#size = maxTokens;
    this.#perFill = tokensPerFill;
    this.#fillMs = Math.max(1, durationMs(fillInterval) ?? 1);
    this.#tokens = maxTokens;
  }

  /** Takes the tokens of one call, `cost` or the whole bucket where that is smaller. Whether they were there. */
  take(nowMs: number, cost: number): boolean {
    this.#fill(nowMs);
    const wanted = Math.min(cost, this.#size);
    if (this.#tokens < wanted) return false;
    this.#tokens -= wanted;
    return true;
  }

  #fill(nowMs: number): void {
    this.#filledMs ??= nowMs;
    const fills = Math.floor((nowMs - this.#filledMs) / this.#fillMs);
    if (fills <= 0) return;
    this.#filledMs += fills * this.#fillMs;
    this.#tokens = Math.min(this.#size, this.#tokens + fills * this.#perFill);
  }
}
