import type { CallRecord } from "./metrics.ts";
import type { Outcome } from "./outcome.ts";

/** Counters of copies, all monotonic but for what {@link Mirrors.drop} takes back. */
export interface MirrorCounters {
  mirrored: number;
  mirrorFailures: number;
  mirrorsDropped: number;
}

/** A share of calls, from 0 to 1, and what leads their copies. */
export interface MirrorShare<R> {
  readonly share: number;
  readonly route: R;
}

/** A copy without an answer is given up after this, where its route says nothing shorter. */
export const MIRROR_TIMEOUT_MS = 15_000;

const NONE: readonly never[] = [];

/** Copies of calls that are on their way now, of all callers of a proxy. They are counted apart: no call of a caller's is. */
export class Mirrors implements CallRecord {
  readonly #counters: MirrorCounters;
  readonly #maxMirrors: number;
  #underWay = 0;
  /** Those that are held as exchanges, and tries of copies: a proxy that ends does not wait for them. */
  exchanges = 0;
  tries = 0;

  constructor(counters: MirrorCounters, maxMirrors: number) {
    this.#counters = counters;
    this.#maxMirrors = maxMirrors;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Which copies of one call are to be made; each that is counts as under way until it is recorded. `random` in [0, 1). */
  draw<R>(mirrors: readonly MirrorShare<R>[], random: () => number): readonly R[] {
    let drawn: R[] | undefined;
    for (const { share, route } of mirrors) {
      if (share < 1 && random() >= share) continue;
      if (this.#underWay >= this.#maxMirrors) {
        this.#counters.mirrorsDropped++;
        continue;
      }
      this.#underWay++;
      this.#counters.mirrored++;
      drawn ??= [];
      drawn.push(route);
    }
    return drawn ?? NONE;
  }

  /** Copies that were drawn cannot be made after all. */
  drop(count: number): void {
    this.#underWay -= count;
    this.#counters.mirrored -= count;
    this.#counters.mirrorsDropped += count;
  }

  record(outcome: Outcome): void {
    this.#underWay--;
    if (outcome.grpcStatus !== 0) this.#counters.mirrorFailures++;
  }

  recordOneWay(): void {
    this.#underWay--;
  }
}
