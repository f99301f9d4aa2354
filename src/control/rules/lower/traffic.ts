import {
  type CircuitBreakerThresholds,
  type Cluster,
  type ClusterService,
  HTTP_PROTOCOL_OPTIONS,
  type HttpProtocolOptions,
  type OutlierDetection as OutlierResource,
  type SlowStartConfig,
} from "../../../codecs/xds/cluster.ts";
import type { HashPolicy } from "../../../codecs/xds/route.ts";
import type {
  ConnectionPool,
  ConsistentHash,
  DestinationRule,
  LoadBalancer,
  OutlierDetection,
  PortPolicy,
  RetryBudget,
  Subset,
  TrafficPolicy,
  Warmup,
} from "../../../model/rules/destination-rule.ts";
import { printDuration } from "../values.ts";

/** What is in force for one cluster: of a subset, its port's, the rule's and the rule's for the port, setting by setting. */
export type EffectivePolicy = PortPolicy | TrafficPolicy;

/** What a DestinationRule says about one cluster, but for its transport sockets and localities. */
export type LoweredPolicy = Omit<
  Cluster,
  "name" | "type" | "metadata" | "transportSocket" | "transportSocketMatches"
> & {
  readonly balancer?: ClusterService["balancer"];
  readonly errorCodes?: ClusterService["errorCodes"];
  readonly retryWindow?: ClusterService["retryWindow"];
};

/** Without a word about it calls are spread as Dubbo's consumers do by default: at random, by weight. */
export const DEFAULT_POLICY: LoweredPolicy = { lbPolicy: "RANDOM" };

/** Least places of a ring unless told; Istio's figure. */
const MIN_RING = 1_024;

/** The subset of that name; the first where there are two. */
export function findSubset(rule: DestinationRule | undefined, name: string): Subset | undefined {
  return rule?.subsets.find((subset) => subset.name === name);
}

/**
 * The policy in force: what is said of `port` stands in place of what is said of all ports, whole, and of a subset in place of all that the rule
 * says of these settings; each other setting of a subset's in place of the rule's of that name. The order is Istio's
 * (pilot/pkg/networking/util/util.go, MergeSubsetTrafficPolicy).
 */
export function effectivePolicy(
  rule: DestinationRule | undefined,
  subset: Subset | undefined,
  port: number,
): EffectivePolicy | undefined {
  const ofRule = ofPort(rule?.trafficPolicy, port);
  const ofSubset = ofPort(subset?.trafficPolicy, port);
  if (ofRule === undefined || ofSubset === undefined) return ofSubset ?? ofRule;
  if (ofSubset === subset?.trafficPolicy) return { ...ofRule, ...ofSubset };
  const budget = "retryBudget" in ofRule ? ofRule.retryBudget : undefined;
  return { ...ofSubset, ...(budget !== undefined && { retryBudget: budget }) };
}

function ofPort(policy: TrafficPolicy | undefined, port: number): EffectivePolicy | undefined {
  return policy?.portLevelSettings?.find((one) => one.port.number === port) ?? policy;
}

/** Lowers the policy in force for a service's cluster; its name's port is `port`. */
export function lowerPolicy(
  rule: DestinationRule | undefined,
  subset: Subset | undefined,
  port: number,
): LoweredPolicy {
  const policy = effectivePolicy(rule, subset, port);
  if (policy === undefined) return rule?.balancer === undefined ? DEFAULT_POLICY : peakEwma();
  const { loadBalancer, connectionPool, outlierDetection } = policy;
  const isRules = loadBalancer === rule?.trafficPolicy?.loadBalancer && loadBalancer?.consistentHash === undefined;
  return {
    ...(isRules && rule?.balancer !== undefined ? peakEwma(loadBalancer) : lowerBalancer(loadBalancer)),
    ...lowerPool(connectionPool, "retryBudget" in policy ? policy.retryBudget : undefined),
    ...(outlierDetection !== undefined && { outlierDetection: lowerOutlier(outlierDetection) }),
    ...lowerCommon(loadBalancer, outlierDetection),
    ...lowerConnections(connectionPool),
    ...lowerErrorCodes(outlierDetection),
    ...lowerWindow("retryBudget" in policy ? policy.retryBudget : undefined),
  };
}

function lowerWindow({ budgetIntervalMs = 0 }: Partial<RetryBudget> = {}): Pick<LoweredPolicy, "retryWindow"> {
  return budgetIntervalMs === 0 ? {} : { retryWindow: printDuration(budgetIntervalMs) };
}

