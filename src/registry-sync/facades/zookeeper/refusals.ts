import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";

/** A registry that closed no connection for this long, and took one, is taken to serve again, ms: at its limit it does both in turns. */
const CALM_MS = 10_000;

/**
 * Tells when the registry closes clients' connections before it has answered anything. A ZooKeeper server does so, without a word
 * (NIOServerCnxnFactory), to all over `maxClientCnxns` from one address, and all clients of a facade come from ours; one that has no
 * leader does it too. Logged once per change of state.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #log: Logger;
  #isRefusing = false;
  #lastMs = 0;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** A connection that was taken was closed before an answer; `server` is its `host:port`, `sessions` how many connections there are. */
  refused(server: string, sessions: number): void {
    this.#lastMs = this.#clock.now();
    if (this.#isRefusing) return;
    this.#isRefusing = true;
    this.#log.warn(
      "registry closes clients' connections before it answers: raise maxClientCnxns there (60 for each address unless set; all clients of a facade come from Trestle's), or see whether it serves",
      { server, sessions },
    );
  }

  /** A client's session began. */
  accepted(): void {
    if (!this.#isRefusing || this.#clock.now() - this.#lastMs < CALM_MS) return;
    this.#isRefusing = false;
    this.#log.info("registry answers clients' connections again");
  }
}
