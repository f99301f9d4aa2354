import type { Logger } from "../../base/log.ts";
import { type AnalyzedMesh, analyzeRules } from "../../control/rules/analyze/analyze.ts";
import type { Finding } from "../../model/entry.ts";
import type { Snapshot } from "../../model/snapshot.ts";

/** Changes of rules and of services come close together; they are analyzed when this long has gone by, ms. */
const SETTLE_MS = 1_000;
const MAX_LOGGED = 20;

/**
 * Logs what the rules in force mean wrongly (an unknown subset, two rules for one host), as the admin API shows it: once for each
 * change of the rules, when services are known. What is wrong in a file's text is logged where files are read.
 */
export class RuleLog {
  readonly #log: Logger;
  readonly #mesh: AnalyzedMesh | undefined;
  readonly #current: () => Snapshot | undefined;
  readonly #notLed: () => ReadonlyMap<string, string>;
  #told = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  /** `current` gives what is in force now; undefined while that is not known well enough to judge rules by it. `notLed` and `mesh` as analysis takes them. */
  constructor(
    log: Logger,
    current: () => Snapshot | undefined,
    notLed: () => ReadonlyMap<string, string>,
    mesh?: AnalyzedMesh,
  ) {
    this.#log = log;
    this.#mesh = mesh;
    this.#current = current;
    this.#notLed = notLed;
  }

  /** Other rules are in force. */
  note(): void {
    this.#lookLater();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #lookLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const snapshot = this.#current();
      if (snapshot === undefined) this.#lookLater();
      else this.#tell(snapshot);
    }, SETTLE_MS).unref();
  }

  #tell({ rules, entries, protocols }: Snapshot): void {
    const findings = analyzeRules(rules, entries, protocols, this.#notLed(), this.#mesh).filter(
      ({ severity }) => severity !== "info",
    );
    const news = findings.filter((finding) => !this.#told.has(textOf(finding)));
    this.#told = new Set(findings.map(textOf));
    for (const { code, severity, at, message } of news.slice(0, MAX_LOGGED)) {
      this.#log[severity === "error" ? "error" : "warn"](`${at}: ${message}`, { code });
    }
    if (news.length > MAX_LOGGED) {
      this.#log.warn(`${news.length - MAX_LOGGED} more findings on rules; trestle rules --findings lists them`);
    }
  }
}

function textOf({ code, at, message }: Finding): string {
  return `${code} ${at} ${message}`;
}