function lowerErrorCodes(outlier: OutlierDetection | undefined): Pick<LoweredPolicy, "errorCodes"> {
  const codes = outlier?.outlierDetectionHttpErrorCodes ?? [];
  return codes.length === 0 ? {} : { errorCodes: codes };
}

/** Other proxies, which do not know Trestle's own balancer, take the next best. */
function peakEwma(loadBalancer?: LoadBalancer): LoweredPolicy {
  const next = loadBalancer && lowerBalancer({ ...loadBalancer, simple: "LEAST_REQUEST" });
  return { lbPolicy: "LEAST_REQUEST", ...next, balancer: "PEAK_EWMA" };
}

function lowerBalancer(loadBalancer: LoadBalancer | undefined): LoweredPolicy {
  const { simple, consistentHash, warmup } = loadBalancer ?? {};
  if (consistentHash?.maglev !== undefined) {
    const { tableSize = 0 } = consistentHash.maglev;
    return { lbPolicy: "MAGLEV", ...(tableSize > 0 && { maglevLbConfig: { tableSize } }) };
  }
  if (consistentHash !== undefined) {
    const least = consistentHash.ringHash?.minimumRingSize ?? consistentHash.minimumRingSize ?? 0;
    return { lbPolicy: "RING_HASH", ringHashLbConfig: { minimumRingSize: least > 0 ? least : MIN_RING } };
  }
  const slow = warmup === undefined ? undefined : { slowStartConfig: lowerWarmup(warmup) };
  switch (simple) {
    case "ROUND_ROBIN":
      return { lbPolicy: "ROUND_ROBIN", ...(slow && { roundRobinLbConfig: slow }) };
    case "LEAST_REQUEST":
    case "LEAST_CONN":
      return { lbPolicy: "LEAST_REQUEST", ...(slow && { leastRequestLbConfig: slow }) };
    case undefined:
    case "UNSPECIFIED":
      // Istio's own default, the only one beside round robin that can warm up.
      return slow === undefined ? DEFAULT_POLICY : { lbPolicy: "LEAST_REQUEST", leastRequestLbConfig: slow };
    default:
      return DEFAULT_POLICY;
  }
}

function lowerWarmup({ durationMs, minimumPercent = 10, aggression = 1 }: Warmup): SlowStartConfig {
  return {
    slowStartWindow: printDuration(durationMs),
    aggression: { defaultValue: aggression },
    minWeightPercent: { value: minimumPercent },
  };
}

/** 0 is "not set", as in Istio: then there is no limit. */
function lowerPool(
  pool: ConnectionPool | undefined,
  budget: RetryBudget | undefined,
): Pick<LoweredPolicy, "circuitBreakers" | "connectTimeout" | "upstreamConnectionOptions"> {
  const { tcp, http } = pool ?? {};
  const limits = {
    maxConnections: tcp?.maxConnections,
    maxPendingRequests: http?.http1MaxPendingRequests,
    maxRequests: http?.http2MaxRequests,
    maxRetries: budget === undefined ? http?.maxRetries : undefined,
  };
  const set = Object.entries(limits).filter(([, limit]) => limit !== undefined && limit > 0);
  const thresholds: CircuitBreakerThresholds = {
    ...Object.fromEntries(set),
    ...(budget !== undefined && {
      retryBudget: {
        budgetPercent: { value: budget.percent ?? 20 },
        minRetryConcurrency: budget.minRetryConcurrency ?? 3,
      },
    }),
  };
  const keepalive = tcp?.tcpKeepalive;
  const seconds = (ms: number) => Math.max(1, Math.round(ms / 1_000));
  return {
    ...(Object.keys(thresholds).length > 0 && { circuitBreakers: { thresholds: [thresholds] as const } }),
    ...(tcp?.connectTimeoutMs !== undefined && { connectTimeout: printDuration(tcp.connectTimeoutMs) }),
    ...(keepalive !== undefined && {
      upstreamConnectionOptions: {
        tcpKeepalive: {
          ...(keepalive.probes !== undefined && { keepaliveProbes: keepalive.probes }),
          ...(keepalive.timeMs !== undefined && { keepaliveTime: seconds(keepalive.timeMs) }),
          ...(keepalive.intervalMs !== undefined && { keepaliveInterval: seconds(keepalive.intervalMs) }),
        },
      },
    }),
  };
}

