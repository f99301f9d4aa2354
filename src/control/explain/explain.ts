import { JWT_FILTER } from "../../codecs/xds/authz.ts";
import { type Claims, compileClaim, listClaims, withLists } from "../../codecs/xds/claims.ts";
import type { Cluster } from "../../codecs/xds/cluster.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import { compileHeader, compilePath, type HeaderLookup } from "../../codecs/xds/match.ts";
import { type ResourceSet, virtualHostsOf } from "../../codecs/xds/resources.ts";
import { type HeaderMatcher, REDIRECT_STATUS, type Route, type VirtualHost } from "../../codecs/xds/route.ts";
import { callValue, type ValueOf } from "../../codecs/xds/routing.ts";
import { printPlace } from "../../model/rule.ts";
import { parseServiceKey } from "../../model/service.ts";
import { type EndpointShare, explainEndpoints } from "./endpoints.ts";
import { type Authorization, explainAuthorization, type Known } from "./passages.ts";
import { explainRouters, type RouterVerdict } from "./routers.ts";
import {
  describeAction,
  describeClaim,
  describeHeader,
  describeLimits,
  describePath,
  describePolicies,
} from "./words.ts";

/** A call that nobody makes. */
export interface MadeUpCall {
  /** Host, printed key or interface, in any case of letters. */
  readonly service: string;
  /** Picks one of an interface's services; undefined: any. */
  readonly group?: string;
  readonly version?: string;
  /** The Java method. */
  readonly method: string;
  /** Attachments, and arguments as `dubbo-arg-N`; names in any case of letters. */
  readonly headers: Readonly<Record<string, string>>;
  /** IP address of the caller; undefined: nothing is known of it. */
  readonly caller?: string;
  /** SPIFFE id of the caller; `""` for one without; undefined: whom listeners hold the address for. */
  readonly principal?: string;
  /** What its token says, which counts as verified; undefined for a call without one. */
  readonly claims?: Claims;
}

/** What became of one route of the service. */
export interface RouteVerdict {
  readonly route: string;
  /** `file:line` of its rule; `""` for a service without one. */
  readonly at: string;
  readonly verdict: "taken" | "does not match" | "not reached";
  /** What the call lacks for it; empty unless it does not match. */
  readonly why: readonly string[];
}

/** One place that the call may go to. */
export interface Destination {
  readonly cluster: string;
  readonly host: string;
  /** `""` for all of the service. */
  readonly subset: string;
  /** Of the route's calls, percent. */
  readonly share: number;
  readonly loadBalancer: string;
  /** Conditions of Dubbo's routers in the registry, in the order in which they are tried; absent for none. */
  readonly routers?: readonly RouterVerdict[];
  /** Those that routers leave for the call. */
  readonly endpoints: readonly EndpointShare[];
}

/** What becomes of a made-up call, and why. */
export interface Explanation {
  readonly host: string;
  /** Printed service key. */
  readonly service: string;
  readonly path: string;
  /** The listeners that take calls of the service, by name. */
  readonly listeners: readonly string[];
  /** Name of the VirtualService in force; `""` for none. */
  readonly rule: string;
  /** In the order in which they are tried. */
  readonly routes: readonly RouteVerdict[];
  /** What the call is told without a provider; undefined where it goes on. */
  readonly answer?: { readonly status: number; readonly reason: string };
  readonly destinations: readonly Destination[];
  /** Timeout, retries, faults and changes of the route that was taken, and the limits that count the call, in words; `""` for none. */
  readonly policies: string;
  /** Who may make the call, by each proxy on its way; empty where it goes nowhere. */
  readonly authorization: readonly Authorization[];
}

/**
 * Says what becomes of a call by these resources; throws an `Error` of one line where its service is not known or not clear. What is `known` of
 * rules and services gives policies their places.
 */
