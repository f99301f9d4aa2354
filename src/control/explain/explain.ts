import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import { compileHeader, type HeaderLookup } from "../../codecs/xds/match.ts";
import { callableOf, pathRewriteOf } from "../../codecs/xds/path-rewrite.ts";
import { type ResourceSet, virtualHostsOf } from "../../codecs/xds/resources.ts";
import type { HeaderMatcher, Route, VirtualHost } from "../../codecs/xds/route.ts";
import { callValue, type ValueOf } from "../../codecs/xds/routing.ts";
import type { AskedTag } from "../../codecs/xds/tags.ts";
import { parseServiceKey } from "../../model/service.ts";
import { WIRE_PROTOCOLS } from "../compile/endpoints.ts";
import { destinationsOf } from "./destinations.ts";
import { explainEndpoints } from "./endpoints.ts";
import type { Explanation, MadeUpCall, MadeUpCaller, OwnAnswer } from "./explanation.ts";
import type { Known } from "./known.ts";
import { meshHosts, serviceOf } from "./mesh-hosts.ts";
import { explainAuthorization } from "./passages.ts";
import { describePolicies } from "./policy-words.ts";
import { knownClaims, lackedBy, originOf, ownAnswerOf, type SeenByRoutes, verdictsOf } from "./routes.ts";
import { openRuleBook, type RuleBook } from "./rule-book.ts";
import { describeLimits } from "./words.ts";

/**
 * Says what becomes of a call by these resources; throws an `Error` of one line where its service is not known or not clear. What is `known` of
 * rules and services gives policies their places.
 */
export function explainCall(resources: ResourceSet, call: MadeUpCall, known?: Known): Explanation {
  const book = openRuleBook(known);
  const { virtualHost, service } = findService(resources, call, book);
  const path = `/${parseServiceKey(service).interface}/${call.method}`;
  const header = headersOf(resources, call, service);
  const seen = { path, header, claims: knownClaims(virtualHost, call.claims) };
  return explainRoutes(
    resources,
    {
      virtualHost,
      service,
      call,
      seen,
      asRouters: routerCall(resources, call, service, header),
      tag: tagOf(resources, call, service, header),
      book,
    },
    known,
  );
}

/** A call of a service in the mesh, as routes and routers of the registry see it. */
export interface CallInMesh {
  readonly virtualHost: VirtualHost;
  /** Printed key. */
  readonly service: string;
  readonly call: MadeUpCaller;
  readonly seen: SeenByRoutes;
  readonly asRouters: ValueOf;
  /** Of a request: the method of HTTP, and its headers as policies see them. */
  readonly verb?: string;
  readonly query?: string;
  readonly policyHeader?: HeaderLookup;
  /** Absent for a request, which asks for none. */
  readonly tag?: AskedTag;
  readonly book: RuleBook;
}

/** Says what becomes of a call of a service that is found. */
export function explainRoutes(resources: ResourceSet, asked: CallInMesh, known: Known | undefined): Explanation {
  const { virtualHost, service, call, seen, verb, book } = asked;
  const { path, header, claims } = seen;
  const { routes } = virtualHost;
  const lacks = routes.map((route) => lackedBy(route, seen));
  const taken = lacks.findIndex((why) => why.length === 0);
  const route = routes[taken];
  const answer =
    route === undefined
      ? { status: 404, reason: "no route takes the call" }
      : (ownAnswerOf(route) ?? (verb === undefined ? unnamed(route, path) : undefined));
  const led = answer === undefined ? route : undefined;
  const destinations =
    led === undefined ? [] : destinationsOf(resources, led, { ...asked, isRequest: verb !== undefined });
  const own = resources.endpoints.filter(({ name }) => name.endsWith(`|${virtualHost.name}`));
  const providers = own.flatMap(({ resource }) => explainEndpoints(resource));
  const spoken = [...providers, ...destinations.flatMap(({ endpoints }) => endpoints)].map(({ protocol }) => protocol);
  const isHttp = spoken.length === 0 || spoken.includes("http");
  const listeners = listenersOf(
    resources,
    service,
    verb === undefined ? [...WIRE_PROTOCOLS, ...(isHttp ? ["http"] : [])] : ["http"],
  );
  const names = Object.keys(call.headers).map((name) => name.toLowerCase());
  const who = { address: call.caller, principal: call.principal, listeners };
  const passing = { path, header: asked.policyHeader ?? header, names, claims, isRequest: verb !== undefined, ...who };
  const passedOver = book.passedOver(virtualHost);
  return {
    ...(book.from !== undefined && { from: book.from }),
    host: virtualHost.name,
    service,
    path: verb === undefined ? path : `${verb} ${path}${asked.query ?? ""}`,
    listeners,
    rule: routes.map(originOf).find((origin) => origin?.rule !== undefined)?.rule ?? "",
    routes: verdictsOf(routes, lacks, taken),
    ...(passedOver.length > 0 && { passedOver }),
    ...(answer && { answer }),
    destinations,
    policies: [
      route === undefined ? "" : describePolicies(route),
      limitsOn(virtualHost, seen, book.limitsOf(virtualHost.name)),
    ]
      .filter((text) => text !== "")
      .join("; "),
    authorization:
      led === undefined ? [] : explainAuthorization(resources, { ...passing, route: led }, destinations, known),
  };
}

