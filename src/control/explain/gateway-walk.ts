import { isAmbiguous, loosePath } from "../../codecs/request-path.ts";
import { kindOf } from "../../codecs/triple/head.ts";
import type { Claims } from "../../codecs/xds/claims.ts";
import {
  choosesByPath,
  compileMethod,
  type GatewayRouteKind,
  gatewayRouteKinds,
  isCallable,
  VERB,
  withoutOverload,
} from "../../codecs/xds/gateway-route.ts";
import { compileString, type HeaderLookup } from "../../codecs/xds/match.ts";
import { CORS_FILTER, type Route, type VirtualHost } from "../../codecs/xds/route.ts";
import type { OwnAnswer } from "./explanation.ts";
import { lackedBy, ownAnswerOf } from "./routes.ts";

/** A request at the routes of a gateway's domain. */
export interface AtDomain {
  readonly domain: VirtualHost;
  readonly verb: string;
  /** As routes are asked for it. */
  readonly path: string;
  readonly header: HeaderLookup;
  readonly claims: Claims | undefined;
  /** Whether nobody serves what a route leads to. */
  readonly isEmpty: (route: Route) => boolean;
  /** The interface of the first service that a route leads to. */
  readonly interfaceOf: (route: Route) => string;
}

/** What the routes of a domain make of a request. */
export interface Walked {
  /** What it lacks for each route. */
  readonly lacks: readonly (readonly string[])[];
  /** Place of the route that takes it; -1 for none. */
  readonly taken: number;
  /** What it is told by the gateway itself; undefined where it goes on. */
  readonly answer?: OwnAnswer;
  /** The method of Dubbo that it becomes; undefined for a request that goes on as it is, or nowhere. */
  readonly method?: string;
}

const WITH_CONTENT = new Set(["POST", "PUT", "PATCH"]);

/** Takes a request through the routes of a domain as a gateway does. */
export function walk(at: AtDomain): Walked {
  const found = firstTaking(at);
  const { taken } = found;
  const preflight = answerPreflight(at);
  if (preflight !== undefined) return { ...found, taken: -1, answer: preflight };
  const route = at.domain.routes[taken];
  if (route === undefined) return { ...found, answer: answerNone(at, found.isVerb) };
  const { isHttp } = gatewayRouteKinds(at.domain)[taken]!;
  return { ...found, ...(isHttp ? carry(at, route, taken) : makeCall(at, route, taken)) };
}

interface Found extends Pick<Walked, "lacks" | "taken"> {
  /** Routes take it but for its method. */
  readonly isVerb: boolean;
}

function firstTaking(at: AtDomain): Found {
  const { domain, verb } = at;
  const kinds = gatewayRouteKinds(domain);
  const lacks: string[][] = [];
  let refused = false;
  for (const [i, route] of domain.routes.entries()) {
    const why = lackedAt(at, route, kinds[i]!);
    lacks.push(why);
    if (why.length > 0) continue;
    // What is answered here calls nothing: it holds for every HTTP method.
    const takesAny = kinds[i]!.namesVerb || kinds[i]!.isHttp || verb === "POST";
    if (takesAny || (route.directResponse !== undefined && !refused) || at.isEmpty(route))
      return { lacks, taken: i, isVerb: false };
    refused = true;
    why.push(`it leads to calls and names no method of HTTP: it takes POST, not ${verb}`);
  }
  const isVerb =
    refused ||
    domain.routes.some((route, i) => kinds[i]!.namesVerb && lackedAt(at, withoutVerb(route), kinds[i]!).length === 0);
  return { lacks, taken: -1, isVerb };
}

function lackedAt(at: AtDomain, route: Route, { hasOverloads }: GatewayRouteKind): string[] {
  return lackedBy(route, at, hasOverloads ? withoutOverload(at.path) : at.path);
}

function withoutVerb(route: Route): Route {
  const { headers = [], ...match } = route.match;
  return { ...route, match: { ...match, headers: headers.filter(({ name }) => name !== VERB) } };
}

