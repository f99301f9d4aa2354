import { CORS_FILTER, type CorsPolicy, type Route, type RouteConfiguration } from "../../codecs/xds/resources.ts";
import type { CorsPolicy as CorsRule, Rule } from "../../model/rule.ts";
import type { EntryIndex } from "../rules/hosts.ts";
import { stringMatcher } from "../rules/lower.ts";
import { type LoweredGatewayRoute, lowerGateways } from "../rules/lower-gateway.ts";
import { type ClusterNeed, clusterName, clusterNameOf } from "./clusters.ts";
import type { GatewayPort } from "./listeners.ts";
import { compileRoute } from "./routes.ts";

/** What gateways need: ports, the routes of each, and the clusters that those lead to. */
export interface CompiledGateways {
  readonly ports: readonly GatewayPort[];
  readonly routes: readonly RouteConfiguration[];
  readonly clusters: readonly ClusterNeed[];
}

/** Compiles the Gateways among `rules`: one listener and one RouteConfiguration for each port, virtual hosts by the Host that callers send. */
export function compileGateways(rules: readonly Rule[], index: EntryIndex): CompiledGateways {
  const needs = new Map<string, ClusterNeed>();
  const clusterOf = ({ host, subset }: { readonly host: string; readonly subset: string }): string => {
    const entry = index.byHost(host);
    const name = entry === undefined ? clusterName(20_880, subset, host) : clusterNameOf(entry, subset);
    needs.set(name, { name, entry, host, subset });
    return name;
  };
  const compiled = lowerGateways(rules, index).map(({ bind, port, hosts }) => {
    const name = `gateway_${bind === undefined ? "" : `${bind}_`}${port}`;
    const virtualHosts = hosts.map(({ domain, routes }) => ({
      name: domain,
      domains: [domain],
      routes: routes.map((route) => compileGatewayRoute(route, clusterOf)),
    }));
    return { port: { bind, port, routeConfigName: name }, routes: { name, virtualHosts } };
  });
  return {
    ports: compiled.map(({ port }) => port),
    routes: compiled.map(({ routes }) => routes),
    clusters: [...needs.values()],
  };
}

function compileGatewayRoute(
  lowered: LoweredGatewayRoute,
  clusterOf: (target: { readonly host: string; readonly subset: string }) => string,
): Route {
  const { query, rewrite, cors } = lowered;
  const route = compileRoute(lowered, clusterOf);
  return {
    ...route,
    match: { ...route.match, ...(query.length > 0 && { queryParameters: query }) },
    ...(route.route !== undefined && rewrite !== undefined && { route: { ...route.route, prefixRewrite: rewrite } }),
    ...(cors !== undefined && {
      typedPerFilterConfig: { ...route.typedPerFilterConfig, [CORS_FILTER]: compileCors(cors) },
    }),
  };
}

function compileCors(cors: CorsRule): CorsPolicy {
  const { allowOrigins, allowMethods = [], allowHeaders = [], exposeHeaders = [], maxAgeMs, allowCredentials } = cors;
  return {
    allowOriginStringMatch: allowOrigins.map((match) =>
      match.type === "present" ? { prefix: "" } : stringMatcher(match),
    ),
    ...(allowMethods.length > 0 && { allowMethods: allowMethods.join(",") }),
    ...(allowHeaders.length > 0 && { allowHeaders: allowHeaders.join(",") }),
    ...(exposeHeaders.length > 0 && { exposeHeaders: exposeHeaders.join(",") }),
    ...(maxAgeMs !== undefined && { maxAge: String(Math.floor(maxAgeMs / 1000)) }),
    ...(allowCredentials !== undefined && { allowCredentials }),
  };
}
