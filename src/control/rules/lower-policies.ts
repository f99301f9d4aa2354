import type { FractionalPercent, HttpFault, LbPolicy, RetryPolicy } from "../../codecs/xds/resources.ts";
import type { Abort, DestinationRule, Fault, Percent, Retries, Subset } from "../../model/rule.ts";
import { grpcNumber } from "./istio-values.ts";
import { printDuration } from "./values.ts";

/** What is tried again where a rule asks for retries and does not say after what; Istio's words. */
export const DEFAULT_RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled";

/** Retries as Envoy has them; undefined for none. Numbers in `retryOn` become status codes. */
export function lowerRetries(retries: Retries): RetryPolicy | undefined {
  if (retries.attempts === 0) return undefined;
  const parts = (retries.retryOn ?? DEFAULT_RETRY_ON).split(",").map((part) => part.trim());
  const codes = parts.filter((part) => /^\d+$/.test(part)).map(Number);
  const words = parts.filter((part) => !/^\d+$/.test(part));
  if (codes.length > 0 && !words.includes("retriable-status-codes")) words.push("retriable-status-codes");
  return {
    retryOn: words.join(","),
    numRetries: retries.attempts,
    ...(retries.perTryTimeoutMs === undefined ? {} : { perTryTimeout: printDuration(retries.perTryTimeoutMs) }),
    ...(codes.length === 0 ? {} : { retriableStatusCodes: codes }),
    ...(retries.backoffMs === undefined ? {} : { retryBackOff: { baseInterval: printDuration(retries.backoffMs) } }),
  };
}

/** A fault as Envoy's filter takes it. */
export function lowerFault({ delay, abort }: Fault): HttpFault {
  return {
    ...(delay === undefined
      ? {}
      : { delay: { fixedDelay: printDuration(delay.fixedDelayMs), percentage: lowerPercent(delay) } }),
    ...(abort === undefined ? {} : { abort: { ...lowerStatus(abort), percentage: lowerPercent(abort) } }),
  };
}

function lowerStatus({ httpStatus, grpcStatus }: Abort): { httpStatus: number } | { grpcStatus: number } {
  return httpStatus === undefined ? { grpcStatus: grpcNumber(grpcStatus!)! } : { httpStatus };
}

/** Of all calls where nothing is said; `percentage` without a value is proto3's 0. */
function lowerPercent({
  percentage,
  percent,
}: {
  readonly percentage?: Percent;
  readonly percent?: number;
}): FractionalPercent {
  if (percentage !== undefined)
    return { numerator: Math.round((percentage.value ?? 0) * 10_000), denominator: "MILLION" };
  return { numerator: percent ?? 100, denominator: "HUNDRED" };
}

/** What a DestinationRule says about one cluster. */
export interface LoweredPolicy {
  readonly lbPolicy: LbPolicy;
  readonly maxRequests?: number;
}

/** Without a word about it calls are spread as Dubbo's consumers do by default: at random, by weight. */
export const DEFAULT_POLICY: LoweredPolicy = { lbPolicy: "RANDOM" };

/** The policy of a cluster: what the subset says, setting by setting, before what the rule says for the host. */
export function lowerPolicy(rule: DestinationRule | undefined, subset: Subset | undefined): LoweredPolicy {
  if (rule === undefined) return DEFAULT_POLICY;
  const balancer = subset?.trafficPolicy?.loadBalancer ?? rule.trafficPolicy?.loadBalancer;
  const pool = subset?.trafficPolicy?.connectionPool ?? rule.trafficPolicy?.connectionPool;
  // 0 is "not set", as in Istio: Envoy is then given its own default, which is out of reach.
  const maxRequests = pool?.http?.http2MaxRequests ?? 0;
  return { lbPolicy: lowerBalancer(balancer?.simple), ...(maxRequests > 0 && { maxRequests }) };
}

function lowerBalancer(simple: string | undefined): LbPolicy {
  switch (simple) {
    case "ROUND_ROBIN":
      return "ROUND_ROBIN";
    case "LEAST_REQUEST":
    case "LEAST_CONN":
      return "LEAST_REQUEST";
    default:
      return "RANDOM";
  }
}
