import {
  FAULT_FILTER,
  type HeaderMutations,
  type HeaderValueOption,
  type Route,
  type RouteAction,
  TRESTLE_METADATA,
  type VirtualHost,
} from "../../codecs/xds/resources.ts";
import type { Entry } from "../../model/entry.ts";
import { printServiceKey } from "../../model/service.ts";
import type { LoweredMutations, LoweredRoute, LoweredService, LoweredTarget } from "../rules/lower.ts";
import { EVERY_PATH } from "../rules/path.ts";
import { printDuration } from "../rules/values.ts";

/** Name of the one RouteConfiguration that holds every Dubbo service. */
export const DUBBO_ROUTES = "dubbo";

/** Says which cluster a target's calls go to. */
export type ClusterOf = (target: Pick<LoweredTarget, "host" | "subset">) => string;

/** Compiles the virtual host of a service: the routes of its rule, or one that leads every call to the service itself. */
export function compileVirtualHost(entry: Entry, lowered: LoweredService, clusterOf: ClusterOf): VirtualHost {
  const key = printServiceKey(entry.service);
  return {
    name: entry.host,
    domains: key === entry.host ? [key] : [entry.host, key],
    routes:
      lowered.routes.length === 0
        ? [{ name: "default", match: EVERY_PATH, route: { cluster: clusterOf({ host: entry.host, subset: "" }) } }]
        : lowered.routes.map((route) => compileRoute(route, clusterOf)),
  };
}

/** Compiles one route; `clusterOf` gives each destination its cluster. */
export function compileRoute(route: LoweredRoute, clusterOf: ClusterOf): Route {
  return {
    name: route.name,
    match: {
      ...route.path,
      ...(route.headers.length === 0 ? {} : { headers: route.headers }),
      ...(route.query === undefined || route.query.length === 0 ? {} : { queryParameters: route.query }),
    },
    ...(route.direct === undefined
      ? { route: compileAction(route, clusterOf) }
      : { directResponse: compileDirect(route.direct) }),
    ...compileMutations(route.mutations),
    ...(route.fault === undefined ? {} : { typedPerFilterConfig: { [FAULT_FILTER]: route.fault } }),
    metadata: { filterMetadata: { [TRESTLE_METADATA]: { rule: route.rule, file: route.file, line: route.line } } },
  };
}

function compileDirect({ status, body }: NonNullable<LoweredRoute["direct"]>): NonNullable<Route["directResponse"]> {
  return { status, ...(body === undefined ? {} : { body: { inlineString: body } }) };
}

function compileAction(route: LoweredRoute, clusterOf: ClusterOf): RouteAction {
  const targets = route.targets ?? [];
  const only = targets.length === 1 && targets[0]!.mutations === undefined ? targets[0] : undefined;
  return {
    ...(only === undefined
      ? {
          weightedClusters: {
            clusters: targets.map((target) => ({
              name: clusterOf(target),
              weight: target.weight,
              ...compileMutations(target.mutations),
            })),
          },
        }
      : { cluster: clusterOf(only) }),
    ...(route.timeoutMs === undefined ? {} : { timeout: printDuration(route.timeoutMs) }),
    ...(route.retries === undefined ? {} : { retryPolicy: route.retries }),
    ...(route.rewrite === undefined ? {} : { prefixRewrite: route.rewrite }),
    ...(route.authority === undefined ? {} : { hostRewriteLiteral: route.authority }),
  };
}

function compileMutations(mutations: LoweredMutations | undefined): HeaderMutations {
  if (mutations === undefined) return {};
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
  return {
    ...(added.length === 0 ? {} : { requestHeadersToAdd: added }),
    ...(mutations.remove.length === 0 ? {} : { requestHeadersToRemove: mutations.remove }),
  };
}
