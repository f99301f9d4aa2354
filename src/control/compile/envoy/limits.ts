import type { HeaderMatcher, StringMatcher } from "../../../codecs/xds/core.ts";
import {
  CONDITION_KEY,
  GLOBAL_LIMIT_FILTER,
  GLOBAL_STAGE,
  type GlobalRateLimit,
  type LimitAction,
  LOCAL_LIMIT_FILTER,
  LOCAL_STAGE,
  type LocalRateLimit,
} from "../../../codecs/xds/rate-limit.ts";
import type { VirtualHost } from "../../../codecs/xds/route.ts";
import { hashText } from "../../../model/hash-text.ts";
import { type ProtoJson, parseClusterName } from "../targets.ts";
import { type ClusterNames, tripleName } from "./http-routes.ts";

const FILTERS = "type.googleapis.com/envoy.extensions.filters.http";
const ALWAYS: ProtoJson = { defaultValue: { numerator: 100, denominator: "HUNDRED" } };
/** Envoy wants a bucket for calls that meet no condition: this one is never empty. */
const NO_BOUND: ProtoJson = { maxTokens: 4_294_967_295, tokensPerFill: 4_294_967_295, fillInterval: "1s" };

/** The filter that counts by itself: it does nothing where a virtual host says nothing to it. */
export const LOCAL_FILTER: ProtoJson = {
  name: LOCAL_LIMIT_FILTER,
  typedConfig: { "@type": `${FILTERS}.local_ratelimit.v3.LocalRateLimit`, statPrefix: "trestle" },
};

/** A service's limits for Envoy's HTTP filters. */
export interface EnvoyLimits {
  /** Filters that listeners need for them, by name. */
  readonly filters: readonly ProtoJson[];
  readonly typedPerFilterConfig: ProtoJson;
  /** Of all calls. */
  readonly rateLimits: readonly ProtoJson[];
  /** Of the calls that meet these conditions. */
  readonly some?: { readonly headers: readonly HeaderMatcher[]; readonly rateLimits: readonly ProtoJson[] };
  /** A part asks for what Envoy cannot tell, and is left out. */
  readonly isCut: boolean;
}

/** What is asked of one service. */
export interface LimitedService {
  /** The service's own name, which calls have in their path. */
  readonly interface: string;
  readonly protocol: "tri" | "http";
  readonly clusterOf: ClusterNames;
}

/** The limits of a virtual host; undefined for none. */
export function envoyLimits(virtualHost: VirtualHost, of: LimitedService): EnvoyLimits | undefined {
  const { typedPerFilterConfig: configs = {}, rateLimits = [] } = virtualHost;
  const local = configs[LOCAL_LIMIT_FILTER];
  const global = configs[GLOBAL_LIMIT_FILTER];
  if (local === undefined && global === undefined) return undefined;
  const counted = local && localLimits(local, virtualHost);
  const actions = rateLimits.find(({ stage }) => stage === GLOBAL_STAGE)?.actions;
  const asked = global && actions && globalLimits(global, actions, of);
  return {
    filters: [...(counted === undefined ? [] : [LOCAL_FILTER]), ...(asked === undefined ? [] : [asked.filter])],
    typedPerFilterConfig: { ...counted?.config, ...asked?.config },
    rateLimits: [...(counted?.rateLimits ?? []), ...(asked !== undefined && !asked.headers ? asked.rateLimits : [])],
    ...(asked?.headers && { some: { headers: asked.headers, rateLimits: asked.rateLimits } }),
    isCut: counted?.isCut === true || (global !== undefined && asked === undefined),
  };
}

function localLimits(local: LocalRateLimit, { rateLimits = [] }: VirtualHost) {
  const kept: ProtoJson[] = [];
  const names = new Set<string>();
  let isCut = false;
  for (const { stage, actions } of rateLimits) {
    const match = stage === LOCAL_STAGE ? actions[0]?.headerValueMatch : undefined;
    if (match === undefined) continue;
    const headers = headersOf(match.headers);
    if (headers === undefined) isCut = true;
    else {
      names.add(match.descriptorValue);
      kept.push({ stage, actions: [condition(match.descriptorValue, headers)] });
    }
  }
  const descriptors = (local.descriptors ?? []).filter(({ entries: [{ value }] }) => names.has(value));
  const config = {
    ...local,
    tokenBucket: local.tokenBucket ?? NO_BOUND,
    descriptors,
    filterEnabled: ALWAYS,
    filterEnforced: ALWAYS,
    rateLimitedAsResourceExhausted: true,
    vhRateLimits: "INCLUDE",
  };
  return { config: { [LOCAL_LIMIT_FILTER]: config }, rateLimits: kept, isCut };
}

