import { createHash } from "node:crypto";
import { forgetOldest } from "../../base/bounded.ts";
import type { Clock, Timer } from "../../base/clock.ts";

/** A client at an address says to be a user. */
export interface Login {
  /** IP address. */
  readonly address: string;
  readonly username: string;
  /** What it proves that by; undefined where the registry has checked it. */
  readonly password?: string;
}

/** What becomes of a login: what to call when the client is gone, nobody that is known, or somebody else's password. */
export type LoginAnswer = (() => void) | "unknown" | "wrong";

/** Hears of clients that log in. */
export type OnLogin = (login: Login) => LoginAnswer;

/** A login that was tried. */
export interface Entered {
  /** Whether the client counts as somebody by it now. */
  readonly isSomebody: boolean;
  /** The client is gone. */
  leave(): void;
}

/** Most logins that stand, and most that made nobody anybody: however many come of these, none of those is forgotten for it. */
const MAX_SOMEBODY = 20_000;
const MAX_NOBODY = 5_000;

interface Heard {
  readonly atMs: number;
  readonly entered: Entered;
}

/** Logins of clients whose connections come and go: each stands until nothing was heard of it for a while. */
export class StandingLogins {
  readonly #clock: Clock;
  readonly #standMs: number;
  /** By a digest of what clients say, which may be long and a secret; the one that was heard of last is the last. */
  readonly #somebody = new Map<string, Heard>();
  readonly #nobody = new Map<string, Heard>();
  #timer: Timer | undefined;

  constructor(clock: Clock, standMs: number) {
    this.#clock = clock;
    this.#standMs = standMs;
  }

  /** Something was heard of a client; `enter` is asked where nothing had been. */
  heard(said: string, enter: () => Entered): void {
    const key = createHash("sha256").update(said).digest("base64");
    const { entered } = this.#somebody.get(key) ?? this.#nobody.get(key) ?? { entered: enter() };
    this.#somebody.delete(key);
    this.#nobody.delete(key);
    (entered.isSomebody ? this.#somebody : this.#nobody).set(key, { entered, atMs: this.#clock.now() });
    for (const [map, most] of [
      [this.#somebody, MAX_SOMEBODY],
      [this.#nobody, MAX_NOBODY],
    ] as const)
      forgetOldest(map, most, (oldest) => leave(map, oldest));
    this.#timer ??= this.#clock.after(this.#standMs, () => this.#forget());
  }

  /** All are gone. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const map of [this.#somebody, this.#nobody]) for (const key of map.keys()) leave(map, key);
  }

  #forget(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.now();
    const dueMs = [this.#somebody, this.#nobody].map((map) => {
      for (const [key, { atMs }] of map) {
        if (atMs + this.#standMs > nowMs) return atMs + this.#standMs;
        leave(map, key);
      }
      return Number.POSITIVE_INFINITY;
    });
    const nextMs = Math.min(...dueMs);
    if (nextMs < Number.POSITIVE_INFINITY) this.#timer = this.#clock.after(nextMs - nowMs, () => this.#forget());
  }
}

function leave(map: Map<string, Heard>, key: string): void {
  map.get(key)?.entered.leave();
  map.delete(key);
}
