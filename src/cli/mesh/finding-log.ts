import type { Clock, Timer } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Finding } from "../../model/entry.ts";

/** Findings come and go many at a time; they are looked at when this long has gone by since the first change, ms. */
const SETTLE_MS = 1_000;
/** Most lines for what appeared, and as many for what went, at one look. */
const MAX_LOGGED = 20;
/** Findings beyond this many are neither logged nor kept in mind. */
const MAX_KEPT = 10_000;

/**
 * Logs errors and warnings among the findings of registries and outputs, as the admin API shows them: each once when it appears
 * and once, at info, when it is gone.
 */
export class FindingLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #current: () => readonly Finding[];
  #told = new Map<string, Finding>();
  #timer: Timer | undefined;
  #isClosed = false;

  /** `current` gives all findings that stand now. */
  constructor(log: Logger, clock: Clock, current: () => readonly Finding[]) {
    this.#log = log;
    this.#clock = clock;
    this.#current = current;
  }

  /** Findings may have changed. */
  note(): void {
    if (this.#isClosed) return;
    this.#timer ??= this.#clock.after(SETTLE_MS, () => {
      this.#timer = undefined;
      this.#tell();
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #tell(): void {
    const standing = this.#current().filter(({ severity }) => severity !== "info");
    const now = new Map(standing.slice(0, MAX_KEPT).map((finding) => [keyOf(finding), finding]));
    const before = this.#told;
    this.#told = now;
    const news = [...now].flatMap(([key, finding]) => (before.has(key) ? [] : [finding]));
    const gone = [...before].flatMap(([key, finding]) => (now.has(key) ? [] : [finding]));
    for (const { code, severity, at, message } of news.slice(0, MAX_LOGGED))
      this.#log[severity === "error" ? "error" : "warn"](`${at}: ${message}`, { code });
    if (news.length > MAX_LOGGED)
      this.#log.warn(`${news.length - MAX_LOGGED} more findings; trestle rules --findings lists them`);
    for (const { code, at, message } of gone.slice(0, MAX_LOGGED))
      this.#log.info(`${at}: no longer so: ${message}`, { code });
    if (gone.length > MAX_LOGGED) this.#log.info(`${gone.length - MAX_LOGGED} more findings are gone`);
  }
}

/** What makes a finding the same as before. The guard's texts count what is held, which changes while one loss stands. */
function keyOf({ code, at, message }: Finding): string {
  return code.startsWith("TR015") ? `${code} ${at}` : `${code} ${at} ${message}`;
}
