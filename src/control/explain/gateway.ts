import { printAddress } from "../../base/address.ts";
import { plainPath } from "../../codecs/request-path.ts";
import { domainFor, hostName } from "../../codecs/xds/authority.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import { gatewayRouteKinds, isHttpRoute } from "../../codecs/xds/gateway-route.ts";
import type { Passage } from "../../codecs/xds/listener.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import { type ResourceSet, virtualHostsOf } from "../../codecs/xds/resources.ts";
import type { Route, VirtualHost } from "../../codecs/xds/route.ts";
import { printPlace } from "../../model/rule.ts";
import { printServiceKey } from "../../model/service.ts";
import { clustersOf, destinationsOf } from "./destinations.ts";
import { limitsOn, routerCall } from "./explain.ts";
import type { AskedGateway, Explanation, MadeUpRequest, OwnAnswer } from "./explanation.ts";
import { describeEntry, type Entry, enter, findPort, type OpenPort, serverFor, serverNameOf } from "./gateway-port.ts";
import { passedOverAt } from "./gateway-rules.ts";
import { type AtDomain, walk } from "./gateway-walk.ts";
import type { Known } from "./known.ts";
import { meshHosts } from "./mesh-hosts.ts";
import { explainAuthorization } from "./passages.ts";
import { describePolicies } from "./policy-words.ts";
import { hostOf, requestLookup } from "./requests.ts";
import { knownClaims, originOf, verdictsOf } from "./routes.ts";
import { openRuleBook, type RuleBook } from "./rule-book.ts";

/**
 * Says what becomes of a request from outside at a gateway, by the resources that the gateway itself has; throws an `Error` of one line where no
 * such port is open, or several may be meant.
 */
export function explainAtGateway(
  resources: ResourceSet,
  request: MadeUpRequest,
  asked: AskedGateway,
  known?: Known,
): Explanation {
  const book = openRuleBook(known);
  const port = findPort(resources, book, asked, request);
  const entry = enter(port, request);
  const at = { resources, request, port, entry, book };
  if ("passage" in entry) return passOn(at, entry.passage);
  if ("ended" in entry) return nowhere(at, undefined, { reason: entry.ended });
  if (request.scheme === "tls")
    return nowhere(at, undefined, { reason: "TLS is ended here; ask by https:// what becomes of a request" });
  const hosts = virtualHostsOf(resources, entry.routes);
  const domains = new Map(hosts.flatMap((host) => host.domains.map((domain) => [domain, host] as const)));
  const domain = domainFor(domains, hostOf(request));
  if (domain === undefined)
    return nowhere(at, undefined, { status: 404, reason: whyNoDomain(at, [...domains.keys()]) });
  if (domain.requireTls !== undefined && request.scheme === "http") {
    const reason = `redirect to https://${hostName(hostOf(request))}${request.path}${request.query}: the server has httpsRedirect`;
    return nowhere(at, domain, { status: 301, reason });
  }
  return lead(at, domain, known);
}

interface AtPort {
  readonly resources: ResourceSet;
  readonly request: MadeUpRequest;
  readonly port: OpenPort;
  readonly entry: Entry;
  readonly book: RuleBook;
}

function whyNoDomain({ port, request }: AtPort, domains: readonly string[]): string {
  const host = hostOf(request);
  const list = domains.length === 0 ? "none" : domains.slice(0, 10).join(", ");
  const server = serverFor(port, host);
  if (port.served.length > 0 && server !== undefined)
    return `no rule that names the gateway has routes for the Host ${host}; there are some for: ${list}`;
  return `no server of the port takes the Host ${host}; there are routes for: ${list}`;
}

/** All that is said of a request wherever it goes. */
function placed({ request, port, entry, book }: AtPort, domain: VirtualHost | undefined) {
  const host = hostOf(request);
  const server = serverFor(port, host);
  // Rules of requests have no say in connections that are ended, or pass.
  const passedOver = "routes" in entry ? passedOverAt({ port, host, domain: domain?.name ?? "" }, book) : [];
  return {
    ...(book.from !== undefined && { from: book.from }),
    host,
    service: "",
    path: request.scheme === "tls" ? "" : `${request.verb} ${request.path}${request.query}`,
    gateway: {
      gateway: server === undefined ? "" : `${server.gateway.namespace}/${server.gateway.name}`,
      at: printPlace(server?.server.at.position),
      address: port.address,
      tls: describeEntry(entry),
      domain: domain?.name ?? "",
    },
    listeners: [port.name],
    rule: "",
    routes: [],
    ...(passedOver.length > 0 && { passedOver }),
    destinations: [],
    policies: "",
    authorization: [],
  };
}

function nowhere(at: AtPort, domain: VirtualHost | undefined, answer: OwnAnswer): Explanation {
  return { ...placed(at, domain), answer };
}

