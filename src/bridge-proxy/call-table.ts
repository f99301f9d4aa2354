import type { MetricRow } from "./policies/metrics.ts";

/**
 * The calls that wait for an answer, of all connections of a proxy, as columns of typed arrays: a call is a slot number.
 * On the upstream side a call's request id is its slot with the slot's generation above it, so that an answer that comes
 * after the slot was given to another call is told apart.
 *
 * `Caller`, `Callee` and `Exchange` are the owners' own objects; the table only keeps them.
 */
export class CallTable<Caller, Callee, Exchange> {
  readonly maxCalls: number;
  callers: (Caller | undefined)[] = [];
  callees: (Callee | undefined)[] = [];
  exchanges: (Exchange | undefined)[] = [];
  rows: (MetricRow | undefined)[] = [];
  /** The caller's own request id. */
  idHigh = new Int32Array(1024);
  idLow = new Int32Array(1024);
  generations = new Int32Array(1024);
  /** Monotonic ms. */
  startMs = new Float64Array(1024);
  deadlineMs = new Float64Array(1024);
  /** What the deadline stands for: {@link DEADLINE_ROUTE} is answered, {@link DEADLINE_CALLER} only freed. */
  deadlineKind = new Uint8Array(1024);
  serialization = new Uint8Array(1024);
  /** Chain of the calls that wait on one callee; -1 ends it. */
  next = new Int32Array(1024);
  previous = new Int32Array(1024);
  #free: number[] = [];
  #used = 0;
  #inUse = 0;

  constructor(maxCalls: number) {
    this.maxCalls = maxCalls;
  }

  /** Calls that wait now. */
  get size(): number {
    return this.#inUse;
  }

  /** One more than the highest slot ever used: the end of a scan. */
  get end(): number {
    return this.#used;
  }

  /** A free slot, or -1 when `maxCalls` wait already. */
  allocate(): number {
    let slot = this.#free.pop();
    if (slot === undefined) {
      if (this.#used >= this.maxCalls) return -1;
      slot = this.#used++;
      if (slot >= this.idHigh.length) this.#grow();
    }
    this.#inUse++;
    return slot;
  }

  /** Gives the slot back. Ids that were made for it are stale from now on. */
  release(slot: number): void {
    this.generations[slot] = (this.generations[slot]! + 1) | 0;
    this.callers[slot] = undefined;
    this.callees[slot] = undefined;
    this.exchanges[slot] = undefined;
    this.rows[slot] = undefined;
    this.#free.push(slot);
    this.#inUse--;
  }

  /** The slot that an upstream id names, or -1 where the call is over already. */
  find(high: number, low: number): number {
    return low >= 0 && low < this.#used && this.generations[low] === high && this.callees[low] !== undefined ? low : -1;
  }

  #grow(): void {
    const size = this.idHigh.length * 2;
    const wider = <T extends Int32Array | Float64Array | Uint8Array>(old: T, made: T): T => {
      made.set(old);
      return made;
    };
    this.idHigh = wider(this.idHigh, new Int32Array(size));
    this.idLow = wider(this.idLow, new Int32Array(size));
    this.generations = wider(this.generations, new Int32Array(size));
    this.startMs = wider(this.startMs, new Float64Array(size));
    this.deadlineMs = wider(this.deadlineMs, new Float64Array(size));
    this.deadlineKind = wider(this.deadlineKind, new Uint8Array(size));
    this.serialization = wider(this.serialization, new Uint8Array(size));
    this.next = wider(this.next, new Int32Array(size));
    this.previous = wider(this.previous, new Int32Array(size));
  }
}

/** The deadline is the caller's own time-out: the slot is freed and nothing made up; an answer that comes later still goes on. */
export const DEADLINE_CALLER = 0;
/** The deadline is the rule's: the caller still waits and is answered with a time-out. */
export const DEADLINE_ROUTE = 1;