export function explainCall(resources: ResourceSet, call: MadeUpCall, known?: Known): Explanation {
  const { virtualHost, service } = findService(resources, call);
  const path = `/${parseServiceKey(service).interface}/${call.method}`;
  const header = headersOf(resources, call, service);
  const routes = virtualHost.routes;
  const said = call.claims && knownClaims(virtualHost, call.claims);
  const verdicts = routes.map((route) => explainRoute(route, path, header, said));
  const limitMeets = (conditions: readonly HeaderMatcher[]) =>
    conditions.every((one) => compileHeader(one).test(one.name === ":path" ? path : header(one.name)));
  const taken = verdicts.findIndex((why) => why.length === 0);
  const route = routes[taken];
  const destinations =
    route === undefined ? [] : destinationsOf(resources, route, routerCall(resources, call, service, header));
  const own = resources.endpoints.filter(({ name }) => name.endsWith(`|${virtualHost.name}`));
  const providers = own.flatMap(({ resource }) => explainEndpoints(resource));
  const spoken = [...providers, ...destinations.flatMap(({ endpoints }) => endpoints)].map(({ protocol }) => protocol);
  const listeners = listenersOf(resources, service, spoken.length === 0 || spoken.includes("http"));
  const names = Object.keys(call.headers).map((name) => name.toLowerCase());
  const passing = { path, header, names, claims: said, address: call.caller, principal: call.principal, listeners };
  return {
    host: virtualHost.name,
    service,
    path,
    listeners,
    rule: routes.map(originOf).find((origin) => origin?.rule !== undefined)?.rule ?? "",
    routes: routes.map((one, i) => ({
      route: one.name ?? "",
      at: placeOf(one),
      verdict: i === taken ? "taken" : taken >= 0 && i > taken ? "not reached" : "does not match",
      why: taken >= 0 && i > taken ? [] : verdicts[i]!,
    })),
    ...answerOf(route),
    destinations,
    policies: [route === undefined ? "" : describePolicies(route), describeLimits(virtualHost, limitMeets)]
      .filter((text) => text !== "")
      .join("; "),
    authorization:
      route === undefined ? [] : explainAuthorization(resources, { ...passing, route }, destinations, known),
  };
}

/** What is known of a token where calls of a service come; nothing where nobody says whose tokens are good. */
function knownClaims({ typedPerFilterConfig }: VirtualHost, claims: Claims): Claims | undefined {
  const providers = Object.values(typedPerFilterConfig?.[JWT_FILTER]?.providers ?? {});
  if (providers.length === 0) return undefined;
  return providers.reduce((listed, provider) => withLists(listed, listClaims(provider)), claims);
}

/** What a call lacks for a route; nothing where it takes it. */
function explainRoute({ match }: Route, path: string, header: HeaderLookup, claims: Claims | undefined): string[] {
  const why: string[] = [];
  if (!compilePath(match)(path)) why.push(`path ${path} is not ${describePath(match)}`);
  for (const matcher of match.headers ?? []) {
    const value = header(matcher.name);
    if (compileHeader(matcher).test(value)) continue;
    why.push(
      `${matcher.name} is ${value === undefined ? "absent" : JSON.stringify(value)}, asked is ${describeHeader(matcher)}`,
    );
  }
  for (const matcher of match.dynamicMetadata ?? [])
    if (compileClaim(matcher)?.(claims) !== true)
      why.push(
        `${claims === undefined ? "no token is known of the call" : "its token says otherwise"}, asked is ${describeClaim(matcher)}`,
      );
  return why;
}

function answerOf(route: Route | undefined): Pick<Explanation, "answer"> {
  if (route === undefined) return { answer: { status: 404, reason: "no route takes the call" } };
  const { redirect, directResponse: direct } = route;
  if (redirect !== undefined)
    return {
      answer: { status: REDIRECT_STATUS[redirect.responseCode ?? "MOVED_PERMANENTLY"], reason: describeAction(route) },
    };
  if (direct === undefined) return {};
  return { answer: { status: direct.status, reason: direct.body?.inlineString ?? "the route answers by itself" } };
}

/** The call as routers of the registry see it. */
function routerCall(
  { listeners }: ResourceSet,
  { method, caller: address }: MadeUpCall,
  service: string,
  header: HeaderLookup,
): ValueOf {
  const facts = listeners.map(({ resource }) => resource.metadata.filterMetadata[TRESTLE_METADATA]);
  const caller =
    address === undefined ? undefined : facts.map(({ callers }) => callers?.[service]?.[address]).find(Boolean);
  const { interface: interfaceName } = parseServiceKey(service);
  return (key) => callValue(key, { method, interfaceName, header, address, caller });
}

