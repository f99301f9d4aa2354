const MAX_ENTRIES = 10_000;
const MAX_BYTES = 64 * 1024 * 1024;

/** What is remembered of each registration that a proxy may stand for: at most 10,000 and 64 MiB, the oldest are forgotten. */
export class StandingBook<T> {
  readonly #entries = new Map<string, { readonly value: T; readonly bytes: number }>();
  #bytes = 0;

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.value;
  }

  /** Puts `value`, about so many bytes, in the place of what was there; it is the newest then. */
  set(key: string, value: T, bytes: number): void {
    this.delete(key);
    this.#entries.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MAX_ENTRIES && this.#bytes <= MAX_BYTES) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }

  /** All that are there now, the oldest first; it may be changed meanwhile. */
  all(): [key: string, value: T][] {
    return Array.from(this.#entries, ([key, { value }]) => [key, value]);
  }
}
