import type { Clock } from "../../base/clock.ts";

/** An answer on its way, as much as is looked at. */
export interface WatchedAnswer {
  /** Whether it has begun: before that nobody has to read anything. */
  readonly headersSent: boolean;
}

/** What {@link AnswerWatch} needs. */
export interface AnswerWatchOptions {
  /** How long after its beginning an answer may take until its client has read it, ms; looked at four times in that. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

interface Watched {
  beganMs: number | undefined;
  readonly cut: () => void;
}

/** Cuts off clients that ask and never read what they are answered. How long an answer takes to begin is not its matter. */
export class AnswerWatch {
  readonly #options: AnswerWatchOptions;
  readonly #open = new Map<WatchedAnswer, Watched>();
  #isLooking = false;

  constructor(options: AnswerWatchOptions) {
    this.#options = options;
  }

  /** Watches an answer until `end`; `cut` is called at most once. */
  begin(answer: WatchedAnswer, cut: () => void): void {
    this.#open.set(answer, { beganMs: undefined, cut });
    if (!this.#isLooking) this.#lookLater();
  }

  /** It was read, or nobody is there to read it. */
  end(answer: WatchedAnswer): void {
    this.#open.delete(answer);
  }

  #lookLater(): void {
    const { clock, timeoutMs } = this.#options;
    this.#isLooking = true;
    clock.after(timeoutMs / 4, () => {
      this.#isLooking = false;
      this.#look(clock.now());
      if (this.#open.size > 0) this.#lookLater();
    });
  }

  #look(nowMs: number): void {
    for (const [answer, one] of [...this.#open]) {
      if (!answer.headersSent) continue;
      one.beganMs ??= nowMs;
      if (nowMs - one.beganMs < this.#options.timeoutMs) continue;
      this.#open.delete(answer);
      one.cut();
    }
  }
}
