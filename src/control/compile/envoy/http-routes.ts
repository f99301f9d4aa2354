import { type StringMatcher, TRESTLE_METADATA } from "../../../codecs/xds/core.ts";
import {
  CORS_FILTER,
  type CorsPolicy,
  FAULT_FILTER,
  type HeaderMutations,
  type HeaderValueOption,
  type HttpFault,
  type Route,
} from "../../../codecs/xds/route.ts";
import type { ProtoJson } from "../targets.ts";
import { destinationsLast } from "./header-changes.ts";
import { withOneSlash } from "./prefix-rewrites.ts";

/** The name under which each of Trestle's own request fields stands in a Triple call. */
const TRIPLE_NAMES: Readonly<Record<string, string>> = {
  "dubbo-group": "tri-service-group",
  "dubbo-version": "tri-service-version",
  "dubbo-application": "tri-consumer-appname",
};

/** Says which cluster of the target stands for one of Trestle's; undefined where its providers speak nothing that can be asked there. */
export type ClusterNames = (name: string) => string | undefined;

/** Whether a condition reads an argument, which nobody but Trestle can. */
export function readsArguments({ match }: Pick<Route, "match">): boolean {
  return (match.headers ?? []).some(({ name }) => /^dubbo-arg-\d/.test(name));
}

/**
 * A route for Envoy's HTTP router; undefined for one that no call can meet there, since it asks for an argument. A route without a
 * time limit says so: Envoy's own is 15 s.
 */
export function envoyRoute(asked: Route, clusterOf: ClusterNames): ProtoJson | undefined {
  if (readsArguments(asked)) return undefined;
  const route = destinationsLast(asked);
  const { match, route: action, redirect, directResponse, typedPerFilterConfig, metadata, ...others } = route;
  const { headers, queryParameters, ...rest } = match;
  return {
    ...others,
    match: {
      ...rest,
      ...(headers && { headers: headers.map((one) => fixCondition({ ...one, name: tripleName(one.name) })) }),
      ...(queryParameters && { queryParameters: queryParameters.map(fixCondition) }),
    },
    ...(action && (envoyAction(withOneSlash(match, action), clusterOf) ?? NOBODY)),
    ...(redirect && { redirect: withOneSlash(match, redirect) }),
    ...(directResponse && {
      directResponse: { ...directResponse, status: isFinal(directResponse.status) ? directResponse.status : 503 },
    }),
    ...mutationsOf(route),
    ...(typedPerFilterConfig && { typedPerFilterConfig: filterConfigs(typedPerFilterConfig) }),
    ...(metadata && {
      metadata: { filterMetadata: { [TRESTLE_METADATA]: metadata.filterMetadata[TRESTLE_METADATA] } },
    }),
  };
}

/** The name of a header condition in an HTTP request: Trestle's own words become those of Triple. */
export function tripleName(name: string): string {
  return TRIPLE_NAMES[name] ?? name;
}

/** What callers are answered where every provider speaks another protocol, which Envoy cannot translate. */
const NOBODY: ProtoJson = { directResponse: { status: 503, body: { inlineString: "no provider speaks HTTP" } } };

function envoyAction(action: NonNullable<Route["route"]>, clusterOf: ClusterNames): ProtoJson | undefined {
  const { cluster, weightedClusters, timeout = "0s", requestMirrorPolicies, ...others } = action;
  const named = cluster === undefined ? undefined : clusterOf(cluster);
  const weighted = (weightedClusters?.clusters ?? []).flatMap((one) => {
    const name = clusterOf(one.name);
    const own = hostOf(one);
    return name === undefined ? [] : [{ ...one, ...mutationsOf(one), name, ...(own && { hostRewriteLiteral: own }) }];
  });
  if (named === undefined && weighted.every(({ weight }) => weight === 0)) return undefined;
  const mirrors = (requestMirrorPolicies ?? []).flatMap((one) => {
    const name = clusterOf(one.cluster);
    return name === undefined ? [] : [{ ...one, cluster: name }];
  });
  return {
    route: {
      ...others,
      ...(named === undefined ? { weightedClusters: { ...weightedClusters, clusters: weighted } } : { cluster: named }),
      timeout,
      ...(mirrors.length > 0 && { requestMirrorPolicies: mirrors }),
    },
  };
}

/** Values are plain text in a rule: where Envoy would read a command, the sign is doubled. Host is no header to it, see {@link hostOf}. */
function mutationsOf({ requestHeadersToAdd, responseHeadersToAdd }: HeaderMutations): ProtoJson {
  return {
    ...(requestHeadersToAdd && { requestHeadersToAdd: requestHeadersToAdd.filter(isPlain).map(plainValue) }),
    ...(responseHeadersToAdd && { responseHeadersToAdd: responseHeadersToAdd.filter(isPlain).map(plainValue) }),
  };
}

function isPlain({ header }: HeaderValueOption): boolean {
  return header.key !== "host";
}

/** The Host that a rule sets as a header of one destination: that of a whole route is its `hostRewriteLiteral` already. */
function hostOf({ requestHeadersToAdd = [] }: HeaderMutations): string | undefined {
  return requestHeadersToAdd.findLast(({ header }) => header.key === "host")?.header.value;
}

function plainValue(option: HeaderValueOption): HeaderValueOption & { readonly keepEmptyValue?: true } {
  const { key, value } = option.header;
  // Else an Envoy passes over what is to be empty.
  if (value === "") return { ...option, keepEmptyValue: true };
  return value.includes("%") ? { ...option, header: { key, value: value.replaceAll("%", "%%") } } : option;
}

/** Faults and CORS alone: who may call is for the provider's own proxy to say, which knows the caller's identity. */
function filterConfigs({
  [FAULT_FILTER]: fault,
  [CORS_FILTER]: cors,
}: NonNullable<Route["typedPerFilterConfig"]>): ProtoJson {
  const fixed = fault && finalFault(fault);
  return { ...(fixed && { [FAULT_FILTER]: fixed }), ...(cors && { [CORS_FILTER]: fixCors(cors) }) };
}

/** A fault as Envoy and gRPC take it. They take no delay of 0 and no status that is not final; undefined where nothing is left. */
export function finalFault({ delay, abort, ...others }: HttpFault): object | undefined {
  const isLong = delay !== undefined && Number.parseFloat(delay.fixedDelay) > 0;
  if (!isLong && abort === undefined) return undefined;
  const { httpStatus } = abort ?? {};
  return {
    ...others,
    ...(isLong && { delay }),
    ...(abort && { abort: httpStatus === undefined || isFinal(httpStatus) ? abort : { ...abort, httpStatus: 503 } }),
  };
}

function isFinal(status: number): boolean {
  return status >= 200 && status < 600;
}

function fixCors(cors: CorsPolicy): object {
  return { ...cors, allowOriginStringMatch: cors.allowOriginStringMatch.map(fixMatcher) };
}

function fixCondition<T extends { readonly stringMatch?: StringMatcher }>(condition: T): T {
  return condition.stringMatch === undefined
    ? condition
    : { ...condition, stringMatch: fixMatcher(condition.stringMatch) };
}

/** Envoy refuses an empty prefix, suffix or part: what every text meets is written as a regex. */
function fixMatcher(matcher: StringMatcher): StringMatcher {
  const { prefix, suffix, contains } = matcher;
  return prefix === "" || suffix === "" || contains === "" ? { safeRegex: { regex: ".*" } } : matcher;
}