/** TLS that goes on as it is. */
function passOn(at: AtPort, { to, origin }: Passage): Explanation {
  const sum = to.reduce((all, { weight }) => all + weight, 0);
  const destinations = to.map(({ address, port, weight }) => ({
    cluster: "",
    host: printAddress(address, port),
    subset: "",
    share: Math.round((weight / sum) * 1_000) / 10,
    loadBalancer: "",
    rule: "",
    listedBy: "",
    policies: "",
    endpoints: [{ address: printAddress(address, port), protocol: "tls", weight, health: "healthy", tag: "" }],
  }));
  const route = { route: origin?.rule ?? "tls", at: printPlace(origin), verdict: "taken" as const, why: [] };
  const answer = to.length === 0 ? { reason: "no endpoint is known: the connection is ended" } : undefined;
  return {
    ...placed(at, undefined),
    rule: origin?.rule ?? "",
    routes: [route],
    destinations,
    ...(answer && { answer }),
  };
}

/** By the routes of a domain. */
function lead(at: AtPort, domain: VirtualHost, known: Known | undefined): Explanation {
  const { resources, request, port, book } = at;
  const { verb, headers, caller } = request;
  const header = requestLookup(request);
  const path = domain.routes.some(isHttpRoute) ? plainPath(request.path) : request.path;
  const claims = knownClaims(domain, request.claims);
  const facts = (route: Route) => serviceLed(resources, route);
  const walked = walk({
    ...{ domain, verb, path, header, claims },
    isEmpty: (route) => isEmpty(resources, route),
    interfaceOf: (route) => facts(route)?.interface ?? domain.name,
  } satisfies AtDomain);
  const { taken, lacks, answer, method } = walked;
  const route = domain.routes[taken];
  const told = {
    ...placed(at, domain),
    rule: (route && originOf(route)?.rule) ?? "",
    routes: verdictsOf(domain.routes, lacks, taken),
    ...(answer && { answer }),
    policies: route === undefined ? "" : describePolicies(route),
  };
  const led = route && facts(route);
  const isLed = answer === undefined && route?.route !== undefined;
  if (!isLed || led === undefined) return told;
  const key = printServiceKey(led);
  const isHttp = gatewayRouteKinds(domain)[taken]!.isHttp;
  const seen = calledHeader(requestLookup(request, true), isHttp ? undefined : led);
  const call = { method: method ?? verb, headers, ...(caller !== undefined && { caller }) };
  const asRouters = routerCall(resources, call, key, seen);
  const destinations = destinationsOf(resources, route, { asRouters, isRequest: isHttp, book });
  const host = meshHosts(resources).find((one) => one.domains.includes(key));
  const limits =
    host &&
    limitsOn(host, { path: isHttp ? path : `/${led.interface}/${method}`, header: seen }, book.limitsOf(host.name));
  const passing = {
    ...{ path, header: seen, names: Object.keys(headers).map((name) => name.toLowerCase()), route, isRequest: true },
    ...{ address: caller, principal: request.principal, listeners: [port.name] },
    claims: knownClaims(host, request.claims),
    calls: isHttp ? undefined : method,
    serverName: request.scheme === "https" ? serverNameOf(request.authority) : undefined,
  };
  return {
    ...told,
    service: key,
    ...(method !== undefined && { calls: `${led.interface}.${method}` }),
    destinations,
    policies: [told.policies, limits ?? ""].filter((text) => text !== "").join("; "),
    authorization: explainAuthorization(resources, passing, destinations, known),
  };
}

/** Which service the first destination of a route is. */
function serviceLed({ clusters }: ResourceSet, { route }: Route) {
  const first = clustersOf(route).find(({ weight }) => weight > 0);
  return clusters.find(({ name }) => name === first?.name)?.resource.metadata.filterMetadata[TRESTLE_METADATA];
}

/** Nobody serves what a route leads to: nothing tells then whether that speaks HTTP alone. */
function isEmpty({ endpoints }: ResourceSet, { route }: Route): boolean {
  const places = clustersOf(route).filter(({ weight }) => weight > 0);
  const hasNobody = (cluster: string) => {
    const assignment = endpoints.find(({ name }) => name === cluster)?.resource;
    return (assignment?.endpoints ?? []).every(({ lbEndpoints }) => lbEndpoints.length === 0);
  };
  return places.length > 0 && places.every(({ name }) => hasNobody(name));
}

/** A request's headers as policies see them: of one that becomes a call, group and version are the service's. */
function calledHeader(
  header: HeaderLookup,
  service: { readonly group: string; readonly version: string } | undefined,
): HeaderLookup {
  if (service === undefined) return header;
  return (name) => {
    if (name === "dubbo-group") return service.group || undefined;
    return name === "dubbo-version" ? service.version || undefined : header(name);
  };
}
