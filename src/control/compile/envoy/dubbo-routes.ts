import type { StringMatcher } from "../../../codecs/xds/core.ts";
import { GLOBAL_LIMIT_FILTER, LOCAL_LIMIT_FILTER, withoutLimits } from "../../../codecs/xds/rate-limit.ts";
import type { HeaderMatcher, Route, RouteAction, VirtualHost } from "../../../codecs/xds/route.ts";
import type { Endpoint, Entry } from "../../../model/entry.ts";
import type { ProtoJson } from "../targets.ts";
import { routesWithoutTokens } from "../without-tokens.ts";
import type { ClusterNames } from "./http-routes.ts";

/** Name of the resource that holds the routes of every Dubbo service: what an Envoy's Dubbo listener asks for. */
export const DUBBO_ROUTE_CONFIG = "dubbo";

/** Something that a rule asks for and Envoy's Dubbo filter cannot do. */
export interface DubboShortcoming {
  readonly code: string;
  /** What becomes of it, such as `its timeout is not applied`. */
  readonly text: string;
  /** Undefined where it is said of the service and not of one route. */
  readonly route: Route | undefined;
}

/** What is said of each shortcoming, by its code; docs/findings.md has the same list. */
export const DUBBO_SHORTCOMINGS = {
  TR0701: "its time limit is not applied",
  TR0702: "its retries are not made",
  TR0703: "its faults are not injected",
  TR0704: "its mirror gets no calls",
  TR0705: "it asks for an argument in a way that Envoy cannot, and is left out",
  TR0706: "its changes to attachments are not made",
  TR0707: "it answers by itself, and is left out",
  TR0708: "it leads to another interface or method, and calls keep the names that they came with",
  TR0709: "its hash policy is not applied",
  TR0710: "policies of who may call are not applied",
  TR0711: "its providers speak no Dubbo2, and it is left out",
  TR0712: "its providers prefer another serialization than Hessian2, with which connections are closed",
  TR0713: "its limits are not applied",
  TR0714: "a limit asks for what Envoy cannot tell of a call, and is left out",
} as const;

/**
 * The Dubbo routes of one service. A route that Envoy cannot meet at all is left out; what it cannot do of others is passed over. Both are
 * named among the shortcomings.
 */
export function dubboRoutes(
  { name, routes, ...others }: VirtualHost,
  { service, endpoints = [] }: Pick<Entry, "service"> & Partial<Pick<Entry, "endpoints">>,
  clusterOf: ClusterNames,
): { readonly config: ProtoJson; readonly shortcomings: readonly DubboShortcoming[] } {
  const shortcomings: DubboShortcoming[] = [];
  const add = (code: keyof typeof DUBBO_SHORTCOMINGS, route?: Route) =>
    shortcomings.push({ code, text: DUBBO_SHORTCOMINGS[code], route });
  if (withoutLimits(others.typedPerFilterConfig) !== undefined) add("TR0710");
  if (others.typedPerFilterConfig?.[LOCAL_LIMIT_FILTER] || others.typedPerFilterConfig?.[GLOBAL_LIMIT_FILTER])
    add("TR0713");
  if (endpoints.some(prefersAnother)) add("TR0712");
  const lowered = routesWithoutTokens(routes).flatMap((route) => {
    for (const code of passedOver(route, name)) add(code, route);
    if (route.directResponse !== undefined) add("TR0707", route);
    const match = dubboMatch(route, service.interface);
    if (match === undefined) add("TR0705", route);
    if (match === undefined || route.route === undefined) return [];
    const action = clustersOf(route.route, clusterOf);
    if (action === undefined) add("TR0711", route);
    return action === undefined ? [] : [{ match, route: action }];
  });
  const { interface: of, group, version } = service;
  const config = {
    name,
    interface: of,
    ...(group !== "" && { group }),
    ...(version !== "" && { version }),
    routes: lowered,
  };
  return { config, shortcomings };
}

function clustersOf({ cluster, weightedClusters }: RouteAction, clusterOf: ClusterNames): ProtoJson | undefined {
  if (cluster !== undefined) {
    const name = clusterOf(cluster);
    return name === undefined ? undefined : { cluster: name };
  }
  const clusters = (weightedClusters?.clusters ?? []).flatMap(({ name, weight }) => {
    const known = clusterOf(name);
    return known === undefined ? [] : [{ name: known, weight }];
  });
  return clusters.every(({ weight }) => weight === 0) ? undefined : { weightedClusters: { clusters } };
}

