/** What the xDS server counts, under Istio's names (pilot/pkg/xds/monitoring.go), so that its dashboards show it. */
import { createMetrics } from "../../base/metrics.ts";

/** Counts of one xDS server. */
export interface XdsMetrics {
  /** A response went out; `bytes` are its size. */
  pushed(typeUrl: string, bytes: number): void;
  refused(typeUrl: string): void;
  stale(typeUrl: string): void;
  /** A client has in force what changed `ms` ago. */
  converged(ms: number): void;
  /** A resource that could not be made into bytes, or a failure of our own. */
  failed(): void;
  /** A change that was sent on, after waiting for `ms` for others. */
  triggered(ms: number): void;
  /** A stream that was ended for what its client did, by a word of why. */
  ended(reason: string): void;
  setClients(count: number): void;
  /** All of it as text for Prometheus. */
  expose(): string;
}

/** By type URL's last word, Istio's names of types. */
const SHORT: Readonly<Record<string, string>> = {
  Listener: "lds",
  RouteConfiguration: "rds",
  VirtualHost: "vhds",
  Cluster: "cds",
  ClusterLoadAssignment: "eds",
  Secret: "sds",
  TypedExtensionConfig: "ecds",
  Runtime: "rtds",
  MultipleRouteConfiguration: "drds",
  ServiceSchema: "schema",
};

/** Of types that there are; those that clients make up are cut off anew each time. */
const known = new Map<string, string>();
const MAX_KNOWN = 64;

/** What people call a type: `cds` for clusters; others by the last word of their type URL. */
export function shortType(typeUrl: string): string {
  const before = known.get(typeUrl);
  if (before !== undefined) return before;
  const word = typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
  const short = SHORT[word] ?? word.slice(0, 60);
  if (known.size < MAX_KNOWN && typeUrl.length < 256) known.set(typeUrl, short);
  return short;
}

/** Counts of a new server, all at 0. */
export function createXdsMetrics(): XdsMetrics {
  const metrics = createMetrics();
  const clients = metrics.gauge({ name: "pilot_xds", help: "Streams of xDS clients that are open." });
  const labels = ["type"];
  const pushes = metrics.counter({ name: "pilot_xds_pushes", help: "Responses sent, by type.", labels, maxSeries: 64 });
  const rejects = metrics.counter({
    name: "pilot_total_xds_rejects",
    help: "Responses that clients refused, by type.",
    labels,
    maxSeries: 64,
  });
  const expired = metrics.counter({
    name: "pilot_xds_expired_nonce",
    help: "Requests that answer another response than the last, by type.",
    labels,
    maxSeries: 64,
  });
  const convergence = metrics.histogram({
    name: "pilot_proxy_convergence_time",
    help: "Time from a change until a client has taken it, in seconds.",
    bounds: [0.1, 0.5, 1, 3, 5, 10, 20, 30],
  });
  const debounce = metrics.histogram({
    name: "pilot_debounce_time",
    help: "Time from the first change of a push until the push, in seconds.",
    bounds: [0.01, 0.1, 1, 3, 5, 10, 20, 30],
  });
  const sizes = metrics.histogram({
    name: "pilot_xds_config_size_bytes",
    help: "Size of responses, in bytes, by type.",
    labels,
    maxSeries: 64,
    bounds: [1, 10_000, 1_000_000, 4_000_000, 10_000_000, 40_000_000],
  });
  const errors = metrics.counter({
    name: "pilot_total_xds_internal_errors",
    help: "Failures of the xDS server's own.",
  });
  const ended = metrics.counter({
    name: "trestle_xds_streams_ended_total",
    help: "Streams that were ended for what their clients did, by reason.",
    labels: ["reason"],
    maxSeries: 16,
  });
  clients.set(0);
  return {
    pushed(typeUrl, bytes) {
      pushes.add(1, shortType(typeUrl));
      sizes.observe(bytes, shortType(typeUrl));
    },
    refused: (typeUrl) => rejects.add(1, shortType(typeUrl)),
    stale: (typeUrl) => expired.add(1, shortType(typeUrl)),
    converged: (ms) => convergence.observe(ms / 1_000),
    failed: () => errors.add(1),
    triggered: (ms) => debounce.observe(ms / 1_000),
    ended: (reason) => ended.add(1, reason),
    setClients: (count) => clients.set(count),
    expose: () => metrics.expose(),
  };
}
