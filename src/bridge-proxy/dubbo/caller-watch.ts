/** A call that is given up when its caller's connection ends. */
export interface EndsWithCaller {
  /** Its place in the watch; the watch's own, -1 while it is in none. */
  place: number;
  onCallerGone(): void;
}

/** The calls of one caller's connection that are to know of its end. */
export class CallerWatch {
  readonly #calls: EndsWithCaller[] = [];

  get size(): number {
    return this.#calls.length;
  }

  add(call: EndsWithCaller): void {
    if (call.place < 0) call.place = this.#calls.push(call) - 1;
  }

  /** Takes a call out, if it is in. */
  remove(call: EndsWithCaller): void {
    const { place } = call;
    if (place < 0) return;
    const last = this.#calls.pop()!;
    if (last !== call) {
      this.#calls[place] = last;
      last.place = place;
    }
    call.place = -1;
  }

  /** The connection has ended: tells every call, the newest first, once. */
  end(): void {
    for (let call = this.#calls.pop(); call !== undefined; call = this.#calls.pop()) {
      call.place = -1;
      call.onCallerGone();
    }
  }
}
