/** A call to a service that is not known. */
export interface UnknownCall {
  /** Bytes that it holds. */
  readonly bytes: number;
  /** Goes on where its service is known now; whether it did, or nobody waits for it any more. */
  attempt(): boolean;
  /** Its time is over. */
  giveUp(): void;
}

interface Waiting {
  readonly call: UnknownCall;
  readonly untilMs: number;
}

/** How long a call waits for its service to become known, ms. */
export const UNKNOWN_WAIT_MS = 1_000;
const MAX_CALLS = 1_000;
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Calls to services that are not known wait a moment: another instance, which consumers are shown this one by, may have heard of a
 * new service earlier. They are few, since a flood of them is refused at once.
 */
export class UnknownCalls {
  #waiting: Waiting[] = [];
  #bytes = 0;

  get size(): number {
    return this.#waiting.length;
  }

  /** Keeps a call. False where there is no room: then it is over now. */
  hold(call: UnknownCall, nowMs: number): boolean {
    if (this.#waiting.length >= MAX_CALLS || this.#bytes + call.bytes > MAX_BYTES) return false;
    this.#waiting.push({ call, untilMs: nowMs + UNKNOWN_WAIT_MS });
    this.#bytes += call.bytes;
    return true;
  }

  /** The configuration is another one: some may be known now. */
  changed(): void {
    const waiting = this.#take();
    for (const one of waiting) if (!one.call.attempt()) this.#keep(one);
  }

  /** Gives those up that have waited long enough. */
  expire(nowMs: number): void {
    if (this.#waiting.length === 0 || this.#waiting[0]!.untilMs > nowMs) return;
    const waiting = this.#take();
    for (const one of waiting) {
      if (one.untilMs > nowMs) this.#keep(one);
      else one.call.giveUp();
    }
  }

  #take(): Waiting[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    return waiting;
  }

  #keep(one: Waiting): void {
    this.#waiting.push(one);
    this.#bytes += one.call.bytes;
  }
}
