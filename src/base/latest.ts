/**
 * A value of which only the newest matters: `set` replaces it, every `watch` loop sees the newest and may skip older ones.
 * Equal values (by `equal`, identity unless told) wake nobody.
 */
export class Latest<T> {
  #value: T;
  #version = 0;
  #closed = false;
  #wake: (() => void)[] = [];
  readonly #equal: (a: T, b: T) => boolean;

  constructor(initial: T, equal: (a: T, b: T) => boolean = Object.is) {
    this.#value = initial;
    this.#equal = equal;
  }

  get(): T {
    return this.#value;
  }

  set(value: T): void {
    if (this.#closed || this.#equal(this.#value, value)) return;
    this.#value = value;
    this.#version++;
    this.#wakeAll();
  }

  /** Ends every watch loop; later `set` calls do nothing. */
  close(): void {
    this.#closed = true;
    this.#wakeAll();
  }

  /** Yields the value now and again after each change, until `close` or the signal. */
  async *watch(signal?: AbortSignal): AsyncIterable<T> {
    let seen = -1;
    const onAbort = () => this.#wakeAll();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      while (!this.#closed && !signal?.aborted) {
        if (seen !== this.#version) {
          seen = this.#version;
          yield this.#value;
          continue;
        }
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}
