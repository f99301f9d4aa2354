/** Clusters, as envoy/config/cluster/v3 has them in proto3's JSON form, cut down to what Trestle reads. */
import type { Duration, Metadata } from "./core.ts";
import type { TransportSocket, TransportSocketMatch } from "./tls.ts";

/** Envoy's words for how endpoints are picked; Dubbo's weights, warm-up and tags count in all of them. */
export type LbPolicy = "ROUND_ROBIN" | "RANDOM" | "LEAST_REQUEST" | "RING_HASH" | "MAGLEV";

/** A share in percent, 0 to 100. */
export interface Percent {
  readonly value: number;
}

/** How calls to an endpoint that is new in the cluster grow to its full share. */
export interface SlowStartConfig {
  readonly slowStartWindow: Duration;
  /** 1 (where absent) grows evenly in time, more grows early, less grows late. */
  readonly aggression?: { readonly defaultValue: number };
  /** Least share of the weight; 10 where absent. */
  readonly minWeightPercent?: Percent;
}

/** Limits of one cluster, for each proxy worker by itself; what is absent has no limit here (Envoy would take 1024, and 3 retries). */
export interface CircuitBreakerThresholds {
  readonly maxConnections?: number;
  readonly maxPendingRequests?: number;
  readonly maxRequests?: number;
  readonly maxRetries?: number;
  /** Retries at the same time as a share of the calls that wait; takes the place of `maxRetries`. */
  readonly retryBudget?: { readonly budgetPercent?: Percent; readonly minRetryConcurrency?: number };
}

/** When a provider that fails gets no more calls, and for how long. Defaults are Envoy's; success rates are not looked at. */
export interface OutlierDetection {
  readonly consecutive5xx?: number;
  /** Chance in percent: 100 where absent, 0 is off. */
  readonly enforcingConsecutive5xx?: number;
  readonly consecutiveGatewayFailure?: number;
  /** 0 where absent: off. */
  readonly enforcingConsecutiveGatewayFailure?: number;
  readonly splitExternalLocalOriginErrors?: boolean;
  readonly consecutiveLocalOriginFailure?: number;
  readonly enforcingConsecutiveLocalOriginFailure?: number;
  readonly enforcingSuccessRate?: number;
  readonly interval?: Duration;
  readonly baseEjectionTime?: Duration;
  readonly maxEjectionTime?: Duration;
  readonly maxEjectionPercent?: number;
  readonly alwaysEjectOneHost?: boolean;
}

/** Name of the typed config of a cluster that holds its {@link HttpProtocolOptions}. */
export const HTTP_PROTOCOL_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** How connections to providers are used; for all that Trestle carries, not HTTP alone. */
export interface HttpProtocolOptions {
  readonly commonHttpProtocolOptions?: {
    readonly idleTimeout?: Duration;
    readonly maxConnectionDuration?: Duration;
    readonly maxRequestsPerConnection?: number;
  };
  readonly explicitHttpConfig?: {
    readonly httpProtocolOptions?: Readonly<Record<string, never>>;
    readonly http2ProtocolOptions?: { readonly maxConcurrentStreams?: number };
  };
}

/** In place of an interface's name: the cluster takes calls of every service, and changes none of them to another. */
export const ANY_SERVICE = "*";

/** Which service a cluster's endpoints serve: a call for another key is rewritten to it. See {@link ANY_SERVICE}. */
export interface ClusterService {
  readonly interface: string;
  readonly group: string;
  readonly version: string;
  readonly host: string;
  readonly subset: string;
  /** Methods whose providers call back through a parameter (their URLs say `METHOD.INDEX.callback=true`). */
  readonly callbackMethods?: readonly string[];
  /** Every method that a provider names; absent where one does not say, or there are very many. */
  readonly methods?: readonly string[];
  /** Trestle's own balancer, in place of `lbPolicy`: of two the one that answers sooner, by its peaks and the calls that wait there. */
  readonly balancer?: "PEAK_EWMA";
  /** HTTP codes that outlier detection counts as errors, in place of those from 500 on. An Envoy has them among its options of HTTP. */
  readonly errorCodes?: readonly number[];
  /** A retry budget is a share of the calls that began within this time, in place of those that wait. An Envoy has it among its thresholds. */
  readonly retryWindow?: Duration;
}

/** Always an EDS cluster, whose ClusterLoadAssignment has the same name: `outbound|PORT|SUBSET|HOST`. */
export interface Cluster {
  readonly name: string;
  readonly type: "EDS";
  readonly lbPolicy: LbPolicy;
  readonly ringHashLbConfig?: { readonly minimumRingSize?: number; readonly maximumRingSize?: number };
  /** `tableSize` is a prime of at most 5,000,011; 65,537 where absent. */
  readonly maglevLbConfig?: { readonly tableSize?: number };
  readonly leastRequestLbConfig?: { readonly slowStartConfig?: SlowStartConfig };
  readonly roundRobinLbConfig?: { readonly slowStartConfig?: SlowStartConfig };
  readonly commonLbConfig?: {
    /** Below this share of healthy endpoints all of them take calls. 0 where absent, as Istio writes it (Envoy would take 50). */
    readonly healthyPanicThreshold?: Percent;
    /** Calls are spread over localities by their weights. */
    readonly localityWeightedLbConfig?: Readonly<Record<string, never>>;
  };
  readonly connectTimeout?: Duration;
  /** Seconds and counts; of a connection's life signs Node lets us say the first wait alone (`keepaliveTime`). */
  readonly upstreamConnectionOptions?: {
    readonly tcpKeepalive?: {
      readonly keepaliveProbes?: number;
      readonly keepaliveTime?: number;
      readonly keepaliveInterval?: number;
    };
  };
  readonly circuitBreakers?: { readonly thresholds: readonly [CircuitBreakerThresholds] };
  readonly outlierDetection?: OutlierDetection;
  readonly typedExtensionProtocolOptions?: { readonly [HTTP_PROTOCOL_OPTIONS]?: HttpProtocolOptions };
  /** How its connections travel where no match fits: as they are, unless told. */
  readonly transportSocket?: TransportSocket;
  readonly transportSocketMatches?: readonly TransportSocketMatch[];
  readonly metadata: Metadata<ClusterService>;
}
