import type { FractionalPercent } from "../../codecs/xds/core.ts";
import {
  CORS_FILTER,
  type CorsPolicy,
  FAULT_FILTER,
  type HashPolicy,
  type HeaderMutations,
  type RetryPolicy,
  type Route,
  type RouteAction,
} from "../../codecs/xds/route.ts";
import { describeText } from "./words.ts";

/** What a route says of its calls beside where they go: times, retries, faults, changes, copies, in words; `""` for nothing. */
export function describePolicies(route: Route): string {
  const { route: action, typedPerFilterConfig } = route;
  const fault = typedPerFilterConfig?.[FAULT_FILTER];
  const cors = typedPerFilterConfig?.[CORS_FILTER];
  return joined([
    action?.timeout === undefined ? "" : `timeout ${action.timeout}`,
    action?.retryPolicy === undefined ? "" : describeRetries(action.retryPolicy),
    fault?.delay === undefined ? "" : `delay ${fault.delay.fixedDelay}${describeShare(fault.delay.percentage)}`,
    fault?.abort === undefined
      ? ""
      : `abort ${fault.abort.httpStatus ?? `grpc ${fault.abort.grpcStatus}`}${describeShare(fault.abort.percentage)}`,
    describeRewrite(route),
    describeChanges(route),
    ...(action?.weightedClusters?.clusters ?? []).map((one) => {
      const changes = describeChanges(one);
      return changes === "" ? "" : `for ${one.name}: ${changes}`;
    }),
    ...describeMirrors(action),
    (action?.hashPolicy ?? []).length === 0 ? "" : `hash of ${action!.hashPolicy!.map(describeHash).join(", ")}`,
    cors === undefined ? "" : describeCors(cors),
  ]);
}

function describeRetries(policy: RetryPolicy): string {
  const { numRetries, retryOn, perTryTimeout, retriableStatusCodes = [], retryBackOff } = policy;
  const codes = retriableStatusCodes.length === 0 ? "" : ` (${retriableStatusCodes.join(", ")})`;
  const wait = retryBackOff === undefined ? "" : `, after ${retryBackOff.baseInterval} and longer each time`;
  return [
    `retries ${numRetries} on ${retryOn}${codes}`,
    perTryTimeout === undefined ? "" : `, ${perTryTimeout} for each try`,
    wait,
    policy.retryHostPredicate === undefined ? "" : ", each at another provider",
    policy.retryPriority === undefined ? "" : ", in another priority",
  ].join("");
}

function describeRewrite({ match, route }: Route): string {
  const { prefixRewrite, regexRewrite, hostRewriteLiteral } = route ?? {};
  const of = match.path === undefined && match.prefix !== undefined ? `${match.prefix} of the path` : "the path";
  return joined([
    prefixRewrite === undefined ? "" : `${of} becomes ${prefixRewrite}`,
    regexRewrite === undefined ? "" : `${regexRewrite.pattern.regex} in the path becomes ${regexRewrite.substitution}`,
    hostRewriteLiteral === undefined ? "" : `Host becomes ${hostRewriteLiteral}`,
  ]);
}

/** Values may be secrets: names alone are said. */
function describeChanges(changes: HeaderMutations): string {
  const names = (added: HeaderMutations["requestHeadersToAdd"] = [], removed: readonly string[] = []) => {
    const by = (action: string) => added.flatMap((one) => (one.appendAction === action ? one.header.key : []));
    const parts = [
      ["sets", by("OVERWRITE_IF_EXISTS_OR_ADD")],
      ["adds", by("APPEND_IF_EXISTS_OR_ADD")],
      ["removes", removed],
    ] as const;
    return parts.flatMap(([verb, list]) => (list.length === 0 ? [] : `${verb} ${list.join(", ")}`)).join(", ");
  };
  const calls = names(changes.requestHeadersToAdd, changes.requestHeadersToRemove);
  const answers = names(changes.responseHeadersToAdd, changes.responseHeadersToRemove);
  return joined([calls, answers === "" ? "" : `of answers ${answers}`]);
}

function describeMirrors(action: RouteAction | undefined): string[] {
  return (action?.requestMirrorPolicies ?? []).map(({ cluster, runtimeFraction }) => {
    const share = runtimeFraction === undefined ? "" : describeShare(runtimeFraction.defaultValue);
    return `a copy to ${cluster}${share}`;
  });
}

function describeHash({ header, cookie, connectionProperties, queryParameter }: HashPolicy): string {
  if (header !== undefined) return header.headerName;
  if (cookie !== undefined)
    return `cookie ${cookie.name}${cookie.ttl === undefined ? "" : ", given where it is absent"}`;
  if (queryParameter !== undefined) return `parameter ${queryParameter.name}`;
  return connectionProperties?.sourceIp === true ? "the caller's address" : "nothing";
}

function describeCors({ allowOriginStringMatch: origins, allowMethods }: CorsPolicy): string {
  const from = origins.map((one) => (one.prefix === "" ? "any" : describeText(one).replace(/^= /, ""))).join(" or ");
  return `pages of ${from || "no origin"} may call${allowMethods === undefined ? "" : ` by ${allowMethods}`}`;
}

/** Of how many calls, where that is not all. */
function describeShare({ numerator, denominator }: FractionalPercent): string {
  const percent = numerator / (denominator === "MILLION" ? 10_000 : denominator === "TEN_THOUSAND" ? 100 : 1);
  return percent >= 100 ? "" : ` for ${percent}%`;
}

function joined(parts: readonly string[]): string {
  return parts.filter((text) => text !== "").join("; ");
}
