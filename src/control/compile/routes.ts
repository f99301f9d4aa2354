import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import {
  FAULT_FILTER,
  type HashPolicy,
  type HeaderMutations,
  type HeaderValueOption,
  type Route,
  type RouteAction,
  type RouteConfiguration,
  type VirtualHost,
} from "../../codecs/xds/route.ts";
import type { Entry } from "../../model/entry.ts";
import { printServiceKey } from "../../model/service.ts";
import type { LoweredMutations, LoweredRoute, LoweredService, LoweredTarget } from "../rules/lower/lower.ts";
import { EVERY_PATH } from "../rules/path.ts";
import { printDuration } from "../rules/values.ts";

/** Name of the one RouteConfiguration of every Dubbo service; their virtual hosts are resources of their own. */
export const DUBBO_ROUTES = "dubbo";

/** The RouteConfiguration of that name, always the same. */
export const DUBBO_ROUTE_CONFIG: RouteConfiguration = {
  name: DUBBO_ROUTES,
  virtualHosts: [],
  vhds: { configSource: { ads: {}, resourceApiVersion: "V3" } },
};

/** Says which cluster a target's calls go to. */
export type ClusterOf = (target: Pick<LoweredTarget, "host" | "subset">) => string;

/** Says what the hash of a target's calls is made from, where a hash spreads them. */
export type HashOf = (target: Pick<LoweredTarget, "host" | "subset">) => readonly HashPolicy[];

const NO_HASH: HashOf = () => [];

/** Compiles the virtual host of a service: the routes of its rule, or one that leads every call to the service itself. */
export function compileVirtualHost(
  entry: Entry,
  lowered: LoweredService,
  clusterOf: ClusterOf,
  hashOf: HashOf = NO_HASH,
): VirtualHost {
  const itself = { host: entry.host, subset: "" };
  const hashPolicy = hashOf(itself);
  const key = printServiceKey(entry.service);
  return {
    name: entry.host,
    domains: key === entry.host ? [key] : [entry.host, key],
    routes:
      lowered.routes.length === 0
        ? [
            {
              name: "default",
              match: EVERY_PATH,
              route: { cluster: clusterOf(itself), ...(hashPolicy.length > 0 && { hashPolicy }) },
            },
          ]
        : lowered.routes.map((route) => compileRoute(route, clusterOf, hashOf)),
  };
}

/** Compiles one route; `clusterOf` gives each destination its cluster. */
export function compileRoute(route: LoweredRoute, clusterOf: ClusterOf, hashOf: HashOf = NO_HASH): Route {
  return {
    name: route.name,
    match: {
      ...route.path,
      ...(route.headers.length === 0 ? {} : { headers: route.headers }),
      ...(route.query === undefined || route.query.length === 0 ? {} : { queryParameters: route.query }),
      ...(route.claims === undefined ? {} : { dynamicMetadata: route.claims }),
    },
    ...compileEnd(route, clusterOf, hashOf),
    ...compileMutations(route),
    ...(route.fault === undefined ? {} : { typedPerFilterConfig: { [FAULT_FILTER]: route.fault } }),
    metadata: { filterMetadata: { [TRESTLE_METADATA]: { rule: route.rule, file: route.file, line: route.line } } },
  };
}

function compileEnd(
  route: LoweredRoute,
  clusterOf: ClusterOf,
  hashOf: HashOf,
): Pick<Route, "route" | "redirect" | "directResponse"> {
  if (route.redirect !== undefined) return { redirect: route.redirect };
  if (route.direct !== undefined) return { directResponse: compileDirect(route.direct) };
  return { route: compileAction(route, clusterOf, hashOf) };
}

function compileDirect({
  status,
  body,
  bytes,
}: NonNullable<LoweredRoute["direct"]>): NonNullable<Route["directResponse"]> {
  if (bytes !== undefined) return { status, body: { inlineBytes: bytes } };
  return { status, ...(body === undefined ? {} : { body: { inlineString: body } }) };
}

function compileAction(route: LoweredRoute, clusterOf: ClusterOf, hashOf: HashOf): RouteAction {
  const targets = route.targets ?? [];
  const isPlain = targets[0]?.mutations === undefined && targets[0]?.answerMutations === undefined;
  const only = targets.length === 1 && isPlain ? targets[0] : undefined;
  // Istio too joins what all destinations ask for; the same input counts once.
  const hashes = new Map(targets.flatMap(hashOf).map((policy) => [JSON.stringify(policy), policy]));
  return {
    ...(only === undefined
      ? {
          weightedClusters: {
            clusters: targets.map((target) => ({
              name: clusterOf(target),
              weight: target.weight,
              ...compileMutations(target),
            })),
          },
        }
      : { cluster: clusterOf(only) }),
    ...(route.timeoutMs === undefined ? {} : { timeout: printDuration(route.timeoutMs) }),
    ...(route.retries === undefined ? {} : { retryPolicy: route.retries }),
    ...(route.rewrite === undefined ? {} : { prefixRewrite: route.rewrite }),
    ...(route.regexRewrite === undefined ? {} : { regexRewrite: route.regexRewrite }),
    ...(route.authority === undefined ? {} : { hostRewriteLiteral: route.authority }),
    ...(route.mirrors === undefined
      ? {}
      : {
          requestMirrorPolicies: route.mirrors.map((mirror) => ({
            cluster: clusterOf(mirror),
            runtimeFraction: { defaultValue: mirror.share },
          })),
        }),
    ...(hashes.size === 0 ? {} : { hashPolicy: [...hashes.values()] }),
  };
}

function compileMutations({
  mutations,
  answerMutations,
}: Pick<LoweredTarget, "mutations" | "answerMutations">): HeaderMutations {
  const asked = optionsOf(mutations);
  const answered = optionsOf(answerMutations);
  return {
    ...(asked.added.length === 0 ? {} : { requestHeadersToAdd: asked.added }),
    ...(asked.removed.length === 0 ? {} : { requestHeadersToRemove: asked.removed }),
    ...(answered.added.length === 0 ? {} : { responseHeadersToAdd: answered.added }),
    ...(answered.removed.length === 0 ? {} : { responseHeadersToRemove: answered.removed }),
  };
}

function optionsOf(mutations: LoweredMutations | undefined): {
  readonly added: readonly HeaderValueOption[];
  readonly removed: readonly string[];
} {
  if (mutations === undefined) return { added: [], removed: [] };
  const option =
    (appendAction: HeaderValueOption["appendAction"]) =>
    ([key, value]: [string, string]): HeaderValueOption => ({
      header: { key, value },
      appendAction,
    });
  const added = [
    ...Object.entries(mutations.set).map(option("OVERWRITE_IF_EXISTS_OR_ADD")),
    ...Object.entries(mutations.add).map(option("APPEND_IF_EXISTS_OR_ADD")),
  ];
  return { added, removed: mutations.remove };
}
