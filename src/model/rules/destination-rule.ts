import type { ExportTo, Located, RuleIdentity } from "./located.ts";

/** Istio's words; LEAST_CONN counts as LEAST_REQUEST, and the last two as no word at all: at random by weight. */
export type SimpleBalancer = "ROUND_ROBIN" | "RANDOM" | "LEAST_REQUEST" | "LEAST_CONN" | "PASSTHROUGH" | "UNSPECIFIED";

/** Which endpoint a call goes to follows from a hash of one thing that it says; exactly one of the first four is set. */
export interface ConsistentHash extends Located {
  /** An attachment or header; `dubbo-arg-N` is an argument. */
  readonly httpHeaderName?: string;
  readonly httpCookie?: Located & {
    readonly name: string;
    readonly path?: string;
    /** How long the cookie lives that a caller without one is given; 0 ends with its session, absent gives none. */
    readonly ttlMs?: number;
    readonly attributes?: readonly (Located & { readonly name: string; readonly value?: string })[];
  };
  readonly useSourceIp?: boolean;
  readonly httpQueryParameterName?: string;
  /** At most one of the two; a ring of 1,024 places where neither stands. */
  readonly ringHash?: Located & { readonly minimumRingSize?: number };
  readonly maglev?: Located & { readonly tableSize?: number };
  /** Istio's older place of `ringHash.minimumRingSize`. */
  readonly minimumRingSize?: number;
}

/** Which endpoints are near, and what becomes of calls by that. Localities are `region/zone/subzone`, `*` for any rest. */
export interface LocalityLb extends Located {
  readonly distribute?: readonly (Located & { readonly from: string; readonly to: Readonly<Record<string, number>> })[];
  readonly failover?: readonly (Located & { readonly from: string; readonly to: string })[];
  /** Labels, the most important first: endpoints that agree with the proxy in more of them take calls first. `name=value` stands in for the proxy's own. */
  readonly failoverPriority?: readonly string[];
  /** False: endpoints are chosen wherever they are. */
  readonly enabled?: boolean;
}

/** Calls stay in the caller's zone as far as its endpoints are a fair part of the region's, and in its region while that is healthy. */
export interface ZoneAwareLb extends Located {
  readonly enabled?: boolean;
  readonly failover?: LocalityLb["failover"];
  readonly failoverPriority?: LocalityLb["failoverPriority"];
  /** Endpoints of the region below which zones are all alike; 6 unless said. */
  readonly minClusterSize?: number;
}

/** How calls to an endpoint that is new grow to its full share. */
export interface Warmup extends Located {
  readonly durationMs: number;
  /** 10 unless said. */
  readonly minimumPercent?: number;
  /** 1 unless said: grows evenly. */
  readonly aggression?: number;
}

/** How endpoints are picked. */
export interface LoadBalancer extends Located {
  readonly simple?: SimpleBalancer;
  readonly consistentHash?: ConsistentHash;
  readonly localityLbSetting?: LocalityLb;
  readonly zoneAwareLbSetting?: ZoneAwareLb;
  readonly warmup?: Warmup;
}

/** Limits towards providers, for each proxy worker by itself; 0 is "not set", as in Istio. */
export interface ConnectionPool extends Located {
  readonly tcp?: Located & {
    readonly maxConnections?: number;
    readonly connectTimeoutMs?: number;
    readonly tcpKeepalive?: Located & {
      readonly probes?: number;
      readonly timeMs?: number;
      readonly intervalMs?: number;
    };
    readonly maxConnectionDurationMs?: number;
    readonly idleTimeoutMs?: number;
  };
  readonly http?: Located & {
    readonly http1MaxPendingRequests?: number;
    readonly http2MaxRequests?: number;
    readonly maxRequestsPerConnection?: number;
    readonly maxRetries?: number;
    readonly idleTimeoutMs?: number;
    readonly maxConcurrentStreams?: number;
  };
}

/** When an endpoint that fails gets no calls for a while. What is not said is Envoy's default; 0 switches a count off. */
export interface OutlierDetection extends Located {
  readonly consecutive5xxErrors?: number;
  readonly consecutiveGatewayErrors?: number;
  readonly splitExternalLocalOriginErrors?: boolean;
  readonly consecutiveLocalOriginFailures?: number;
  readonly intervalMs?: number;
  readonly baseEjectionTimeMs?: number;
  readonly maxEjectionPercent?: number;
  /** Below this share of healthy endpoints all of them take calls; 0 (as without a word) is never. */
  readonly minHealthPercent?: number;
  /** Statuses, such as 429, that count as errors in place of those from 500 on. */
  readonly outlierDetectionHttpErrorCodes?: readonly number[];
}

/** How connections to providers are secured. */
export interface ClientTls extends Located {
  readonly mode?: "DISABLE" | "SIMPLE" | "MUTUAL" | "ISTIO_MUTUAL";
  /** Files of PEM. */
  readonly clientCertificate?: string;
  readonly privateKey?: string;
  readonly caCertificates?: string;
  readonly caCrl?: string;
  /** Name of a secret in place of the files. */
  readonly credentialName?: string;
  /** The provider's certificate must have one of these names. */
  readonly subjectAltNames?: readonly string[];
  readonly sni?: string;
  /** Any certificate of the provider is taken. */
  readonly insecureSkipVerify?: boolean;
}

/** Retries at one time as a share of the calls that wait; takes the place of `maxRetries`. */
export interface RetryBudget extends Located {
  /** 20 unless said. */
  readonly percent?: number;
  /** 3 unless said. */
  readonly minRetryConcurrency?: number;
  /** Calls that began within this time count, in place of those that wait; 0 is without. */
  readonly budgetIntervalMs?: number;
}

/** What is said of one port; it stands in place of what is said for all ports, whole. */
export interface PortPolicy extends Located {
  readonly loadBalancer?: LoadBalancer;
  readonly connectionPool?: ConnectionPool;
  readonly outlierDetection?: OutlierDetection;
  readonly tls?: ClientTls;
}

/** How calls are spread and bounded; each setting of a subset stands in for the host's of that name as a whole. */
export interface TrafficPolicy extends PortPolicy {
  readonly retryBudget?: RetryBudget;
  readonly portLevelSettings?: readonly (PortPolicy & { readonly port: Located & { readonly number: number } })[];
}

/** A named part of a host's endpoints. */
export interface Subset extends Located {
  readonly name: string;
  /** All must hold; none selects every endpoint. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly trafficPolicy?: TrafficPolicy;
}

/** Istio's DestinationRule. */
export interface DestinationRule extends RuleIdentity {
  readonly kind: "DestinationRule";
  readonly host: string;
  readonly subsets: readonly Subset[];
  readonly trafficPolicy?: TrafficPolicy;
  readonly exportTo?: ExportTo;
  /** The clients that it is for, in its own namespace, by their labels; absent for all. */
  readonly workloadSelector?: Readonly<Record<string, string>>;
  /** Trestle's own balancer, by the annotation `trestle.io/load-balancer`, in place of the rule's `simple`. */
  readonly balancer?: "PEAK_EWMA";
}
