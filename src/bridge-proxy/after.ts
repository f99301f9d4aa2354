import type { ProxyContext } from "./context.ts";

/** Longest time that a timer of Node can count: a longer one would be over at once. */
const MAX_TIMER_MS = 0x7fffffff;

/** Runs `run` after `ms`, with the context's time set. */
export function after(context: ProxyContext, ms: number, run: () => void): void {
  setTimeout(
    () => {
      context.nowMs = performance.now();
      run();
    },
    Math.min(ms, MAX_TIMER_MS),
  );
}