function condition(descriptorValue: string, headers: readonly HeaderMatcher[]): ProtoJson {
  return headers.length === 0
    ? { genericKey: { descriptorKey: CONDITION_KEY, descriptorValue } }
    : { headerValueMatch: { descriptorValue, headers } };
}

function globalLimits(global: GlobalRateLimit, actions: readonly LimitAction[], of: LimitedService) {
  const match = actions[0]?.headerValueMatch;
  const headers = match && headersOf(match.headers);
  const told = actions.filter(({ requestHeaders }) => requestHeaders !== undefined).map((one) => tell(one, of));
  const cluster = of.clusterOf(global.rateLimitService.grpcService.envoyGrpc.clusterName);
  if (cluster === undefined || told.includes(undefined) || (match !== undefined && headers === undefined))
    return undefined;
  // The cluster's name, which Envoy would send, is none that every server takes.
  const authority = parseClusterName(cluster)?.host ?? "limits";
  const service = { ...global.rateLimitService, grpcService: { envoyGrpc: { clusterName: cluster, authority } } };
  const typedConfig = {
    ...global,
    rateLimitService: service,
    rateLimitedAsResourceExhausted: true,
    // As a Trestle proxy answers.
    statusOnError: { code: "TooManyRequests" },
  };
  const name = `${GLOBAL_LIMIT_FILTER}.${hashText(JSON.stringify(typedConfig)).slice(0, 12)}`;
  const perRoute = { "@type": `${FILTERS}.ratelimit.v3.RateLimitPerRoute`, vhRateLimits: "INCLUDE" };
  return {
    filter: { name, typedConfig, disabled: true },
    config: { [name]: perRoute },
    rateLimits: [{ stage: global.stage, actions: told as ProtoJson[] }],
    headers,
  };
}

/** An entry of a descriptor; undefined for what Envoy cannot tell. */
function tell({ requestHeaders }: LimitAction, { interface: name, protocol }: LimitedService): ProtoJson | undefined {
  const { headerName, descriptorKey } = requestHeaders!;
  const header = (one: string): ProtoJson => ({ requestHeaders: { headerName: one, descriptorKey } });
  switch (headerName) {
    case "interface":
      return { genericKey: { descriptorKey, descriptorValue: name } };
    case "method":
      // Of a Triple call it is a part of the path.
      return protocol === "http" ? header(":method") : undefined;
    case "path":
      return header(":path");
    default:
      return isArgument(headerName) ? undefined : header(tripleName(headerName.toLowerCase()));
  }
}

function isArgument(name: string): boolean {
  return /^dubbo-arg-\d/i.test(name);
}

/** Conditions as Envoy can ask for them; undefined where one is on an argument. A path has its query behind it there. */
function headersOf(headers: readonly HeaderMatcher[]): HeaderMatcher[] | undefined {
  if (headers.some(({ name }) => isArgument(name))) return undefined;
  return headers.map((one) => {
    if (one.name !== ":path" || one.stringMatch === undefined) return { ...one, name: tripleName(one.name) };
    return { ...one, stringMatch: withQuery(one.stringMatch) };
  });
}

function withQuery({ exact, safeRegex, ignoreCase, ...others }: StringMatcher): StringMatcher {
  const folded = ignoreCase === true ? "(?i)" : "";
  if (exact !== undefined) return { safeRegex: { regex: `${folded}${quoted(exact)}(?:\\?.*)?` } };
  if (safeRegex !== undefined) return { safeRegex: { regex: `(?:${safeRegex.regex})(?:\\?.*)?` } };
  return { ...others, ...(ignoreCase === true && { ignoreCase }) };
}

function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** Routes of a service whose limits are of some calls alone: each comes twice, first for those. */
export function limitedRoutes(routes: readonly ProtoJson[], { some }: Pick<EnvoyLimits, "some">): readonly ProtoJson[] {
  if (some === undefined) return routes;
  return routes.flatMap((route) => {
    const action = route["route"] as ProtoJson | undefined;
    if (action === undefined) return [route];
    const match = route["match"] as { readonly headers?: readonly HeaderMatcher[] };
    const narrower = { ...match, headers: [...(match.headers ?? []), ...some.headers] };
    return [{ ...route, match: narrower, route: { ...action, rateLimits: some.rateLimits } }, route];
  });
}
