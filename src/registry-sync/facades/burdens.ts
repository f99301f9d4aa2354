/** What one client, or one request of it, makes a facade keep. */
export interface Burden {
  /** Whether its client was cut off, or it ended: what comes is of no use any more. */
  readonly isOver: boolean;
  /** It is so many bytes now. */
  set(bytes: number): void;
  /** So many more. */
  add(bytes: number): void;
  /** Nothing is kept for it any more. */
  end(): void;
}

interface Carried {
  bytes: number;
  /** Since when it has been more than nothing, ms. */
  sinceMs: number;
  isOver: boolean;
  readonly cut: () => void;
}

/** To this part of the limit what is kept goes down when it is reached: who is at fault is looked for now and then, not with each chunk. */
const KEPT_SHARE = 7 / 8;

/**
 * Bytes that are kept for clients which have not sent or read all of something yet, with one limit for all clients of a facade. Where they
 * are over it, those are cut off that have had the most for the longest; who sends a little and reads what it asked for is not among them.
 */
export class Burdens {
  readonly #maxBytes: number;
  readonly #now: () => number;
  readonly #carried = new Set<Carried>();
  #bytes = 0;

  constructor(maxBytes: number, now: () => number) {
    this.#maxBytes = maxBytes;
    this.#now = now;
  }

  /** All that is kept, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A new one, of nothing; `cut` is called once at most, and ends it. */
  open(cut: () => void): Burden {
    const one: Carried = { bytes: 0, sinceMs: 0, isOver: false, cut };
    const set = (bytes: number) => {
      if (one.isOver || bytes === one.bytes) return;
      if (one.bytes === 0) {
        one.sinceMs = this.#now();
        this.#carried.add(one);
      }
      this.#bytes += bytes - one.bytes;
      one.bytes = bytes;
      if (bytes === 0) this.#carried.delete(one);
      else if (this.#bytes > this.#maxBytes) this.#lighten();
    };
    return {
      set,
      add: (bytes) => set(one.bytes + bytes),
      end: () => {
        set(0);
        one.isOver = true;
      },
      get isOver() {
        return one.isOver;
      },
    };
  }

  #lighten(): void {
    const nowMs = this.#now();
    const weightOf = ({ bytes, sinceMs }: Carried) => bytes * (nowMs - sinceMs + 1);
    const heaviest = [...this.#carried].sort((a, b) => weightOf(b) - weightOf(a));
    const due: Carried[] = [];
    for (const one of heaviest) {
      if (this.#bytes <= this.#maxBytes * KEPT_SHARE) break;
      this.#bytes -= one.bytes;
      one.bytes = 0;
      one.isOver = true;
      this.#carried.delete(one);
      due.push(one);
    }
    for (const { cut } of due) cut();
  }
}
