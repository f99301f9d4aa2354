import type { Outcome } from "./outcome.ts";
import type { RetryPlan } from "./retry.ts";

/** What bounds further tries of a call, at one time; both monotonic ms. */
export interface AttemptBounds {
  readonly nowMs: number;
  /** When the call's time by its rule is over. */
  readonly routeDeadlineMs: number;
}

/** The tries of one call so far: how many were a rule's retries, and which providers had one. */
export class Attempts {
  #retries = 0;
  #begun = 0;
  #tried: object[] = [];
  #last: object | undefined;

  /** Providers that further tries avoid. */
  get tried(): readonly object[] {
    return this.#tried;
  }

  /** The same with the one that has the call now. */
  get triedAndLast(): readonly object[] {
    return this.#last === undefined ? this.#tried : [...this.#tried, this.#last];
  }

  /** Whether no try went before the one that was begun last. */
  get isFirst(): boolean {
    return this.#begun <= 1;
  }

  /** A try goes to this provider. */
  begin(host: object): void {
    this.#begun++;
    this.#last = host;
  }

  /** The last provider could not be reached: further tries avoid it. */
  avoidLast(): void {
    if (this.#last !== undefined && !this.#tried.includes(this.#last)) this.#tried.push(this.#last);
  }

  /** All providers had their try: every one may have another. */
  forgive(): void {
    this.#tried = [];
  }

  /**
   * Counts a retry, if the rule has one left for a try that ended so: the wait before it, ms. Undefined where the call is not tried
   * again. `random` in [0, 1).
   */
  again(
    retry: RetryPlan | undefined,
    outcome: Outcome,
    { nowMs, routeDeadlineMs }: AttemptBounds,
    random: () => number,
  ): number | undefined {
    if (retry === undefined || this.#retries >= retry.attempts) return undefined;
    if (!retry.retriable(outcome) || nowMs >= routeDeadlineMs) return undefined;
    this.#retries++;
    if (retry.avoidsTried || retry.avoidsPriorities) this.avoidLast();
    return Math.min(retry.backOffMs(this.#retries, random()), routeDeadlineMs - nowMs);
  }
}