function answerNone({ verb, path }: AtDomain, isVerb: boolean): OwnAnswer {
  if (verb === "GET" && path === "/openapi.json")
    return { status: 200, reason: "the OpenAPI document of what the Host lets through" };
  if (isVerb) return { status: 405, reason: `${path} does not take ${verb}` };
  return { status: 404, reason: "nothing is exposed by this host and path" };
}

/** A request that is carried as it is. */
function carry(at: AtDomain, route: Route, taken: number): Pick<Walked, "answer"> {
  const { path, header, domain } = at;
  if ((header("content-type") ?? "").startsWith("application/grpc"))
    return { answer: { status: 404, reason: "the service of this path speaks HTTP alone, no gRPC (grpc-status 12)" } };
  const loose = loosePath(path);
  const isElsewhere = loose !== path && (isAmbiguous(loose) || firstTaking({ ...at, path: loose }).taken !== taken);
  if (choosesByPath(domain) && (isAmbiguous(path) || isElsewhere))
    return { answer: { status: 400, reason: "the path can be read in several ways, and routes go by paths here" } };
  return answered(ownAnswerOf(route));
}

/** A request that becomes a call. */
function makeCall(at: AtDomain, route: Route, taken: number): Pick<Walked, "answer" | "method"> {
  const { path, verb, header, domain } = at;
  const method = compileMethod(route, at.interfaceOf(route))(path);
  const { namesVerb } = gatewayRouteKinds(domain)[taken]!;
  const isCall = isCallable(method) && (namesVerb || verb === "POST");
  if (!isCall && at.isEmpty(route)) return { answer: { status: 503, reason: "no provider is known" } };
  const own = ownAnswerOf(route);
  if (own !== undefined) return answered(own);
  if (!isCallable(method))
    return {
      answer: {
        status: 404,
        reason: `nothing is exposed by this host and path: ${method === "" ? "it names no method, or has more parts than one" : `${method} is no method for callers outside`}`,
      },
    };
  const type = header("content-type");
  const isOdd = type !== undefined && kindOf(["content-type", type]) === "http";
  if (isOdd && WITH_CONTENT.has(verb))
    return { answer: { status: 415, reason: "content must be application/json, or gRPC's" } };
  return { method: method.split("~", 1)[0]! };
}

/** Preflight requests are answered by the route of the request that they ask for; undefined for one that goes on, and for other requests. */
function answerPreflight(at: AtDomain): OwnAnswer | undefined {
  const { verb, header, domain } = at;
  const origin = header("origin");
  const asked = header("access-control-request-method");
  if (verb !== "OPTIONS" || origin === undefined || asked === undefined) return undefined;
  const found = firstTaking({ ...at, verb: asked, header: (name) => (name === VERB ? asked : header(name)) });
  const route = domain.routes[found.taken];
  if (route === undefined && !found.isVerb) return { status: 404, reason: "nothing is exposed by this host and path" };
  const cors = route?.typedPerFilterConfig?.[CORS_FILTER];
  const told = `to the preflight request for ${asked}`;
  if (cors === undefined) {
    // A service that speaks HTTP answers for itself, where no rule does.
    if (route !== undefined && gatewayRouteKinds(domain)[found.taken]!.isHttp) return undefined;
    return {
      status: 204,
      reason: `${told}, without permission: ${route === undefined ? "no route takes it" : `route ${route.name} has no corsPolicy`}`,
    };
  }
  if (cors.allowOriginStringMatch.some((one) => compileString(one)(origin)))
    return { status: 204, reason: `${told}, with permission for ${origin} by route ${route!.name}` };
  if (cors.forwardNotMatchingPreflights !== false) return undefined;
  return { status: 204, reason: `${told}, without permission: route ${route!.name} does not allow ${origin}` };
}

function answered(answer: OwnAnswer | undefined): Pick<Walked, "answer"> {
  return answer === undefined ? {} : { answer };
}
