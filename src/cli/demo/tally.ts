import { ORDER_METHODS, type OrderMethod } from "./order-service.ts";
import { CALLERS, type Caller, type Phase } from "./scenario.ts";
import { STOCK_CALLERS, type StockCaller } from "./stock-callers.ts";
import { STOCK_LABEL, STOCK_METHODS, type StockMethod } from "./stock-service.ts";

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
    return [phase.title, head, ...rows, `  ${failures(this)}`, ""].join("\n");
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

/** A table of the calls of the REST service: how many were made by whom, and how many it answered. */
export class StockTally {
  readonly #made = new Map<string, number>();
  readonly #answered = new Map<string, number>();
  failed = 0;
  lastError = "";

  add(method: StockMethod, caller: StockCaller, servedBy: string): void {
    const key = `${method} ${caller}`;
    this.#made.set(key, (this.#made.get(key) ?? 0) + 1);
    if (servedBy === STOCK_LABEL) this.#answered.set(key, (this.#answered.get(key) ?? 0) + 1);
  }

  fail(caller: StockCaller, error: Error): void {
    this.failed++;
    this.lastError = `${caller}: ${error.message}`;
  }

  print(title: string): string {
    const rows = STOCK_METHODS.flatMap((method) =>
      STOCK_CALLERS.map((caller) => {
        const verdict = this.#holds(method, caller) ? "ok" : "NOT what the rule says";
        const counts = [this.#made, this.#answered].map((of) => pad(of.get(`${method} ${caller}`) ?? 0)).join("");
        return `  ${method.padEnd(13)}${caller.padEnd(8)}${counts}   ${verdict}`;
      }),
    );
    const head = `  ${"method".padEnd(13)}${"caller".padEnd(8)}${["calls", "REST"].map(pad).join("")}`;
    return [title, head, ...rows, `  ${failures(this)}`, ""].join("\n");
  }

  /** Whether every call was answered by the REST service. */
  holds(): boolean {
    return (
      this.failed === 0 && STOCK_METHODS.every((method) => STOCK_CALLERS.every((caller) => this.#holds(method, caller)))
    );
  }

  #holds(method: StockMethod, caller: StockCaller): boolean {
    const made = this.#made.get(`${method} ${caller}`) ?? 0;
    return made > 0 && this.#answered.get(`${method} ${caller}`) === made;
  }
}

function failures({ failed, lastError }: { readonly failed: number; readonly lastError: string }): string {
  return failed === 0 ? "no call failed" : `${failed} calls failed, the last with: ${lastError}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function pad(value: number | string): string {
  return String(value).padStart(9);
}
