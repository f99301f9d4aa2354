import { forgetOldest } from "../../base/bounded.ts";
import type { Clock } from "../../base/clock.ts";

/** How long an answer is held back for a service that the proxies have not been told of, ms from when it was first asked for. */
export const PATIENCE_MS = 1_500;
/** A service that was waited for in vain is waited for again after this time, ms. */
const FORGET_MS = 60_000;
/** Most services that are remembered. */
const MAX_SERVICES = 10_000;

/**
 * Decides whether an answer waits for the proxies. A provider that has just registered is seen here at the same time as by the
 * sync: without a moment's patience a consumer would call it directly first, past every rule, and 3.x would go on to for 5 s.
 * With the sync out of order the wait is over once for each service, and the real addresses are shown.
 */
export class Patience {
  readonly #firstAsked = new Map<string, number>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether to wait (longer) for any of these: services by printed key, applications by `applicationWait`. */
  waitsFor(services: ReadonlySet<string>): boolean {
    if (services.size === 0) return false;
    const nowMs = this.#clock.now();
    let waits = false;
    for (const service of services) waits = nowMs - this.#since(service, nowMs) < PATIENCE_MS || waits;
    return waits;
  }

  #since(service: string, nowMs: number): number {
    const known = this.#firstAsked.get(service);
    if (known !== undefined && nowMs - known < FORGET_MS) return known;
    this.#firstAsked.delete(service);
    this.#firstAsked.set(service, nowMs);
    forgetOldest(this.#firstAsked, MAX_SERVICES);
    return nowMs;
  }

  /** The proxies have been told of those that are settled: should they be news again later, they are waited for anew. */
  forget(isSettled: (service: string) => boolean): void {
    for (const service of [...this.#firstAsked.keys()]) if (isSettled(service)) this.#firstAsked.delete(service);
  }
}