/** A Dubbo call whose rewritten path names no interface and method goes nowhere. */
function unnamed(route: Route, path: string): OwnAnswer | undefined {
  const rewritten = pathRewriteOf(route)?.(path);
  if (rewritten === undefined || callableOf(rewritten) !== undefined) return undefined;
  return { status: 404, reason: `the route rewrites the path to ${rewritten}, which names no interface and method` };
}

/** The limits of a service that count a call, in words, with the rule that says them; `""` for none. */
export function limitsOn(
  host: VirtualHost,
  { path, header }: Pick<SeenByRoutes, "path" | "header">,
  rule: string,
): string {
  const meets = (conditions: readonly HeaderMatcher[]) =>
    conditions.every((one) => compileHeader(one).test(one.name === ":path" ? path : header(one.name)));
  const words = describeLimits(host, meets);
  return words === "" || rule === "" ? words : `${words}, by ${rule}`;
}

/** The call as routers of the registry see it. */
export function routerCall(
  { listeners }: ResourceSet,
  { method, caller: address }: Pick<MadeUpCall, "method" | "caller">,
  service: string,
  header: HeaderLookup,
): ValueOf {
  const facts = listeners.map(({ resource }) => resource.metadata.filterMetadata[TRESTLE_METADATA]);
  const caller =
    address === undefined ? undefined : facts.map(({ callers }) => callers?.[service]?.[address]).find(Boolean);
  const { interface: interfaceName } = parseServiceKey(service);
  return (key) => callValue(key, { method, interfaceName, header, address, caller });
}

/** The tag that a call asks for: what it says, else what its consumer registered with. */
function tagOf({ listeners }: ResourceSet, { caller }: MadeUpCall, service: string, header: HeaderLookup): AskedTag {
  const facts = listeners.map(({ resource }) => resource.metadata.filterMetadata[TRESTLE_METADATA]);
  const registered =
    caller === undefined ? undefined : facts.map(({ tags }) => tags?.[service]?.[caller]).find(Boolean);
  return { tag: header("dubbo.tag") || registered || "", tagForced: header("dubbo.force.tag") === "true" };
}

function findService(
  resources: ResourceSet,
  call: MadeUpCall,
  book: RuleBook,
): { virtualHost: VirtualHost; service: string } {
  const wanted = call.service.toLowerCase();
  const known = meshHosts(resources).map((virtualHost) => ({ virtualHost, service: serviceOf(virtualHost) }));
  const named = known.filter(({ virtualHost, service }) =>
    [virtualHost.name, service, parseServiceKey(service).interface].some((name) => name.toLowerCase() === wanted),
  );
  if (named.length === 0)
    throw new Error(book.unseen(call.service) ?? `no service ${call.service} is known; see trestle services`);
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

/** Those of some protocols that take calls of a service. */
function listenersOf(resources: ResourceSet, service: string, protocols: readonly string[]): string[] {
  const serving = new Set(
    resources.routes
      .filter(({ name }) => virtualHostsOf(resources, name).some(({ domains }) => domains.includes(service)))
      .map(({ name }) => name),
  );
  return resources.listeners
    .filter(({ resource }) => {
      const facts = resource.metadata.filterMetadata[TRESTLE_METADATA];
      const isFor = facts.service === undefined || facts.service === service;
      return serving.has(facts.routeConfigName) && isFor && protocols.includes(facts.protocol);
    })
    .map(({ name }) => name);
}
