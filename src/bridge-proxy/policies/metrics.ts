import { type CallSeries, DURATION_BOUNDS_MS } from "../../model/stats.ts";
import { type Outcome, outcomeAt, outcomeCount } from "./outcome.ts";

/** What tells one row from another; see `CallSeries`. */
export interface RowLabels {
  readonly host: string;
  readonly service: string;
  readonly method: string;
  readonly known?: boolean;
  readonly folded?: true;
  readonly protocol?: "http";
  readonly cluster: string;
  readonly subset: string;
  readonly route: string;
}

const MAX_METHOD_LENGTH = 256;
const BUCKETS = DURATION_BOUNDS_MS.length + 1;

/** Where a call is counted, once, when it is over. */
export interface CallRecord {
  record(outcome: Outcome, durationMs: number): void;
  /** A one-way call was sent on; there is no duration to know. */
  recordOneWay(): void;
}

/** Counts the calls of one method that went to one cluster. Recording touches typed arrays alone. */
export class MetricRow implements CallRecord {
  #labels: RowLabels;
  #counts = new Float64Array(outcomeCount());
  #sums = new Float64Array(outcomeCount());
  #buckets = new Float64Array(outcomeCount() * BUCKETS);
  #oneWay = 0;

  constructor(labels: RowLabels) {
    this.#labels = labels;
  }

  get labels(): RowLabels {
    return this.#labels;
  }

  /** The providers name the method by now. */
  becomeKnown(): void {
    this.#labels = { ...this.#labels, known: true };
  }

  record(outcome: Outcome, durationMs: number): void {
    const index = outcome.index;
    if (index >= this.#counts.length) this.#grow();
    this.#counts[index]!++;
    this.#sums[index]! += durationMs;
    let bucket = 0;
    while (bucket < BUCKETS - 1 && durationMs > DURATION_BOUNDS_MS[bucket]!) bucket++;
    this.#buckets[index * BUCKETS + bucket]!++;
  }

  recordOneWay(): void {
    this.#oneWay++;
  }

  series(): CallSeries[] {
    const list: CallSeries[] = [];
    for (let index = 0; index < this.#counts.length; index++) {
      const count = this.#counts[index]!;
      if (count === 0) continue;
      const { responseCode, grpcStatus, flags, exception } = outcomeAt(index);
      list.push({
        ...this.#labels,
        responseCode,
        grpcStatus,
        responseFlags: flags,
        exception,
        oneWay: false,
        count,
        durationSumMs: this.#sums[index]!,
        durationBuckets: Array.from(this.#buckets.subarray(index * BUCKETS, (index + 1) * BUCKETS)),
      });
    }
    if (this.#oneWay > 0) list.push(this.#oneWaySeries());
    return list;
  }

  #oneWaySeries(): CallSeries {
    return {
      ...this.#labels,
      responseCode: 200,
      grpcStatus: 0,
      responseFlags: "-",
      exception: false,
      oneWay: true,
      count: this.#oneWay,
      durationSumMs: 0,
      durationBuckets: new Array(BUCKETS).fill(0),
    };
  }

  #grow(): void {
    const size = outcomeCount();
    const counts = new Float64Array(size);
    counts.set(this.#counts);
    const sums = new Float64Array(size);
    sums.set(this.#sums);
    const buckets = new Float64Array(size * BUCKETS);
    buckets.set(this.#buckets);
    this.#counts = counts;
    this.#sums = sums;
    this.#buckets = buckets;
  }
}

/** Most rows of one service for methods that its providers do not name: callers may have made them up. */
const MAX_UNNAMED = 100;
const OTHER = "other";

/**
 * All rows of a proxy, at most `maxRows`: past that new methods are counted as `other`, new services as `other` too. Methods that the
 * providers do not name have a few rows of each service and a fifth of all, so that they leave room for those that are.
 */
export class MetricRows {
  readonly #rows = new Map<string, MetricRow>();
  readonly #maxRows: number;
  readonly #unnamed = new Map<string, number>();
  #allUnnamed = 0;

  constructor(maxRows = 5_000) {
    this.#maxRows = maxRows;
  }

  /** The row with these labels, made when there is none yet. A method over 256 characters, which Java has not, counts as `other`. */
  row(labels: RowLabels): MetricRow {
    if (labels.method.length > MAX_METHOD_LENGTH) return this.#folded(labels);
    const isNamed = labels.known === true;
    const found = this.#rows.get(keyOf(labels));
    if (found !== undefined) {
      if (isNamed && found.labels.known !== true) {
        found.becomeKnown();
        this.#countUnnamed(labels.host, -1);
      }
      return found;
    }
    if (this.#rows.size >= this.#maxRows || (!isNamed && this.#isFullOfUnnamed(labels.host)))
      return this.#folded(labels);
    if (!isNamed) this.#countUnnamed(labels.host, 1);
    return this.#add(labels);
  }

  #folded({ known: _, ...labels }: RowLabels): MetricRow {
    const folded: RowLabels = { ...labels, method: OTHER, route: OTHER, folded: true };
    const perService = this.#rows.get(keyOf(folded));
    if (perService !== undefined) return perService;
    if (this.#rows.size < this.#maxRows * 2) return this.#add(folded);
    const names = { host: OTHER, service: OTHER, method: OTHER, cluster: "", subset: "", route: OTHER };
    const other: RowLabels = { ...names, folded: true };
    return this.#rows.get(keyOf(other)) ?? this.#add(other);
  }

  #isFullOfUnnamed(host: string): boolean {
    return (this.#unnamed.get(host) ?? 0) >= MAX_UNNAMED || this.#allUnnamed >= this.#maxRows / 5;
  }

  #countUnnamed(host: string, more: number): void {
    this.#unnamed.set(host, (this.#unnamed.get(host) ?? 0) + more);
    this.#allUnnamed += more;
  }

  series(): CallSeries[] {
    const list: CallSeries[] = [];
    for (const row of this.#rows.values()) list.push(...row.series());
    return list;
  }

  #add(labels: RowLabels): MetricRow {
    const row = new MetricRow(labels);
    this.#rows.set(keyOf(labels), row);
    return row;
  }
}

function keyOf(labels: RowLabels): string {
  return `${labels.host}\n${labels.service}\n${labels.method}\n${labels.cluster}\n${labels.route}\n${labels.folded === true}\n${labels.protocol}`;
}
