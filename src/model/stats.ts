/** Upper bounds of the call duration buckets, ms, as Istio's proxies use them; one more bucket counts what is above the last. */
export const DURATION_BOUNDS_MS = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
] as const;

/** Calls that are alike in everything a metric tells apart; counts only grow. */
export interface CallSeries {
  /** The entry's host; `unknown` for a call that no virtual host took. */
  readonly host: string;
  /** Printed service key as the caller named it. */
  readonly service: string;
  /** Java method (of a generic call: the method it names); `other` past the cardinality bound. */
  readonly method: string;
  /** Whether the providers' `methods` name it; absent where they do not say. */
  readonly known?: boolean;
  /** Several methods are counted here together. */
  readonly folded?: true;
  /** `http` where it came as a plain HTTP request; absent for calls of Dubbo's own protocols. */
  readonly protocol?: "http";
  /** Name of the cluster that was tried last, and its subset; `""` where none was. */
  readonly cluster: string;
  readonly subset: string;
  /** Route name; `""` where none matched. */
  readonly route: string;
  /** HTTP and gRPC codes of the answer table. */
  readonly responseCode: number;
  readonly grpcStatus: number;
  /** Envoy's response flags; `-` for none. */
  readonly responseFlags: string;
  /** The callee answered with a business exception (status 20). */
  readonly exception: boolean;
  readonly oneWay: boolean;
  readonly count: number;
  readonly durationSumMs: number;
  /** One count per bound of {@link DURATION_BOUNDS_MS}, then the overflow; not cumulative. */
  readonly durationBuckets: readonly number[];
}

/** A provider that a worker sends no calls of one cluster for a while, since too many in a row failed. */
export interface EjectedEndpoint {
  readonly cluster: string;
  /** The entry's host. */
  readonly host: string;
  /** `""` for none. */
  readonly subset: string;
  readonly address: string;
  readonly port: number;
  /** How often it was ejected so far. */
  readonly ejections: number;
  /** The earliest that it may be back, time of day, ms. */
  readonly untilMs: number;
}

/** What a proxy worker has counted since it started, and what it holds now. */
export interface ProxyStats {
  readonly worker: string;
  readonly calls: readonly CallSeries[];
  /** Monotonic counters by name, such as `downstream_connections_total`, `late_answers_total`, `retries_total`. */
  readonly counters: Readonly<Record<string, number>>;
  /** Values that go up and down, such as `calls_in_flight`, `upstream_connections`. */
  readonly gauges: Readonly<Record<string, number>>;
  /** Absent for none. */
  readonly ejected?: readonly EjectedEndpoint[];
}

/** The counts of a worker that has ended and of the one in its place, as one; gauges are the second's. */
export function addStats(ended: ProxyStats | undefined, now: ProxyStats): ProxyStats {
  if (ended === undefined) return now;
  const calls = new Map(ended.calls.map((series) => [seriesKey(series), series]));
  for (const series of now.calls) {
    const before = calls.get(seriesKey(series));
    calls.set(seriesKey(series), before === undefined ? series : addSeries(before, series));
  }
  const counters = { ...ended.counters };
  for (const [name, value] of Object.entries(now.counters)) counters[name] = (counters[name] ?? 0) + value;
  return { ...now, calls: [...calls.values()], counters };
}

function addSeries(a: CallSeries, b: CallSeries): CallSeries {
  return {
    ...b,
    count: a.count + b.count,
    durationSumMs: a.durationSumMs + b.durationSumMs,
    durationBuckets: b.durationBuckets.map((count, i) => count + (a.durationBuckets[i] ?? 0)),
  };
}

function seriesKey(series: CallSeries): string {
  const { count: _, durationSumMs: __, durationBuckets: ___, known: ____, ...labels } = series;
  return JSON.stringify(labels);
}
