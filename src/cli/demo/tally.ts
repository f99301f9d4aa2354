import { ORDER_METHODS, type OrderMethod } from "./order-service.ts";
import { CALLERS, type Caller, type Phase } from "./scenario.ts";

/** A table says nothing of the split of fewer calls: a phase's tolerances are those of a hundred. */
const JUDGED_CALLS = 100;

/** What came of the calls so far, by method, by who called and by who answered. */
export class Tally {
  readonly #counts = new Map<string, number>();
  failed = 0;
  lastError = "";

  add(method: OrderMethod, caller: Caller, servedBy: string): void {
    const key = `${method} ${caller} ${servedBy}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  fail(caller: Caller, error: Error): void {
    this.failed++;
    this.lastError = `${caller}: ${error.message}`;
  }

  count(method: OrderMethod, caller: Caller, servedBy: string): number {
    return this.#counts.get(`${method} ${caller} ${servedBy}`) ?? 0;
  }

  /** A table of calls by method, caller and version, with what the phase promises and whether it holds. */
  print(phase: Phase): string {
    const rows = ORDER_METHODS.flatMap((method) =>
      CALLERS.map((caller) => {
        const [v1, v2] = [this.count(method, caller, "v1"), this.count(method, caller, "v2")];
        const share = v1 + v2 === 0 ? 0 : v2 / (v1 + v2);
        const verdict =
          v1 + v2 < JUDGED_CALLS ? "counting" : this.#holds(phase, method, caller) ? "ok" : "NOT what the rule says";
        const counts = [v1, v2, percent(share), percent(phase.expected(method, caller).v2)].map(pad).join("");
        return `  ${method.padEnd(13)}${caller.padEnd(8)}${counts}   ${verdict}`;
      }),
    );
    const head = `  ${"method".padEnd(13)}${"caller".padEnd(8)}${["v1", "v2", "to v2", "rule"].map(pad).join("")}`;
    const failed =
      this.failed === 0 ? "no call failed" : `${this.failed} calls failed, the last with: ${this.lastError}`;
    return [phase.title, head, ...rows, `  ${failed}`, ""].join("\n");
  }

  /** Whether every split is what the phase promises, and no call failed. */
  holds(phase: Phase): boolean {
    const all = ORDER_METHODS.every((method) => CALLERS.every((caller) => this.#holds(phase, method, caller)));
    return this.failed === 0 && all;
  }

  #holds(phase: Phase, method: OrderMethod, caller: Caller): boolean {
    const [v1, v2] = [this.count(method, caller, "v1"), this.count(method, caller, "v2")];
    const expected = phase.expected(method, caller);
    return v1 + v2 > 0 && Math.abs(v2 / (v1 + v2) - expected.v2) <= expected.tolerance + Number.EPSILON;
  }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function pad(value: number | string): string {
  return String(value).padStart(9);
}
