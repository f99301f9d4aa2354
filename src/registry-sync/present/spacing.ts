import type { Clock } from "../../base/clock.ts";
import type { Finding } from "../../model/entry.ts";
import { passedServices } from "../findings.ts";
import { LedServices } from "./led-services.ts";

/**
 * How far a change of a service's addresses and a change of its routers are kept apart, ms. Dubbo 3.x takes up what a registry tells
 * at most once in 5 s, and of all that it is told of one service in between only the last message, be it about providers or
 * about routers: the other one would be lost to it (apache/dubbo 3.3 RegistryNotifier, shared by all categories).
 */
export const SPACING_MS = 6_000;

/**
 * How long an application that is shown at the proxies stays there without the services that they have not been told of yet, ms. Real
 * instances in between would have its consumers call past the proxies for 5 s and more.
 */
export const STAY_MS = 3_000;

const ROUTER_CODES: ReadonlySet<string> = new Set(["TR0130", "TR0131"]);

/**
 * Lets a service be led again only some time after its last router went, and remembers which services were led until a moment
 * ago, so that their routers are shown some time after the real addresses. One for each facade.
 */
export class Spacing {
  /** For the contexts of the facade. */
  readonly ledMemory = new LedServices();
  /** For the contexts of the facade. */
  readonly applications: LedApplications;
  readonly #clock: Clock;
  #led: ReadonlySet<string> = new Set();
  /** Services that were led until then. */
  readonly #leftAtMs = new Map<string, number>();
  #ruled = new Map<string, string>();
  /** Services whose routers went then, with what was said of them. */
  readonly #freed = new Map<string, { readonly atMs: number; readonly reason: string }>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.applications = new LedApplications(clock);
  }

  /** The services that are not to be led, and why: those of the findings, and those that routers have just left. */
  unruled(findings: readonly Finding[]): ReadonlyMap<string, string> {
    const nowMs = this.#clock.now();
    const ruled = new Map(
      findings.filter(({ code }) => ROUTER_CODES.has(code)).map(({ at, message }) => [at, message]),
    );
    for (const [key, reason] of this.#ruled) if (!ruled.has(key)) this.#freed.set(key, { atMs: nowMs, reason });
    this.#ruled = ruled;
    const passed = new Map(passedServices(findings));
    for (const [key, { atMs, reason }] of this.#freed) {
      if (ruled.has(key) || nowMs - atMs >= SPACING_MS) this.#freed.delete(key);
      else if (!passed.has(key)) passed.set(key, reason);
    }
    return passed;
  }

  /**
   * A test for the services that were led when this was asked, or not long before. It stays as it is. Here alone time passes for
   * them: what this test still holds back is told of by `nextMs`, however late `note` comes.
   */
  wasLed(): (key: string) => boolean {
    const nowMs = this.#clock.now();
    for (const [key, atMs] of this.#leftAtMs) if (nowMs - atMs >= SPACING_MS) this.#leftAtMs.delete(key);
    const led = this.#led;
    const left = new Set(this.#leftAtMs.keys());
    return (key) => led.has(key) || left.has(key);
  }

  /** Notes what is led from now on. */
  note(led: ReadonlySet<string>): void {
    if (led === this.#led) return;
    const nowMs = this.#clock.now();
    for (const key of this.#led) if (!led.has(key)) this.#leftAtMs.set(key, nowMs);
    for (const key of led) this.#leftAtMs.delete(key);
    this.#led = led;
  }

  /** When something will be shown otherwise although nothing changed, ms since 1970; undefined for never. */
  get nextMs(): number | undefined {
    let next: number | undefined;
    const due = (atMs: number) => {
      next = Math.min(next ?? Number.POSITIVE_INFINITY, atMs + SPACING_MS);
    };
    for (const atMs of this.#leftAtMs.values()) due(atMs);
    for (const { atMs } of this.#freed.values()) due(atMs);
    const applicationsMs = this.applications.nextMs;
    return applicationsMs === undefined ? next : Math.min(next ?? Number.POSITIVE_INFINITY, applicationsMs);
  }
}

/** Which applications are shown at the proxies, from one context of a facade to the next. */
export class LedApplications {
  readonly #clock: Clock;
  /** Since when services of theirs are waited for; undefined for none. */
  readonly #waitingSinceMs = new Map<string, number | undefined>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether an application stays at the proxies although they have not been told of all its services; for {@link STAY_MS}. */
  stays(application: string): boolean {
    if (!this.#waitingSinceMs.has(application)) return false;
    const nowMs = this.#clock.now();
    const sinceMs = this.#waitingSinceMs.get(application) ?? nowMs;
    this.#waitingSinceMs.set(application, sinceMs);
    return nowMs - sinceMs < STAY_MS;
  }

  /** Notes how an application is shown from now on; `isWhole`: with all its services. */
  note(application: string, isLed: boolean, isWhole: boolean): void {
    if (!isLed) this.#waitingSinceMs.delete(application);
    else if (isWhole) this.#waitingSinceMs.set(application, undefined);
  }

  /** When one of them will be shown otherwise although nothing changed, ms since 1970; undefined for never. */
  get nextMs(): number | undefined {
    const nowMs = this.#clock.now();
    let next: number | undefined;
    for (const sinceMs of this.#waitingSinceMs.values()) {
      const atMs = (sinceMs ?? Number.NEGATIVE_INFINITY) + STAY_MS;
      if (atMs > nowMs && atMs < (next ?? Number.POSITIVE_INFINITY)) next = atMs;
    }
    return next;
  }
}
