import type { FractionalPercent } from "../../../codecs/xds/core.ts";
import {
  type HttpFault,
  PREVIOUS_HOSTS,
  PREVIOUS_PRIORITIES,
  REDIRECT_STATUS,
  type RedirectAction,
  type RedirectCode,
  type RetryPolicy,
} from "../../../codecs/xds/route.ts";
import type { Abort, Fault, Percent, Redirect, Retries } from "../../../model/rules/http-route.ts";
import { grpcNumber } from "../kinds/istio-values.ts";
import { printDuration } from "../values.ts";

/** What is tried again where a rule asks for retries and does not say after what; Istio's words. */
export const DEFAULT_RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled";

/** How often Envoy draws again for an endpoint that had no try; Istio's figure. */
const MAX_DRAWS = "5";

/**
 * Retries as Envoy has them; undefined for none. Numbers in `retryOn` become status codes. Endpoints that had a try are left out
 * unless the rule, or a hash that says where a call goes, tells otherwise.
 */
export function lowerRetries(retries: Retries, isHashed = false): RetryPolicy | undefined {
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
    ...((retries.retryIgnorePreviousHosts ?? !isHashed) && {
      retryHostPredicate: [{ name: PREVIOUS_HOSTS, typedConfig: { "@type": PREVIOUS_HOSTS_TYPE } }],
      hostSelectionRetryMaxAttempts: MAX_DRAWS,
    }),
    ...(retries.retryRemoteLocalities === true && {
      retryPriority: {
        name: PREVIOUS_PRIORITIES,
        typedConfig: { "@type": PREVIOUS_PRIORITIES_TYPE, updateFrequency: 2 },
      },
    }),
  };
}

const PREVIOUS_HOSTS_TYPE = "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate";
const PREVIOUS_PRIORITIES_TYPE =
  "type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig";

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
export function lowerPercent({
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

const REDIRECT_CODES = new Map(Object.entries(REDIRECT_STATUS).map(([code, status]) => [status, code as RedirectCode]));

/** Istio's form of a prefix that is replaced, from before it had a field for that. */
const OLD_PREFIX = "%PREFIX()%";

/** Where a redirect sends callers who come by `port`, as Istio tells Envoy. */
export function lowerRedirect(redirect: Redirect, port: number): RedirectAction {
  const { uri = "", prefixRewrite = "", authority = "", scheme = "", derivePort, redirectCode } = redirect;
  const to = derivePort === "FROM_REQUEST_PORT" ? port : (redirect.port ?? 0);
  const prefix = uri.startsWith(OLD_PREFIX) ? uri.slice(OLD_PREFIX.length) : prefixRewrite;
  return {
    ...(prefix !== "" ? { prefixRewrite: prefix } : uri !== "" && { pathRedirect: uri }),
    ...(authority !== "" && { hostRedirect: authority }),
    ...(to !== 0 && { portRedirect: to }),
    ...(scheme !== "" && { schemeRedirect: scheme }),
    ...(redirectCode !== undefined && { responseCode: REDIRECT_CODES.get(redirectCode)! }),
  };
}
