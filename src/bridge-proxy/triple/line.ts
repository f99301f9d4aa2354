/** Somebody who waits in a {@link Line}. */
export interface InLine {
  /** Its place in the line; the line's own, -1 outside of one. */
  linePlace: number;
}

const TRIM_PLACES = 1_024;

/**
 * Those who wait, in their order; leaving costs no more than coming. An array and places in it, since what comes and goes with every
 * call is what the collector cannot keep up with in a Set: its old tables are promoted, and keep alive what was in them.
 */
export class Line<T extends InLine> {
  readonly #budget: { pending: number } | undefined;
  #waiting: (T | undefined)[] = [];
  /** Index of the first who waits. */
  #head = 0;
  /** Place of index 0. */
  #base = 0;
  #size = 0;

  /** Who waits counts in `budget`, too. */
  constructor(budget?: { pending: number }) {
    this.#budget = budget;
  }

  get size(): number {
    return this.#size;
  }

  /** Puts one at the end. */
  add(one: T): void {
    one.linePlace = this.#base + this.#waiting.length;
    this.#waiting.push(one);
    this.#size++;
    if (this.#budget !== undefined) this.#budget.pending++;
  }

  /** Takes one out; one that is not in this line stays as it is. */
  delete(one: T): void {
    const index = one.linePlace - this.#base;
    if (one.linePlace < 0 || this.#waiting[index] !== one) return;
    one.linePlace = -1;
    this.#waiting[index] = undefined;
    this.#size--;
    if (this.#budget !== undefined) this.#budget.pending--;
    this.#trim();
  }

  /** The first who is wanted; undefined where nobody is. */
  first(isWanted: (one: T) => boolean): T | undefined {
    for (let i = this.#head; i < this.#waiting.length; i++) {
      const one = this.#waiting[i];
      if (one !== undefined && isWanted(one)) return one;
    }
    return undefined;
  }

  /** All of them, in their order, as they wait now. */
  all(): T[] {
    return this.#waiting.filter((one) => one !== undefined);
  }

  #trim(): void {
    while (this.#head < this.#waiting.length && this.#waiting[this.#head] === undefined) this.#head++;
    if (this.#head < this.#waiting.length && (this.#head < TRIM_PLACES || this.#head * 2 < this.#waiting.length))
      return;
    this.#waiting.splice(0, this.#head);
    this.#base += this.#head;
    this.#head = 0;
  }
}
