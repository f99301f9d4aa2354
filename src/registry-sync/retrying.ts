import type { Clock } from "../base/clock.ts";
import { TransientError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { pause } from "../base/pause.ts";

/** What {@link retrying} is told. */
export interface RetryOptions {
  /** What is tried, for the log: `registry legacy`. */
  readonly what: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** First pause, ms; it doubles up to the longest. */
  readonly firstPauseMs?: number;
  /** 30 s unless told, ms. */
  readonly maxPauseMs?: number;
}

const MAX_PAUSE_MS = 30_000;

/**
 * Runs something again and again until it ends by itself or the signal comes; an error is a pause, not an end. Errors are
 * logged once until `succeeded` is called: `TransientError` as a warning, anything else (a bug) as an error with its stack.
 */
export async function retrying(options: RetryOptions, run: (succeeded: () => void) => Promise<void>): Promise<void> {
  const { what, clock, logger, signal } = options;
  const first = options.firstPauseMs ?? 500;
  let pauseMs = first;
  let failing = false;
  const succeeded = () => {
    if (failing) logger.info(`${what} works again`);
    failing = false;
    pauseMs = first;
  };
  while (!signal.aborted) {
    try {
      await run(succeeded);
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!failing) tell(logger, what, error);
      failing = true;
      await pause(clock, pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, options.maxPauseMs ?? MAX_PAUSE_MS);
    }
  }
}

function tell(logger: Logger, what: string, error: unknown): void {
  if (error instanceof TransientError) logger.warn(`${what} is out of reach; retrying`, { reason: error.message });
  else logger.error(`${what} failed; retrying`, { error: error instanceof Error ? error.stack : String(error) });
}
