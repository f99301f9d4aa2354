import { type Metrics, OVERFLOW } from "../../base/metrics.ts";
import { type CallSeries, DURATION_BOUNDS_MS, type ProxyStats } from "../../model/stats.ts";

/** Labels of Istio's call metrics, in Istio's order, then Trestle's own two. */
const LABELS = [
  "reporter",
  "source_workload",
  "source_workload_namespace",
  "source_principal",
  "source_app",
  "source_version",
  "source_canonical_service",
  "source_canonical_revision",
  "source_cluster",
  "destination_workload",
  "destination_workload_namespace",
  "destination_principal",
  "destination_app",
  "destination_version",
  "destination_service",
  "destination_service_name",
  "destination_service_namespace",
  "destination_canonical_service",
  "destination_canonical_revision",
  "destination_cluster",
  "request_protocol",
  "response_code",
  "grpc_response_status",
  "response_flags",
  "connection_security_policy",
  "request_operation",
  "exception",
  "one_way",
] as const;

type Labels = Readonly<Record<(typeof LABELS)[number], string>>;

const REQUESTS = "istio_requests_total";
const UNKNOWN = "unknown";

/** Most series of calls that are told apart. */
export const MAX_CALL_SERIES = 5_000;

/** Most of them that have a histogram: each is 22 lines of every scrape. */
export const MAX_DURATION_SERIES = 2_000;

/** Most methods of one service, and of all together, that are told apart although no provider names them. */
const MAX_UNNAMED = 100;
const MAX_ALL_UNNAMED = 1_000;

/** Workers whose last counts are remembered, the newest ones. */
const MAX_WORKERS = 64;

interface Seen {
  count: number;
  sumMs: number;
  buckets: readonly number[];
}

/** Adds what the workers have counted to the metrics; call it with all of them before each exposition. */
export interface CallMetrics {
  take(stats: readonly ProxyStats[]): void;
}

/**
 * Istio's call metrics out of what proxy workers count. Totals only grow: a worker that is replaced (its name is new, or
 * its counts fell) goes on from where the last one stopped.
 */
export function createCallMetrics(metrics: Metrics): CallMetrics {
  const requests = metrics.counter({
    name: REQUESTS,
    help: "Calls that the proxy carried or answered, each counted once.",
    labels: LABELS,
    maxSeries: MAX_CALL_SERIES,
  });
  // Istio's own name and unit, which dashboards ask for; promtool would like seconds better.
  const durations = metrics.histogram({
    name: "istio_request_duration_milliseconds",
    help: "Time from the whole request's arrival to the whole answer's, in milliseconds.",
    labels: LABELS,
    maxSeries: MAX_DURATION_SERIES,
    bounds: DURATION_BOUNDS_MS,
  });
  const workers = new Map<string, Map<string, Seen>>();
  /** By host: methods that callers named and no provider does. Each worker has others, and each one that is replaced. */
  const unnamed = new Map<string, Set<string>>();
  let allUnnamed = 0;

  return {
    take(stats) {
      for (const { worker, calls } of stats) {
        const seen = workers.get(worker) ?? new Map<string, Seen>();
        workers.delete(worker);
        workers.set(worker, seen);
        for (const call of calls) takeSeries(call, seen);
      }
      // A worker that did not answer in time may be back at the next scrape; names of those that ended are never used again.
      for (const worker of workers.keys()) if (workers.size > MAX_WORKERS) workers.delete(worker);
    },
  };

  function takeSeries(call: CallSeries, seen: Map<string, Seen>): void {
    const key = seriesKey(call);
    const known = seen.get(key);
    const before = known !== undefined && known.count <= call.count ? known : { count: 0, sumMs: 0, buckets: [] };
    seen.set(key, { count: call.count, sumMs: call.durationSumMs, buckets: call.durationBuckets });
    const isApart = call.folded !== true && (call.known === true || takesUnnamed(call));
    const shown = isApart ? call : { ...call, method: OVERFLOW };
    if (!isApart) metrics.countOverflow(REQUESTS, call.count - before.count);
    requests.add(call.count - before.count, ...labelsOf(shown));
    if (call.oneWay) return;
    const counts = call.durationBuckets.map((count, i) => Math.max(0, count - (before.buckets[i] ?? 0)));
    const timed = call.known === false ? { ...shown, method: OVERFLOW } : shown;
    durations.addCounts(counts, Math.max(0, call.durationSumMs - before.sumMs), ...labelsOf(timed));
  }

  function takesUnnamed({ host, method }: CallSeries): boolean {
    const methods = unnamed.get(host) ?? new Set();
    if (methods.has(method)) return true;
    if (methods.size >= MAX_UNNAMED || allUnnamed >= MAX_ALL_UNNAMED) return false;
    unnamed.set(host, methods.add(method));
    allUnnamed++;
    return true;
  }
}

function seriesKey(call: CallSeries): string {
  return [
    call.host,
    call.service,
    call.method,
    call.cluster,
    call.subset,
    call.route,
    call.responseCode,
    call.grpcStatus,
    call.responseFlags,
    call.exception,
    call.oneWay,
    call.folded,
    call.protocol,
  ].join("\u0000");
}

function labelsOf(call: CallSeries): string[] {
  const called = call.cluster === "" ? call.host : call.cluster.slice(call.cluster.lastIndexOf("|") + 1);
  const version = call.subset === "" ? UNKNOWN : call.subset;
  const labels: Labels = {
    reporter: "source",
    source_workload: UNKNOWN,
    source_workload_namespace: UNKNOWN,
    source_principal: UNKNOWN,
    source_app: UNKNOWN,
    source_version: UNKNOWN,
    source_canonical_service: UNKNOWN,
    source_canonical_revision: UNKNOWN,
    source_cluster: UNKNOWN,
    destination_workload: UNKNOWN,
    destination_workload_namespace: UNKNOWN,
    destination_principal: UNKNOWN,
    destination_app: UNKNOWN,
    destination_version: version,
    destination_service: called,
    destination_service_name: called,
    destination_service_namespace: UNKNOWN,
    destination_canonical_service: called,
    destination_canonical_revision: version,
    destination_cluster: UNKNOWN,
    request_protocol: call.protocol ?? "grpc",
    response_code: String(call.responseCode),
    grpc_response_status: call.protocol === "http" ? "" : String(call.grpcStatus),
    response_flags: call.responseFlags,
    connection_security_policy: "none",
    request_operation: call.method,
    exception: String(call.exception),
    one_way: String(call.oneWay),
  };
  return LABELS.map((name) => labels[name]);
}
