import type { ProxyContext } from "./context.ts";

/** Longest time that a timer of Node can count: a longer one would be over at once. */
const MAX_TIMER_MS = 0x7fffffff;

/** Runs `run` after `ms`, with the context's time set. */
export function after(context: ProxyContext, ms: number, run: () => void): NodeJS.Timeout {
  return setTimeout(
    () => {
      context.nowMs = performance.now();
      run();
    },
    Math.min(ms, MAX_TIMER_MS),
  );
}

/** The waits of one call, one at a time: it counts among the calls that are held as long as one lasts. */
export class Wait {
  readonly #context: ProxyContext;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: ProxyContext) {
    this.#context = context;
  }

  /** Runs `run` after `ms`. False where as many calls are held as may be. */
  begin(ms: number, run: () => void): boolean {
    const context = this.#context;
    if (context.exchanges >= context.limits.maxCalls) return false;
    context.exchanges++;
    this.#timer = after(context, ms, () => {
      this.end();
      run();
    });
    return true;
  }

  /** Ends the wait, if there is one: what it was for does not happen. */
  end(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#context.exchanges--;
  }
}