/** A count of 0 switches its kind of ejection off. Success rates are never looked at, as with Istio. */
function lowerOutlier(outlier: OutlierDetection): OutlierResource {
  const { consecutive5xxErrors: errors, consecutiveGatewayErrors: gateway, intervalMs, baseEjectionTimeMs } = outlier;
  const { consecutiveLocalOriginFailures: local = 0, maxEjectionPercent = 0 } = outlier;
  const enforced = (count: number) => (count > 0 ? 100 : 0);
  return {
    enforcingSuccessRate: 0,
    ...(errors !== undefined && { consecutive5xx: errors, enforcingConsecutive5xx: enforced(errors) }),
    ...(gateway !== undefined && {
      consecutiveGatewayFailure: gateway,
      enforcingConsecutiveGatewayFailure: enforced(gateway),
    }),
    ...(outlier.splitExternalLocalOriginErrors === true && {
      splitExternalLocalOriginErrors: true,
      ...(local > 0 && { consecutiveLocalOriginFailure: local, enforcingConsecutiveLocalOriginFailure: 100 }),
    }),
    ...(intervalMs !== undefined && { interval: printDuration(intervalMs) }),
    ...(baseEjectionTimeMs !== undefined && { baseEjectionTime: printDuration(baseEjectionTimeMs) }),
    ...(maxEjectionPercent > 0 && { maxEjectionPercent }),
  };
}

/** Istio writes the panic threshold wherever it ejects: 0, never, unless told. */
function lowerCommon(
  loadBalancer: LoadBalancer | undefined,
  outlier: OutlierDetection | undefined,
): Pick<LoweredPolicy, "commonLbConfig"> {
  const { distribute = [], enabled } = loadBalancer?.localityLbSetting ?? {};
  const byZones = loadBalancer?.zoneAwareLbSetting?.enabled === true;
  const common = {
    ...(outlier !== undefined && { healthyPanicThreshold: { value: outlier.minHealthPercent ?? 0 } }),
    ...(((distribute.length > 0 && enabled !== false) || byZones) && { localityWeightedLbConfig: {} }),
  };
  return Object.keys(common).length === 0 ? {} : { commonLbConfig: common };
}

function lowerConnections(pool: ConnectionPool | undefined): Pick<LoweredPolicy, "typedExtensionProtocolOptions"> {
  const { tcp, http } = pool ?? {};
  const idleMs = http?.idleTimeoutMs ?? tcp?.idleTimeoutMs;
  const { maxRequestsPerConnection = 0, maxConcurrentStreams = 0 } = http ?? {};
  const common = {
    ...(idleMs !== undefined && { idleTimeout: printDuration(idleMs) }),
    ...(tcp?.maxConnectionDurationMs !== undefined && {
      maxConnectionDuration: printDuration(tcp.maxConnectionDurationMs),
    }),
    ...(maxRequestsPerConnection > 0 && { maxRequestsPerConnection }),
  };
  const options: HttpProtocolOptions = {
    ...(Object.keys(common).length > 0 && { commonHttpProtocolOptions: common }),
    ...(maxConcurrentStreams > 0 && { explicitHttpConfig: { http2ProtocolOptions: { maxConcurrentStreams } } }),
  };
  return Object.keys(options).length === 0
    ? {}
    : { typedExtensionProtocolOptions: { [HTTP_PROTOCOL_OPTIONS]: options } };
}

/** What a call's hash is made from; none where the balancer asks for no hash. */
export function lowerHash(hash: ConsistentHash | undefined): readonly HashPolicy[] {
  if (hash === undefined) return [];
  const { httpHeaderName, httpCookie, httpQueryParameterName } = hash;
  if (httpHeaderName !== undefined) return [{ header: { headerName: httpHeaderName } }];
  if (httpQueryParameterName !== undefined) return [{ queryParameter: { name: httpQueryParameterName } }];
  if (httpCookie === undefined) return [{ connectionProperties: { sourceIp: true } }];
  const { name, path = "", ttlMs, attributes = [] } = httpCookie;
  return [
    {
      cookie: {
        name,
        ...(ttlMs !== undefined && { ttl: printDuration(ttlMs) }),
        ...(path !== "" && { path }),
        ...(attributes.length > 0 && {
          attributes: attributes.map((one) => ({
            name: one.name,
            ...(one.value !== undefined && { value: one.value }),
          })),
        }),
      },
    },
  ];
}
