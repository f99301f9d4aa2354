/** Counts comings and goings within a time, so that a loss can be weighed against what was there before. Pure state. */
export class LossCount {
  #size = 0;
  readonly #came = new Map<string, number>();
  readonly #gone = new Map<string, number>();

  /** Something is there. It is a newcomer unless it is `known` (of the first list) or was gone just now. */
  come(id: string, nowMs: number, known: boolean): void {
    this.#size++;
    if (!this.#gone.delete(id) && !known) this.#came.set(id, nowMs);
  }

  /** Something is no longer there. An explicit going is no loss; nor is that of a newcomer. */
  go(id: string, nowMs: number, explicit: boolean): void {
    this.#size--;
    if (!this.#came.delete(id) && !explicit) this.#gone.set(id, nowMs);
  }

  /** What went is a loss no longer: it was meant, or is believed. */
  settle(id: string): void {
    this.#gone.delete(id);
  }

  /** Forgets what came or went at `ms` or before. */
  forget(ms: number): void {
    for (const times of [this.#came, this.#gone]) {
      for (const [id, atMs] of times) if (atMs <= ms) times.delete(id);
    }
  }

  /** How many more went than came; below 0 after growth. */
  netLost(): number {
    return this.#gone.size - this.#came.size;
  }

  /** How many there were before. */
  sizeBefore(): number {
    return this.#size - this.#came.size + this.#gone.size;
  }
}
