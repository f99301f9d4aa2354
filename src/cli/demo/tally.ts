import { ORDER_METHODS, type OrderMethod } from "./order-service.ts";
import type { Phase } from "./scenario.ts";

/** A table says nothing of the split of fewer calls: a phase's tolerances are those of a hundred. */
const JUDGED_CALLS = 100;

/** What came of the calls so far, by method and by who answered. */
export class Tally {
  readonly #counts = new Map<string, number>();
  failed = 0;
  lastError = "";

  add(method: OrderMethod, servedBy: string): void {
    const key = `${method} ${servedBy}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  fail(error: Error): void {
    this.failed++;
    this.lastError = error.message;
  }

  count(method: OrderMethod, servedBy: string): number {
    return this.#counts.get(`${method} ${servedBy}`) ?? 0;
  }

  /** A table of calls by method and version, with what the phase promises and whether it holds. */
  print(phase: Phase): string {
    const rows = ORDER_METHODS.map((method) => {
      const [v1, v2] = [this.count(method, "v1"), this.count(method, "v2")];
      const share = v1 + v2 === 0 ? 0 : v2 / (v1 + v2);
      const verdict =
        v1 + v2 < JUDGED_CALLS ? "counting" : this.#holds(phase, method) ? "ok" : "NOT what the rule says";
      return `  ${method.padEnd(12)}${pad(v1)}${pad(v2)}${pad(`${Math.round(share * 100)} %`)}${pad(`${Math.round(phase.expected[method].v2 * 100)} %`)}   ${verdict}`;
    });
    const head = `  ${"method".padEnd(12)}${pad("v1")}${pad("v2")}${pad("to v2")}${pad("rule")}`;
    const failed =
      this.failed === 0 ? "no call failed" : `${this.failed} calls failed, the last with: ${this.lastError}`;
    return [phase.title, head, ...rows, `  ${failed}`, ""].join("\n");
  }

  /** Whether every method's split is what the phase promises, and no call failed. */
  holds(phase: Phase): boolean {
    return this.failed === 0 && ORDER_METHODS.every((method) => this.#holds(phase, method));
  }

  #holds(phase: Phase, method: OrderMethod): boolean {
    const [v1, v2] = [this.count(method, "v1"), this.count(method, "v2")];
    const { v2: expected, tolerance } = phase.expected[method];
    return v1 + v2 > 0 && Math.abs(v2 / (v1 + v2) - expected) <= tolerance + Number.EPSILON;
  }
}

function pad(value: number | string): string {
  return String(value).padStart(9);
}
