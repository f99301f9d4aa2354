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

const MAX_LOGINS = 20_000;

/** Logins of clients whose connections come and go: each stands until nothing was heard of it for a while. */
export class StandingLogins {
  readonly #clock: Clock;
  readonly #standMs: number;
  /** By what clients say, the one that was heard of last is the last. */
  readonly #heard = new Map<string, { atMs: number; readonly leave: () => void }>();
  #timer: Timer | undefined;

  constructor(clock: Clock, standMs: number) {
    this.#clock = clock;
    this.#standMs = standMs;
  }

  /** Something was heard of a client; `enter` is asked where nothing had been. */
  heard(key: string, enter: () => (() => void) | undefined): void {
    const known = this.#heard.get(key);
    this.#heard.delete(key);
    const leave = known?.leave ?? enter() ?? (() => {});
    this.#heard.set(key, { atMs: this.#clock.now(), leave });
    for (const oldest of this.#heard.keys()) if (this.#heard.size > MAX_LOGINS) this.#leave(oldest);
    this.#timer ??= this.#clock.after(this.#standMs, () => this.#forget());
  }

  /** All are gone. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const key of [...this.#heard.keys()]) this.#leave(key);
  }

  #forget(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.now();
    for (const [key, { atMs }] of this.#heard) {
      const leftMs = atMs + this.#standMs - nowMs;
      if (leftMs <= 0) this.#leave(key);
      else {
        this.#timer = this.#clock.after(leftMs, () => this.#forget());
        return;
      }
    }
  }

  #leave(key: string): void {
    this.#heard.get(key)?.leave();
    this.#heard.delete(key);
  }
}