function passedOver(route: Route, host: string): (keyof typeof DUBBO_SHORTCOMINGS)[] {
  const { timeout, retryPolicy, weightedClusters, cluster, ...more } = route.route ?? {};
  const clusters = weightedClusters?.clusters ?? (cluster === undefined ? [] : [{ name: cluster, weight: 1 }]);
  const mutates = (of: object) =>
    ["requestHeadersToAdd", "requestHeadersToRemove", "responseHeadersToAdd", "responseHeadersToRemove"].some(
      (field) => field in of,
    );
  const { [FAULT]: fault, ...filters } = (route.typedPerFilterConfig ?? {}) as Record<string, unknown>;
  const found: [keyof typeof DUBBO_SHORTCOMINGS, boolean][] = [
    ["TR0701", timeout !== undefined && Number.parseFloat(timeout) > 0],
    ["TR0702", retryPolicy !== undefined],
    ["TR0703", fault !== undefined],
    ["TR0704", "requestMirrorPolicies" in more],
    ["TR0706", mutates(route) || clusters.some(mutates)],
    [
      "TR0708",
      "prefixRewrite" in more || "regexRewrite" in more || clusters.some(({ name }) => !name.endsWith(`|${host}`)),
    ],
    ["TR0709", "hashPolicy" in more],
    ["TR0710", Object.keys(filters).some((name) => name !== "envoy.filters.http.cors")],
  ];
  return found.filter(([, isSo]) => isSo).map(([code]) => code);
}

/** Whether consumers would speak to the provider in another serialization, given the choice. */
function prefersAnother({ protocol, params }: Endpoint): boolean {
  const said = params["prefer.serialization"] ?? params["serialization"] ?? "";
  return protocol === "dubbo" && said !== "" && said.split(",")[0]!.trim() !== "hessian2";
}

const FAULT = "envoy.filters.http.fault";

/** What Envoy's filter is to look at for a route; undefined where it cannot, or where no call meets it. */
function dubboMatch({ match }: Route, interfaceName: string): ProtoJson | undefined {
  const name = methodOf(match, interfaceName);
  if (name === undefined) return undefined;
  const params: Record<number, ProtoJson> = {};
  const headers: HeaderMatcher[] = [];
  for (const header of match.headers ?? []) {
    const argument = /^dubbo-arg-(\d+)(.*)$/.exec(header.name);
    if (argument === null) {
      // The service's own group and version are asked for beside its interface.
      headers.push(attachmentOf(header));
      continue;
    }
    const index = Number(argument[1]);
    const exact = header.stringMatch?.exact;
    const isWhole = argument[2] === "" && exact !== undefined && header.invertMatch !== true;
    if (!isWhole || header.stringMatch?.ignoreCase === true || index in params) return undefined;
    params[index] = { exactMatch: exact };
  }
  return {
    method: { name, ...(Object.keys(params).length > 0 && { paramsMatch: params }) },
    ...(headers.length > 0 && { headers }),
  };
}

const ATTACHMENT_NAMES: Readonly<Record<string, string>> = {
  "dubbo-group": "group",
  "dubbo-version": "version",
  "dubbo-application": "remote.application",
};

function attachmentOf(header: HeaderMatcher): HeaderMatcher {
  return { ...header, name: ATTACHMENT_NAMES[header.name] ?? header.name };
}

/** The method's name out of a condition on `/interface/method`. */
function methodOf(match: Route["match"], interfaceName: string): StringMatcher | undefined {
  const base = `/${interfaceName}/`;
  const ignoreCase = match.caseSensitive === false && { ignoreCase: true };
  const after = (text: string): string | undefined => {
    const [a, b] = ignoreCase ? [text.toLowerCase(), base.toLowerCase()] : [text, base];
    return a.startsWith(b) ? text.slice(base.length) : undefined;
  };
  if (match.path !== undefined) {
    const method = after(match.path);
    return method === undefined ? undefined : { exact: method, ...ignoreCase };
  }
  if (match.prefix !== undefined) {
    if (base.startsWith(match.prefix)) return EVERY_METHOD;
    const start = after(match.prefix);
    if (start === undefined) return undefined;
    return start === "" ? EVERY_METHOD : { prefix: start, ...ignoreCase };
  }
  const regex = match.safeRegex?.regex;
  if (regex === undefined) return undefined;
  const quoted = base.replace(/[^A-Za-z0-9_/]/g, "\\$&");
  const start = [base, quoted].find((text) => regex.startsWith(text));
  return start === undefined || hasChoice(regex) ? undefined : { safeRegex: { regex: regex.slice(start.length) } };
}

/** Whether a regex has a `|` outside of all groups: its beginning is not that of each of its texts then. */
function hasChoice(regex: string): boolean {
  let depth = 0;
  for (let i = 0; i < regex.length; i++) {
    const sign = regex[i];
    if (sign === "\\") i++;
    else if (sign === "(") depth++;
    else if (sign === ")") depth--;
    else if (sign === "|" && depth === 0) return true;
  }
  return false;
}

const EVERY_METHOD: StringMatcher = { safeRegex: { regex: ".*" } };
