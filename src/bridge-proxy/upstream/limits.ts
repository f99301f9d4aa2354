import type { CircuitBreakerThresholds } from "../../codecs/xds/cluster.ts";

/** Limits of one cluster, compiled; Infinity for none. */
export interface ClusterLimits {
  /** Calls that wait for an answer. */
  readonly maxRequests: number;
  /** Calls that wait for a connection. */
  readonly maxPending: number;
  readonly maxConnections: number;
  /** Retries that are under way, or wait for their time, while so many calls wait. */
  readonly maxRetries: (waiting: number) => number;
  /** The number of retries depends on that of the calls. */
  readonly countsCalls: boolean;
}

/** Envoy's defaults of a retry budget, percent and calls. */
const BUDGET_PERCENT = 20;
const BUDGET_LEAST = 3;

/** Compiles a cluster's circuit breakers. */
export function compileLimits(thresholds: CircuitBreakerThresholds = {}): ClusterLimits {
  const { retryBudget } = thresholds;
  const maxRequests = limitOf(thresholds.maxRequests);
  const fixed = limitOf(thresholds.maxRetries);
  const share = (retryBudget?.budgetPercent?.value ?? BUDGET_PERCENT) / 100;
  const least = retryBudget?.minRetryConcurrency ?? BUDGET_LEAST;
  return {
    maxRequests,
    maxPending: limitOf(thresholds.maxPendingRequests),
    maxConnections: limitOf(thresholds.maxConnections),
    maxRetries: retryBudget === undefined ? () => fixed : (waiting) => Math.max(least, waiting * share),
    countsCalls: maxRequests < Number.POSITIVE_INFINITY || retryBudget !== undefined,
  };
}

/** What Istio writes for "no limit". */
const MAX_UINT32 = 2 ** 32 - 1;

function limitOf(value: number | undefined): number {
  return value === undefined || value >= MAX_UINT32 ? Number.POSITIVE_INFINITY : value;
}
