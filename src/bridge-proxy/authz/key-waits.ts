import { forgetOldest } from "../../base/bounded.ts";
import { type Clock, steadyClock, type Timer } from "../../base/clock.ts";
import type { KeysFound } from "../../model/keys-found.ts";
import type { Later } from "./asked.ts";

/** A key that a token is signed by, perhaps, and that is not known. */
export interface UnknownKey {
  readonly issuer: string;
  /** Tells it from other keys of its issuer. */
  readonly mark: string;
}

/** Longest that a call waits for a key, ms: an issuer is asked every 2 s at most, and what came has to get here. */
export const KEY_WAIT_MS = 5_000;
/** What of the time that its caller waits a call waits at most: the rest is for its answer. */
const CALLER_SHARE = 0.8;
/** Calls with a key that was asked for in vain are refused at once for so long, ms. */
export const VAIN_MS = 2_000;
/** The same for all keys of an issuer that could not be asked. */
export const FAILED_MS = 10_000;
/** Of such an issuer is told no more often than that, ms. */
const TELL_FAILED_MS = 1_000;
/** An issuer that nothing was heard of for so long is told of again, ms. */
const ANSWER_MS = 30_000;
/** Most calls that wait. */
export const MAX_WAITING = 1_000;
/** Most keys, and issuers, that are remembered. */
const MAX_REMEMBERED = 1_000;

interface Asked {
  /** When its keys were asked for, while there is no answer. */
  openMs: number | undefined;
  /** New ones came meanwhile, and calls wait for others. */
  again: boolean;
  toldMs: number;
  failedUntilMs: number;
}

interface Waiting extends UnknownKey {
  readonly id: string;
  readonly caller: string;
  readonly sinceMs: number;
  readonly timer: Timer;
  readonly done: () => void;
}

/**
 * Calls whose token is signed by a key that is not known wait until the keys of its issuer were asked for. Made-up keys cost little: few calls
 * wait, of which each caller has its share, a key that the issuer does not have is remembered for a moment, and an issuer that cannot be asked
 * holds up nobody.
 */
export class KeyWaits {
  readonly counters = {
    /** Calls that waited for a key. */
    tokenKeyWaits: 0,
    /** Calls that did not, or no longer, since as many waited as may. */
    tokenKeyWaitsRefused: 0,
  };
  readonly #tell: ((issuer: string) => void) | undefined;
  readonly #clock: Clock;
  readonly #issuers = new Map<string, Asked>();
  /** Keys that were asked for in vain, until when they count as that. */
  readonly #vain = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();
  /** The same by who calls, the oldest first. */
  readonly #byCaller = new Map<string, Set<Waiting>>();

  /** `tell` has the keys of an issuer asked for, after which {@link answered} is called; without it no call waits. */
  constructor(tell: ((issuer: string) => void) | undefined, clock: Clock = steadyClock) {
    this.#tell = tell;
    this.#clock = clock;
  }

