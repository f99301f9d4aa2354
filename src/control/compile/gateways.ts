import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import {
  CORS_FILTER,
  type CorsPolicy,
  type HashPolicy,
  type Route,
  type RouteConfiguration,
} from "../../codecs/xds/route.ts";
import type { Entry } from "../../model/entry.ts";
import type { Rule } from "../../model/rule.ts";
import type { CorsPolicy as CorsRule } from "../../model/rules/http-route.ts";
import { meshClient } from "../rules/client.ts";
import type { EntryIndex } from "../rules/hosts.ts";
import { leadsToHttp } from "../rules/http-service.ts";
import { type GatewayClient, type LoweredGatewayRoute, lowerGateways } from "../rules/lower/gateway.ts";
import { stringMatcher } from "../rules/path.ts";
import { type ClusterNeed, clusterName, clusterNameOf } from "./clusters.ts";
import { gatewayTokens, type IssuerClient } from "./gateway-issuers.ts";
import type { GatewayPort } from "./listeners.ts";
import { type ClusterOf, compileRoute, type HashOf } from "./routes.ts";

/** What gateways need: ports, the routes of each, and the clusters that those lead to. */
export interface CompiledGateways {
  readonly ports: readonly GatewayPort[];
  readonly routes: readonly RouteConfiguration[];
  readonly clusters: readonly ClusterNeed[];
}

/** Compiles the Gateways among `rules` that a proxy serves: one listener and one RouteConfiguration for each port, virtual hosts by the Host that callers send. */
export function compileGateways(
  rules: readonly Rule[],
  index: EntryIndex,
  hashes: (entry: Entry, subset: string) => readonly HashPolicy[] = () => [],
  client: GatewayClient & IssuerClient = meshClient(),
): CompiledGateways {
  const needs = new Map<string, ClusterNeed>();
  const clusterOf = ({ host, subset }: { readonly host: string; readonly subset: string }): string => {
    const entry = index.byHost(host);
    const name = entry === undefined ? clusterName(20_880, subset, host) : clusterNameOf(entry, subset);
    needs.set(name, { name, entry, host, subset });
    return name;
  };
  const hashOf: HashOf = ({ host, subset }) => {
    const entry = index.byHost(host);
    return entry === undefined ? [] : hashes(entry, subset);
  };
  const compiled = lowerGateways(rules, index, client).map(
    ({ bind, port, gateways = [], hosts, tls, serverNames, passages }) => {
      const of = passages !== undefined ? "_passthrough" : serverNames === undefined ? "" : `_${serverNames[0]}`;
      const name = `gateway_${bind === undefined ? "" : `${bind}_`}${port}${of}`;
      const virtualHosts = hosts.map(({ domain, routes, isElsewhere, sendsToHttps }) => {
        const tokens = routes.some(({ claims }) => claims !== undefined) && gatewayTokens(rules, gateways, client);
        return {
          name: domain,
          domains: [domain],
          routes:
            isElsewhere === true
              ? ELSEWHERE
              : routes.map((route) => compileGatewayRoute(route, { index, clusterOf, hashOf })),
          ...(tokens && { typedPerFilterConfig: tokens }),
          ...(sendsToHttps === true && { requireTls: "ALL" as const }),
        };
      });
      const more = { ...(tls && { tls }), ...(serverNames && { serverNames }), ...(passages && { passages }) };
      return { port: { bind, port, routeConfigName: name, ...more }, routes: { name, virtualHosts } };
    },
  );
  return {
    ports: compiled.map(({ port }) => port),
    routes: compiled.map(({ routes }) => routes),
    clusters: [...needs.values()],
  };
}

/** HTTP's word for a request on a connection that was made for another name (RFC 9110 15.5.20). */
const ELSEWHERE: readonly Route[] = [
  {
    name: "another name",
    match: { prefix: "/" },
    directResponse: { status: 421, body: { inlineString: "this host is asked for by its own name in TLS\n" } },
  },
];

interface RouteParts {
  readonly index: EntryIndex;
  readonly clusterOf: ClusterOf;
  readonly hashOf: HashOf;
}

function compileGatewayRoute(lowered: LoweredGatewayRoute, { index, clusterOf, hashOf }: RouteParts): Route {
  const { query, cors, targets = [] } = lowered;
  const route = compileRoute(lowered, clusterOf, hashOf);
  const isHttp = lowered.redirect !== undefined || leadsToHttp(targets.map(({ host }) => index.byHost(host)));
  const origin = route.metadata!.filterMetadata[TRESTLE_METADATA];
  return {
    ...route,
    ...(isHttp && { metadata: { filterMetadata: { [TRESTLE_METADATA]: { ...origin, protocol: "http" as const } } } }),
    match: { ...route.match, ...(query.length > 0 && { queryParameters: query }) },
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
    ...(cors.unmatchedPreflights === "IGNORE" && { forwardNotMatchingPreflights: false }),
  };
}
