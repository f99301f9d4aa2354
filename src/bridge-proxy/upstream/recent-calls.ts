/** Slices of the time that is looked back at. */
const SLICES = 10;

/** Counts what began within the last so many ms, to a tenth of that time. */
export class RecentCalls {
  readonly #sliceMs: number;
  readonly #counts = new Array<number>(SLICES).fill(0);
  /** Slices since the start of time, the latest that is counted in. */
  #slice = 0;
  #sum = 0;

  constructor(windowMs: number) {
    this.#sliceMs = Math.max(1, windowMs / SLICES);
  }

  /** One begins; `nowMs` never goes back. */
  add(nowMs: number): void {
    this.#advance(nowMs);
    this.#counts[this.#slice % SLICES]!++;
    this.#sum++;
  }

  /** How many began. */
  count(nowMs: number): number {
    this.#advance(nowMs);
    return this.#sum;
  }

  #advance(nowMs: number): void {
    const slice = Math.floor(nowMs / this.#sliceMs);
    for (let gone = Math.min(slice - this.#slice, SLICES); gone > 0; gone--) {
      const place = (slice - gone + 1) % SLICES;
      this.#sum -= this.#counts[place]!;
      this.#counts[place] = 0;
    }
    this.#slice = Math.max(slice, this.#slice);
  }
}
