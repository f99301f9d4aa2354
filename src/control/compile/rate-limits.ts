import type { HeaderMatcher } from "../../codecs/xds/core.ts";
import {
  CONDITION_KEY,
  GLOBAL_LIMIT_FILTER,
  GLOBAL_LIMIT_TYPE,
  GLOBAL_STAGE,
  type LimitAction,
  type LimitConfigs,
  LOCAL_LIMIT_FILTER,
  LOCAL_STAGE,
  type LocalDescriptor,
  type RateLimit,
  type TokenBucketConfig,
} from "../../codecs/xds/rate-limit.ts";
import type { VirtualHost } from "../../codecs/xds/route.ts";
import type { Entry } from "../../model/entry.ts";
import type { HttpMatch } from "../../model/rules/http-route.ts";
import type { GlobalLimit, LocalLimit, MetaRouter, TokenBucket } from "../../model/rules/meta-router.ts";
import { type EntryIndex, resolveDestination } from "../rules/hosts.ts";
import { isHttpService } from "../rules/http-service.ts";
import { lowerHttpMatch } from "../rules/lower/gateway.ts";
import { type LoweredMatch, lowerMatch, unknownHost } from "../rules/lower/lower.ts";
import type { PathMatch } from "../rules/path.ts";
import { printDuration } from "../rules/values.ts";
import { type ClusterNeed, clusterName, clusterNameOf } from "./clusters.ts";

/** What a virtual host has to limit its calls, and the cluster of the service that is asked. */
export interface CompiledLimits {
  readonly typedPerFilterConfig: LimitConfigs;
  readonly rateLimits: readonly RateLimit[];
  readonly need: ClusterNeed | undefined;
}

/** Compiles the limits that a MetaRouter says for a service. */
export function compileLimits(entry: Entry, rule: MetaRouter, index: EntryIndex): CompiledLimits {
  const lower = (match: HttpMatch | undefined): LoweredMatch | undefined => {
    const lowered = match !== undefined && isHttpService(entry) ? lowerHttpMatch(match) : lowerMatch(match, entry);
    // Limits are asked before anybody looks at tokens.
    return lowered?.claims === undefined ? lowered : undefined;
  };
  const local = rule.localRateLimit && compileLocal(rule.name, rule.localRateLimit, lower);
  const global = rule.globalRateLimit && compileGlobal(entry, rule.globalRateLimit, lower, index);
  return {
    typedPerFilterConfig: { ...local?.config, ...global?.config },
    rateLimits: [...(local?.rateLimits ?? []), ...(global?.rateLimits ?? [])],
    need: global?.need,
  };
}

/** A virtual host whose calls are limited so. */
export function withLimits(
  virtualHost: VirtualHost,
  { typedPerFilterConfig, rateLimits }: Pick<CompiledLimits, "typedPerFilterConfig" | "rateLimits">,
): VirtualHost {
  return {
    ...virtualHost,
    typedPerFilterConfig: { ...virtualHost.typedPerFilterConfig, ...typedPerFilterConfig },
    ...(rateLimits.length > 0 && { rateLimits }),
  };
}

type Lower = (match: HttpMatch | undefined) => LoweredMatch | undefined;

function compileLocal(
  name: string,
  { bucket, conditions }: LocalLimit,
  lower: Lower,
): { readonly config: LimitConfigs; readonly rateLimits: readonly RateLimit[] } {
  const descriptors: LocalDescriptor[] = [];
  const rateLimits: RateLimit[] = [];
  conditions.forEach((condition, i) => {
    const lowered = lower(condition.match);
    if (lowered === undefined) return;
    const value = `${name}/${i}`;
    descriptors.push({ entries: [{ key: CONDITION_KEY, value }], tokenBucket: compileBucket(condition.bucket) });
    rateLimits.push({ stage: LOCAL_STAGE, actions: [whereMet(value, lowered)] });
  });
  const config = {
    statPrefix: "trestle",
    stage: LOCAL_STAGE,
    ...(bucket && { tokenBucket: compileBucket(bucket) }),
    ...(descriptors.length > 0 && { descriptors }),
    alwaysConsumeDefaultTokenBucket: false,
  } as const;
  return { config: { [LOCAL_LIMIT_FILTER]: config }, rateLimits };
}

function compileGlobal(
  entry: Entry,
  { domain, match, service, port, timeoutMs, denyOnFail, descriptors }: GlobalLimit,
  lower: Lower,
  index: EntryIndex,
): CompiledGlobal | undefined {
  const lowered = lower(match);
  if (lowered === undefined) return undefined;
  const named = { host: service, ...(port && { port }) };
  const asked = resolveDestination(named, entry, index);
  const host = asked?.host ?? unknownHost(named);
  const name = asked === undefined ? clusterName(20_880, "", host) : clusterNameOf(asked, "");
  const condition = whereMet("match", lowered);
  const actions: LimitAction[] = [
    ...(condition.headerValueMatch!.headers.length > 0 ? [condition] : []),
    ...descriptors.map(({ property, descriptorKey }) => ({
      requestHeaders: { headerName: property, descriptorKey },
    })),
  ];
  const config = {
    "@type": GLOBAL_LIMIT_TYPE,
    domain,
    stage: GLOBAL_STAGE,
    timeout: printDuration(timeoutMs),
    failureModeDeny: denyOnFail,
    rateLimitService: { grpcService: { envoyGrpc: { clusterName: name } }, transportApiVersion: "V3" },
  } as const;
  return {
    config: { [GLOBAL_LIMIT_FILTER]: config },
    rateLimits: [{ stage: GLOBAL_STAGE, actions }],
    need: { name, entry: asked, host, subset: "" },
  };
}

interface CompiledGlobal {
  readonly config: LimitConfigs;
  readonly rateLimits: readonly RateLimit[];
  readonly need: ClusterNeed;
}

function compileBucket({ maxTokens, tokensPerFill, fillIntervalMs }: TokenBucket): TokenBucketConfig {
  return { maxTokens, tokensPerFill, fillInterval: printDuration(fillIntervalMs) };
}

function whereMet(descriptorValue: string, { path, headers }: LoweredMatch): LimitAction {
  return { headerValueMatch: { descriptorValue, headers: [...pathCondition(path), ...headers] } };
}

function pathCondition({ path, prefix, safeRegex, caseSensitive }: PathMatch): HeaderMatcher[] {
  const folded = caseSensitive === false ? { ignoreCase: true } : {};
  if (path !== undefined) return [{ name: ":path", stringMatch: { exact: path, ...folded } }];
  if (safeRegex !== undefined) return [{ name: ":path", stringMatch: { safeRegex } }];
  return prefix === undefined || prefix === "/" ? [] : [{ name: ":path", stringMatch: { prefix, ...folded } }];
}