  /** How many calls wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /**
   * How a call waits for a key; undefined where it is refused at once. Has the key asked for either way. Where too many wait, callers with few
   * of these take the places of the one who has most.
   */
  until({ issuer, mark }: UnknownKey, caller = ""): Later | undefined {
    const id = `${issuer}\n${mark}`;
    const nowMs = this.#clock.now();
    if (this.#tell === undefined || nowMs < (this.#vain.get(id) ?? 0)) return undefined;
    const asked = this.#ask(issuer);
    if (nowMs < asked.failedUntilMs) return undefined;
    const call = { issuer, mark, id, sinceMs: nowMs };
    return (timeLeftMs, done, by = caller) => this.#wait({ ...call, caller: by, done }, timeLeftMs);
  }

  /** What came of asking for an issuer's keys. */
  answered(issuer: string, found: KeysFound): void {
    const asked = this.#issuers.get(issuer);
    if (asked === undefined) return;
    const { openMs = 0 } = asked;
    asked.openMs = undefined;
    asked.failedUntilMs = found === "failed" ? this.#clock.now() + FAILED_MS : 0;
    const { again } = asked;
    asked.again = false;
    // New keys are on their way, unless they came before.
    if (found === "changed" && !again) return;
    // What was asked before a call came says nothing of its key.
    const isAnswered = (one: Waiting) => found === "failed" || (found === "same" && one.sinceMs <= openMs);
    const over = this.#of(issuer).filter(isAnswered);
    if (found === "same") for (const { id } of over) remember(this.#vain, id, this.#clock.now() + VAIN_MS);
    this.#wake(over);
    if (this.#of(issuer).length > 0) this.#ask(issuer);
  }

  /**
   * New keys of an issuer are in force. Calls whose key `isThere` does not find by its mark wait on: it may be newer than these, or another rule's,
   * and the issuer is asked once more.
   */
  keysCame(issuer: string, isThere: (mark: string) => boolean): void {
    const asked = this.#issuers.get(issuer);
    if (asked !== undefined) asked.failedUntilMs = 0;
    this.#wake(this.#of(issuer).filter(({ mark }) => isThere(mark)));
    if (this.#of(issuer).length === 0) return;
    if (asked?.openMs === undefined) this.#ask(issuer);
    else asked.again = true;
  }

  #ask(issuer: string): Asked {
    const asked = this.#issuers.get(issuer) ?? { openMs: undefined, again: false, toldMs: 0, failedUntilMs: 0 };
    const nowMs = this.#clock.now();
    const isOpen = asked.openMs !== undefined && nowMs - asked.openMs < ANSWER_MS;
    const isTold = nowMs < asked.failedUntilMs && nowMs - asked.toldMs < TELL_FAILED_MS;
    if (isOpen || isTold) return asked;
    asked.openMs = nowMs;
    asked.toldMs = nowMs;
    remember(this.#issuers, issuer, asked);
    this.#tell!(issuer);
    return asked;
  }

  #wait(call: Omit<Waiting, "timer">, timeLeftMs: number): () => void {
    if (this.#waiting.size >= MAX_WAITING && !this.#makeRoom(call.caller)) {
      call.done();
      return () => {};
    }
    this.counters.tokenKeyWaits++;
    this.#ask(call.issuer);
    const waitMs = Math.max(0, Math.min(KEY_WAIT_MS, timeLeftMs * CALLER_SHARE));
    const timer = this.#clock.after(waitMs, () => this.#wake([waiting]));
    const waiting: Waiting = { ...call, timer };
    this.#waiting.add(waiting);
    const own = this.#byCaller.get(call.caller) ?? new Set();
    this.#byCaller.set(call.caller, own.add(waiting));
    return () => {
      timer.cancel();
      this.#remove(waiting);
    };
  }

  /** One call more is refused: this one, or the oldest of a caller that has more of them. Whether it was another. */
  #makeRoom(caller: string): boolean {
    this.counters.tokenKeyWaitsRefused++;
    let most: ReadonlySet<Waiting> = new Set();
    for (const waiting of this.#byCaller.values()) if (waiting.size > most.size) most = waiting;
    const own = this.#byCaller.get(caller)?.size ?? 0;
    if (most.size <= own + 1) return false;
    const [oldest] = most;
    this.#wake([oldest!]);
    return true;
  }

  #remove(waiting: Waiting): boolean {
    const own = this.#byCaller.get(waiting.caller);
    own?.delete(waiting);
    if (own?.size === 0) this.#byCaller.delete(waiting.caller);
    return this.#waiting.delete(waiting);
  }

  #of(issuer: string): readonly Waiting[] {
    return [...this.#waiting].filter((one) => one.issuer === issuer);
  }

  #wake(list: readonly Waiting[]): void {
    for (const waiting of list) {
      // One that was woken may have ended another.
      if (!this.#remove(waiting)) continue;
      waiting.timer.cancel();
      waiting.done();
    }
  }
}

/** The oldest is forgotten where there are too many. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  forgetOldest(map, MAX_REMEMBERED);
}
