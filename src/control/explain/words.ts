import type { MetadataMatcher, ValueMatcher } from "../../codecs/xds/authz.ts";
import { claimOf } from "../../codecs/xds/claims.ts";
import type { StringMatcher } from "../../codecs/xds/core.ts";
import {
  GLOBAL_LIMIT_FILTER,
  GLOBAL_STAGE,
  LOCAL_LIMIT_FILTER,
  LOCAL_STAGE,
  type TokenBucketConfig,
} from "../../codecs/xds/rate-limit.ts";
import type { HeaderMatcher, RedirectAction, Route, RouteMatch, VirtualHost } from "../../codecs/xds/route.ts";

/** Which calls a route takes, in words; `every call` for all. */
export function describeMatch(match: RouteMatch): string {
  const path = describePath(match);
  const parts = path === undefined ? [] : [path];
  for (const header of match.headers ?? []) parts.push(describeHeader(header));
  for (const query of match.queryParameters ?? []) parts.push(`parameter ${describeHeader(query)}`);
  for (const claim of match.dynamicMetadata ?? []) parts.push(describeClaim(claim));
  return parts.length === 0 ? "every call" : parts.join(" and ");
}

/** What a call's path has to be, in words; undefined where any will do. */
export function describePath(match: RouteMatch): string | undefined {
  const folded = match.caseSensitive === false ? " in any case" : "";
  if (match.path !== undefined) return `${match.path}${folded}`;
  if (match.safeRegex !== undefined) return `~ ${match.safeRegex.regex}`;
  return match.prefix === undefined || match.prefix === "/" ? undefined : `${match.prefix}*${folded}`;
}

/** What a call's header has to be, in words. */
export function describeHeader({ name, stringMatch, invertMatch }: HeaderMatcher): string {
  const condition = stringMatch === undefined ? `${name} is there` : `${name} ${describeText(stringMatch)}`;
  return invertMatch === true ? `not (${condition})` : condition;
}

/** What a claim of a call's token has to be, in words. */
export function describeClaim({ filter, path, value, invert }: MetadataMatcher): string {
  const names = claimOf({ filter, path });
  if (names === undefined) return "something unknown";
  const condition = `claim ${names.join(".")} ${describeValue(value)}`;
  return invert === true ? `not (${condition})` : condition;
}

function describeValue({ stringMatch, listMatch, orMatch }: ValueMatcher): string {
  if (stringMatch !== undefined) return describeText(stringMatch);
  const inner = listMatch?.oneOf ?? orMatch?.valueMatchers[0];
  return inner === undefined ? "is there" : describeValue(inner);
}

/** What a text has to be, in words. */
export function describeText({ exact, prefix, suffix, contains, safeRegex }: StringMatcher): string {
  if (exact !== undefined) return `= ${exact}`;
  if (prefix !== undefined) return `= ${prefix}*`;
  if (suffix !== undefined) return `= *${suffix}`;
  if (contains !== undefined) return `= *${contains}*`;
  return `~ ${safeRegex?.regex ?? ""}`;
}

/** Where a route's calls go, with percentages where there is more than one place. */
export function describeAction({ route, redirect, directResponse }: Route): string {
  if (redirect !== undefined) return describeRedirect(redirect);
  if (directResponse !== undefined) return `answer ${directResponse.status}`;
  const weighted = route?.weightedClusters?.clusters;
  if (weighted === undefined) return route?.cluster ?? "";
  const sum = weighted.reduce((total, { weight }) => total + weight, 0);
  return weighted.map(({ name, weight }) => `${name} ${Math.round((weight / sum) * 1000) / 10}%`).join(", ");
}

/** Where callers are sent, with the parts that stay as they are as a star. */
function describeRedirect(to: RedirectAction): string {
  const { schemeRedirect: scheme = "*", hostRedirect: host = "*", portRedirect: port, prefixRewrite: prefix } = to;
  const path = to.pathRedirect ?? (prefix === undefined ? "/*" : `${prefix}*`);
  return `redirect to ${scheme}://${host}${port === undefined ? "" : `:${port}`}${path}`;
}

/**
 * How often a service may be called, in words; `""` for no bound. Of its conditions those that `meets` takes, all unless told: of them and the
 * bucket of all other calls the first that is given counts.
 */
export function describeLimits(
  { typedPerFilterConfig, rateLimits = [] }: Pick<VirtualHost, "typedPerFilterConfig" | "rateLimits">,
  meets?: (headers: readonly HeaderMatcher[]) => boolean,
): string {
  const local = typedPerFilterConfig?.[LOCAL_LIMIT_FILTER];
  const global = typedPerFilterConfig?.[GLOBAL_LIMIT_FILTER];
  const conditions = rateLimits.flatMap(({ stage, actions: [action] }) => {
    const match = action?.headerValueMatch;
    const of = local?.descriptors?.find(({ entries: [{ value }] }) => value === match?.descriptorValue);
    if (stage !== LOCAL_STAGE || match === undefined || of === undefined) return [];
    if (meets !== undefined) return meets(match.headers) ? [describeBucket(of.tokenBucket)] : [];
    return [`${describeBucket(of.tokenBucket)} where ${match.headers.map(describeHeader).join(" and ") || "any"}`];
  });
  const all = local?.tokenBucket === undefined ? conditions : [...conditions, describeBucket(local.tokenBucket)];
  const counted = meets === undefined ? all : all.slice(0, 1);
  const asked = global?.rateLimitService.grpcService.envoyGrpc.clusterName.split("|")[3] ?? "";
  const question = rateLimits.find(({ stage }) => stage === GLOBAL_STAGE)?.actions[0]?.headerValueMatch;
  const isAsked = global !== undefined && (question === undefined || meets === undefined || meets(question.headers));
  return [...counted, ...(isAsked ? [`limit of ${asked} for ${global.domain}`] : [])].join("; ");
}

function describeBucket({ maxTokens, tokensPerFill, fillInterval }: TokenBucketConfig): string {
  return `limit ${maxTokens} and ${tokensPerFill} more each ${fillInterval}`;
}
