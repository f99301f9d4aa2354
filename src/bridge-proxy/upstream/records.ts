import type { CallReason } from "../../base/errors.ts";
import { PeakEwma } from "../balance/peak-ewma.ts";
import type { Outcome } from "../policies/outcome.ts";
import type { Consecutive, OutlierPlan } from "./outlier.ts";

/** What a cluster asks of its endpoints' records. */
export interface RecordPlan {
  readonly outlier: OutlierPlan | undefined;
  /** Answers are timed, for a balancer that goes by that. */
  readonly timesAnswers: boolean;
  /** In [0, 1). */
  readonly random: () => number;
  /** An endpoint was ejected, or is back: what was derived from that is stale. */
  readonly changed: () => void;
}

/** Ways in which a try ends that say something of its provider, as HTTP codes. */
const LOCAL_CODES: Readonly<Partial<Record<CallReason, number>>> = { connect_failure: 503, reset: 503, timeout: 504 };

/** A failed try counts as one that took at least this long, ms, or nobody would seem faster than a provider that refuses every call. */
const FAILURE_MS = 1_000;

/** What the tries of one cluster at one provider showed. All times are the time of day, ms. */
export class EndpointRecord {
  /** It failed too often: it takes no call for a while. */
  ejected = false;
  /** Since the cluster is there. */
  ejections = 0;
  readonly #plan: RecordPlan;
  readonly #records: EndpointRecords;
  readonly #rtt: PeakEwma | undefined;
  #errors = 0;
  #gatewayErrors = 0;
  #localErrors = 0;
  #backOff = 0;
  #ejectedUntilMs = 0;

  constructor(plan: RecordPlan, records: EndpointRecords, wallMs: number) {
    this.#plan = plan;
    this.#records = records;
    this.#rtt = plan.timesAnswers ? new PeakEwma(wallMs) : undefined;
  }

  /** The earliest that it may be back; of one that is ejected. */
  get ejectedUntilMs(): number {
    return this.#ejectedUntilMs;
  }

  /** What an answer takes there, ms, by the answers so far. */
  rttMs(wallMs: number): number {
    return this.#rtt?.estimateMs(wallMs) ?? 1;
  }

  /** The provider answered, after so long. */
  answered({ responseCode }: Outcome, tookMs: number, wallMs: number): void {
    this.#rtt?.observe(responseCode >= 500 ? Math.max(FAILURE_MS, tookMs) : tookMs, wallMs);
    const { outlier } = this.#plan;
    if (outlier === undefined) return;
    this.#localErrors = 0;
    const isError = outlier.isError(responseCode);
    this.#count(isError, isError && isGatewayError(responseCode), outlier, wallMs);
  }

  /** The try ended without an answer. Reasons that have nothing to do with the provider do not count. */
  failed(reason: CallReason, tookMs: number, wallMs: number): void {
    const code = LOCAL_CODES[reason];
    if (code === undefined) return;
    this.#rtt?.observe(Math.max(FAILURE_MS, tookMs), wallMs);
    const { outlier } = this.#plan;
    if (outlier === undefined) return;
    const { localErrors } = outlier;
    if (localErrors === undefined) this.#count(true, isGatewayError(code), outlier, wallMs);
    else if (localErrors !== "off") {
      this.#localErrors++;
      this.#ejectAt(this.#localErrors, localErrors, outlier, wallMs);
    }
  }

  /** Takes over what another record of the same provider knows, where providers are ejected by the same numbers as there. */
  adopt(other: EndpointRecord): void {
    if (this.#plan.outlier === undefined || this.#plan.outlier.key !== other.#plan.outlier?.key) return;
    this.ejected = other.ejected;
    this.ejections = other.ejections;
    this.#backOff = other.#backOff;
    this.#ejectedUntilMs = other.#ejectedUntilMs;
  }

  /** An interval has passed: it is back when its time is over, and failures count for less the longer there are none. */
  check(wallMs: number): void {
    if (!this.ejected) {
      if (this.#backOff > 0) this.#backOff--;
    } else if (wallMs >= this.#ejectedUntilMs) {
      this.ejected = false;
      this.#forget();
      this.#plan.changed();
    }
  }

  #count(isError: boolean, isGateway: boolean, outlier: OutlierPlan, wallMs: number): void {
    this.#errors = isError ? this.#errors + 1 : 0;
    this.#gatewayErrors = isGateway ? this.#gatewayErrors + 1 : 0;
    if (!isError) return;
    this.#ejectAt(this.#gatewayErrors, outlier.gatewayErrors, outlier, wallMs);
    this.#ejectAt(this.#errors, outlier.errors, outlier, wallMs);
  }

  #ejectAt(failures: number, limit: Consecutive | undefined, outlier: OutlierPlan, wallMs: number): void {
    if (this.ejected || limit === undefined || failures < limit.count) return;
    this.#forget();
    if (this.#plan.random() >= limit.chance || !this.#records.mayEject(outlier)) return;
    this.ejected = true;
    this.ejections++;
    this.#backOff++;
    this.#ejectedUntilMs = wallMs + Math.min(outlier.maxEjectionMs, outlier.baseEjectionMs * this.#backOff);
    this.#plan.changed();
  }

  #forget(): void {
    this.#errors = 0;
    this.#gatewayErrors = 0;
    this.#localErrors = 0;
  }
}

function isGatewayError(code: number): boolean {
  return code >= 502 && code <= 504;
}

/** The records of a cluster's providers, whatever they speak. */
export class EndpointRecords {
  readonly #plan: RecordPlan;
  readonly #byHost = new Map<object, EndpointRecord>();
  #before: EndpointRecords | undefined;
  #checkedMs = 0;

  /** `before` are those of the cluster in whose place this one stands. */
  constructor(plan: RecordPlan, before: EndpointRecords | undefined) {
    this.#plan = plan;
    this.#before = before;
  }

  /** Providers that are ejected now. */
  get ejected(): number {
    let count = 0;
    for (const record of this.#byHost.values()) if (record.ejected) count++;
    return count;
  }

  /** The provider's record; undefined where the cluster asks for none. */
  recordOf(host: object, wallMs: number): EndpointRecord | undefined {
    if (this.#plan.outlier === undefined && !this.#plan.timesAnswers) return undefined;
    let record = this.#byHost.get(host);
    if (record === undefined) {
      record = new EndpointRecord(this.#plan, this, wallMs);
      const known = this.#before === undefined ? undefined : this.#before.#byHost.get(host);
      if (known !== undefined) record.adopt(known);
      this.#byHost.set(host, record);
    }
    return record;
  }

  /** Forgets the providers that are not listed any more, and all that was known before. */
  keep(hosts: ReadonlySet<object>): void {
    this.#before = undefined;
    for (const host of this.#byHost.keys()) if (!hosts.has(host)) this.#byHost.delete(host);
  }

  /** Whether one more may be ejected, as Envoy counts: as long as those ejected stay within their share of all. */
  mayEject({ maxEjected, alwaysEjectsOne }: OutlierPlan): boolean {
    const { ejected } = this;
    return (ejected + 1) / this.#byHost.size <= maxEjected || (alwaysEjectsOne && ejected === 0);
  }

  /** To be called now and then: looks at all of them once an interval; `slackMs` is how often it is called. */
  tick(wallMs: number, slackMs: number): void {
    const { outlier } = this.#plan;
    if (outlier === undefined || wallMs - this.#checkedMs < outlier.intervalMs - slackMs / 2) return;
    this.#checkedMs = wallMs;
    for (const record of this.#byHost.values()) record.check(wallMs);
  }
}
