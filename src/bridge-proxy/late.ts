import { forgetOldest } from "../base/bounded.ts";

/** A call that was given up at its caller's own time-out, as its answer would need it. */
export interface LateCall<Caller, Callee> {
  readonly caller: Caller;
  readonly callee: Callee;
  /** The caller's own request id. */
  readonly idHigh: number;
  readonly idLow: number;
  readonly serialization: number;
  /** What rules change in its answer; absent for nothing. */
  readonly edit?: ((answer: Buffer) => Buffer | undefined) | undefined;
  /** Monotonic ms: nobody can still wait for it then. */
  readonly untilMs: number;
}

/**
 * Calls that were given up because their callers said so, kept aside in case those wait all the same: a time-out is known
 * from a lane's first call only, and 2.6 sends its reference's time-out with calls of methods that have longer ones. They
 * take no slot and count as over; the oldest go first where there are more than `maxCalls`.
 */
export class LateCalls<Caller extends { readonly closed: boolean }, Callee> {
  readonly #maxCalls: number;
  readonly #calls = new Map<string, LateCall<Caller, Callee>>();

  constructor(maxCalls: number) {
    this.#maxCalls = maxCalls;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Keeps a call under the id that its callee knows it by. */
  add(high: number, low: number, call: LateCall<Caller, Callee>): void {
    this.#calls.set(`${high} ${low}`, call);
    forgetOldest(this.#calls, this.#maxCalls);
  }

  /** The call that `callee` answers, once; undefined where there is none. */
  take(callee: Callee, high: number, low: number): LateCall<Caller, Callee> | undefined {
    const key = `${high} ${low}`;
    const call = this.#calls.get(key);
    if (call?.callee !== callee) return undefined;
    this.#calls.delete(key);
    return call;
  }

  /** All calls that only `callee` could have answered; they are kept no longer. */
  takeAllOf(callee: Callee): LateCall<Caller, Callee>[] {
    const taken: LateCall<Caller, Callee>[] = [];
    for (const [key, call] of this.#calls) {
      if (call.callee !== callee) continue;
      this.#calls.delete(key);
      taken.push(call);
    }
    return taken;
  }

  /** Lets go of calls whose callers are gone or cannot wait any more. */
  prune(nowMs: number): void {
    for (const [key, call] of this.#calls) if (call.caller.closed || nowMs >= call.untilMs) this.#calls.delete(key);
  }
}
