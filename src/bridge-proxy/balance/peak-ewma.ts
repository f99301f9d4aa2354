/** What is taken for the time of an endpoint's answers before the first one, ms; linkerd's default. */
const FIRST_MS = 30;
/** How fast the past is forgotten, ms: after this long it counts for a third; linkerd's default. */
const DECAY_MS = 10_000;

/**
 * The time that answers take, as a moving average that follows every peak at once and forgets it slowly. While nobody asks, it sinks: an
 * endpoint that was slow gets another chance.
 */
export class PeakEwma {
  #estimateMs = FIRST_MS;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** An answer took so long. */
  observe(rttMs: number, nowMs: number): void {
    this.#estimateMs = rttMs > this.#estimateMs ? rttMs : this.#mixed(rttMs, nowMs);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }

  /** What an answer would take now, ms. */
  estimateMs(nowMs: number): number {
    return this.#mixed(0, nowMs);
  }

  #mixed(rttMs: number, nowMs: number): number {
    const past = Math.exp(-Math.max(0, nowMs - this.#atMs) / DECAY_MS);
    return this.#estimateMs * past + rttMs * (1 - past);
  }
}
