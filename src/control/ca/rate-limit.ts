import { forgetOldest } from "../../base/bounded.ts";

/** How often one caller may ask, and how often all together. */
export interface RateLimits {
  /** Calls at once after a pause. */
  readonly burst: number;
  /** Time after which a caller has one more, ms. */
  readonly refillMs: number;
  /** Calls of all callers in a second. */
  readonly allPerSecond: number;
  /** Callers that are remembered. */
  readonly maxCallers: number;
}

/**
 * A client with Dubbo's fault asks every 30 s (apache/dubbo dubbo-xds, CertPair.isExpire) and is served; one that asks without a pause
 * is not. All together may ask what one core signs.
 */
export const DEFAULT_RATE_LIMITS: RateLimits = Object.freeze({
  burst: 20,
  refillMs: 3_000,
  allPerSecond: 500,
  maxCallers: 100_000,
});

interface Bucket {
  left: number;
  atMs: number;
}

/** Counts calls by caller. */
export class RateLimiter {
  readonly #limits: RateLimits;
  readonly #buckets = new Map<string, Bucket>();
  readonly #all: Bucket;

  constructor(limits: RateLimits = DEFAULT_RATE_LIMITS) {
    this.#limits = limits;
    this.#all = { left: limits.allPerSecond, atMs: 0 };
  }

  /** Takes one call of all; false where there are too many in this second. Before the caller is known, so that strangers count too. */
  takeOfAll(nowMs: number): boolean {
    const { allPerSecond } = this.#limits;
    return take(this.#all, allPerSecond, 1_000 / allPerSecond, nowMs);
  }

  /** Takes one call of this caller; false where it must wait. The caller that was quiet for longest is forgotten where there are too many. */
  take(caller: string, nowMs: number): boolean {
    const { burst, refillMs, maxCallers } = this.#limits;
    const bucket = this.#buckets.get(caller) ?? { left: burst, atMs: nowMs };
    this.#buckets.delete(caller);
    this.#buckets.set(caller, bucket);
    forgetOldest(this.#buckets, maxCallers);
    return take(bucket, burst, refillMs, nowMs);
  }
}

function take(bucket: Bucket, burst: number, refillMs: number, nowMs: number): boolean {
  bucket.left = Math.min(burst, bucket.left + Math.max(0, nowMs - bucket.atMs) / refillMs);
  bucket.atMs = nowMs;
  if (bucket.left < 1) return false;
  bucket.left--;
  return true;
}
