import type { Clock } from "../../../base/clock.ts";
import { type OnLogin, StandingLogins } from "../logins.ts";
import type { EurekaCounters } from "./counters.ts";

/** A lease's length: applications renew and ask for lists each 30 s, ms. */
const STAND_MS = 90_000;
const MAX_CHARS = 4_096;

/** Who calls at a Eureka facade, by the credentials that stand in its address (`http://user:password@host:8761/eureka`). */
export class BasicLogins {
  readonly #standing: StandingLogins;
  readonly #onLogin: OnLogin;
  readonly #counters: Pick<EurekaCounters, "loginsRefused">;

  constructor(clock: Clock, onLogin: OnLogin, counters: Pick<EurekaCounters, "loginsRefused">) {
    this.#standing = new StandingLogins(clock, STAND_MS);
    this.#onLogin = onLogin;
    this.#counters = counters;
  }

  /** A request with this `Authorization` came from an address. */
  heard(address: string, authorization: string | undefined): void {
    if (authorization === undefined || authorization.length > MAX_CHARS) return;
    const [, encoded] = /^Basic +([A-Za-z0-9+/=_-]+) *$/i.exec(authorization) ?? [];
    const text = Buffer.from(encoded ?? "", "base64").toString("utf8");
    const mark = text.indexOf(":");
    if (mark <= 0) return;
    // By what it says, not how: the same can be written in many ways.
    this.#standing.heard(`${address} ${text}`, () => {
      const answer = this.#onLogin({ address, username: text.slice(0, mark), password: text.slice(mark + 1) });
      if (answer === "wrong") this.#counters.loginsRefused++;
      const isSomebody = typeof answer === "function";
      return { isSomebody, leave: isSomebody ? answer : () => {} };
    });
  }

  /** All are gone. */
  close(): void {
    this.#standing.close();
  }
}