function destinationsOf({ clusters, endpoints }: ResourceSet, { route }: Route, call: ValueOf): Destination[] {
  if (route === undefined) return [];
  const places = route.weightedClusters?.clusters ?? [{ name: route.cluster ?? "", weight: 1 }];
  const sum = places.reduce((total, { weight }) => total + weight, 0);
  return places.map(({ name, weight }) => {
    const cluster: Cluster | undefined = clusters.find((one) => one.name === name)?.resource;
    const facts = cluster?.metadata.filterMetadata[TRESTLE_METADATA];
    const all = endpoints.find((one) => one.name === name)?.resource;
    const { verdicts, assignment } = explainRouters(all, call);
    return {
      cluster: name,
      host: facts?.host ?? name.split("|")[3] ?? name,
      subset: facts?.subset ?? name.split("|")[2] ?? "",
      share: sum === 0 ? 0 : Math.round((weight / sum) * 1_000) / 10,
      loadBalancer: cluster?.lbPolicy ?? "",
      ...(verdicts.length > 0 && { routers: verdicts }),
      endpoints: explainEndpoints(assignment),
    };
  });
}

function findService(resources: ResourceSet, call: MadeUpCall): { virtualHost: VirtualHost; service: string } {
  const wanted = call.service.toLowerCase();
  const known = resources.routes.flatMap(({ name }) =>
    virtualHostsOf(resources, name).map((virtualHost) => ({
      virtualHost,
      service: virtualHost.domains.find((domain) => domain !== virtualHost.name) ?? virtualHost.name,
    })),
  );
  const named = known.filter(({ virtualHost, service }) =>
    [virtualHost.name, service, parseServiceKey(service).interface].some((name) => name.toLowerCase() === wanted),
  );
  if (named.length === 0) throw new Error(`no service ${call.service} is known; see trestle services`);
  const picked = named.filter(({ service }) => {
    const { group, version } = parseServiceKey(service);
    return (call.group ?? group) === group && (call.version ?? version) === version;
  });
  if (picked.length === 1) return picked[0]!;
  // A call that says neither is one for the service that has neither.
  const plain = picked.find(({ service }) => {
    const { group, version } = parseServiceKey(service);
    return group === (call.group ?? "") && version === (call.version ?? "");
  });
  if (plain !== undefined) return plain;
  const list = named.map(({ service }) => service).join(", ");
  if (picked.length === 0) throw new Error(`${call.service} has no such group and version; there are: ${list}`);
  throw new Error(`${call.service} is several services, say group and version; there are: ${list}`);
}

/** The call's headers as rules see them: what it does not say of its caller itself is what registries say of the address. */
function headersOf(
  { listeners }: ResourceSet,
  call: MadeUpCall,
  service: string,
): (name: string) => string | undefined {
  const { group, version } = parseServiceKey(service);
  const facts = listeners.map(({ resource }) => resource.metadata.filterMetadata[TRESTLE_METADATA]);
  const registered =
    call.caller === undefined ? undefined : facts.map(({ applications }) => applications?.[call.caller!]).find(Boolean);
  const headers = new Map(Object.entries(call.headers).map(([name, value]) => [name.toLowerCase(), value]));
  return (name) => {
    switch (name) {
      case "dubbo-group":
        return group === "" ? undefined : group;
      case "dubbo-version":
        return version === "" ? undefined : version;
      case "dubbo-application":
        return headers.get(name) ?? headers.get("remote.application") ?? registered;
      default:
        return headers.get(name.toLowerCase());
    }
  };
}

/** The port of all services that speak HTTP is one of those that do (`isHttp`) alone. */
function listenersOf(resources: ResourceSet, service: string, isHttp: boolean): string[] {
  const serving = new Set(
    resources.routes
      .filter(({ name }) => virtualHostsOf(resources, name).some(({ domains }) => domains.includes(service)))
      .map(({ name }) => name),
  );
  return resources.listeners
    .filter(({ resource }) => {
      const facts = resource.metadata.filterMetadata[TRESTLE_METADATA];
      const isFor = facts.service === undefined ? facts.protocol !== "http" || isHttp : facts.service === service;
      return serving.has(facts.routeConfigName) && isFor;
    })
    .map(({ name }) => name);
}

function originOf(route: Route) {
  return route.metadata?.filterMetadata[TRESTLE_METADATA];
}

function placeOf(route: Route): string {
  return printPlace(originOf(route));
}
