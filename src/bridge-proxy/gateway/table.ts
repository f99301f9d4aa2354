import { cookiesOf, type Fields, fieldValue } from "../../codecs/fields.ts";
import { describeRoutes } from "../../codecs/openapi/document.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import { compileHeader, type HeaderLookup, type HeaderTest } from "../../codecs/xds/match.ts";
import { CORS_FILTER, type Route, type RouteConfiguration, type VirtualHost } from "../../codecs/xds/route.ts";
import type { ServiceSchema } from "../../model/schema.ts";
import { printServiceKey } from "../../model/service.ts";
import type { Denial } from "../authz/asked.ts";
import type { TokenWord } from "../authz/jwt.ts";
import { askToken } from "../match.ts";
import {
  type CompiledHost,
  type CompiledRoute,
  type CompilePolicies,
  type HostDecision,
  RouteTable,
} from "../route.ts";
import { hostName } from "../route-host.ts";
import type { Cluster } from "../upstream/cluster.ts";
import { type Cors, compileCors } from "./cors.ts";

/** One route of a gateway, compiled. */
export interface GatewayRoute {
  readonly compiled: CompiledRoute;
  readonly query: readonly HeaderTest[];
  /** It says which HTTP methods it takes; one that does not takes POST. */
  readonly namesVerb: boolean;
  /** It leads requests to services that speak HTTP alone: they are carried as they are, whatever their method. */
  readonly isHttp: boolean;
  /** A rule for a method holds for its overloads (`find~l`) here. */
  readonly hasOverloads: boolean;
  readonly cors: Cors | undefined;
  /** The last part of the path once it is rewritten: the method that is called. */
  methodOf(path: string): string;
  /** What calls of `method` are counted as. */
  decisionFor(method: string): HostDecision;
}

/** The routes of one domain. */
export interface GatewayHost {
  /** `*`, `*.example.com` or a name. */
  readonly domain: string;
  readonly resource: VirtualHost;
  /** Some of its routes go by claims of a request's token: what one request finds says nothing of others that are like it. */
  readonly asksClaims: boolean;
  /** Some of its routes lead to services that speak HTTP alone. */
  readonly carriesHttp: boolean;
  /** Not all of its routes take every path: what can be read in two ways could get round one. */
  readonly choosesByPath: boolean;
  /** The first route that takes a request, or why none does. One that `hasWaited` for its token's key is decided for good. */
  find(request: GatewayRequest, hasWaited?: boolean): GatewayRoute | Denial | "verb" | undefined;
  /** The OpenAPI document of all that it lets through, as JSON; made when first asked for. */
  openApi(schemaOf: (interfaceName: string) => ServiceSchema | undefined): Buffer;
}

/** What routes see of a request. */
export interface GatewayRequest {
  /** Without the query. */
  readonly path: string;
  readonly verb: string;
  /** Headers, pseudo headers of HTTP/2, and `?NAME` for the query's parameters. */
  readonly lookup: HeaderLookup;
}

const VERB = ":method";
const MAX_DECISIONS = 1_024;

/** What makes of a gateway's routes more than where they lead. */
export interface GatewayMakers {
  /** The limits of a service by its printed key. */
  readonly limitsOf?: (service: string) => CompiledHost["limits"];
  /** Of what a domain says of tokens. */
  readonly compilePolicies?: CompilePolicies;
}

/** All domains of one gateway port, looked up by the Host that a caller sends. */
export class GatewayTable {
  readonly #hosts = new Map<string, GatewayHost>();

  constructor(
    config: RouteConfiguration | undefined,
    clusterOf: (name: string) => Cluster,
    makers: GatewayMakers = {},
  ) {
    for (const virtualHost of config?.virtualHosts ?? [])
      for (const domain of virtualHost.domains)
        this.#hosts.set(domain, createHost(domain, virtualHost, clusterOf, makers));
  }

  /** The domain of a Host: itself, else the longest wildcard over it, else `*`. Undefined where the gateway takes no such host. */
  hostFor(authority: string): GatewayHost | undefined {
    const name = hostName(authority);
    const exact = this.#hosts.get(name);
    if (exact !== undefined && !name.includes("*")) return exact;
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
      const wildcard = this.#hosts.get(`*${name.slice(dot)}`);
      if (wildcard !== undefined) return wildcard;
    }
    return this.#hosts.get("*");
  }
}

/**
 * Header lookup over a request's fields; `?NAME` is a parameter of the query, `scheme` what it really came by. `joins`: several fields of one
 * name are one, as rules of requests have it.
 */
export function lookupIn(
  fields: Fields,
  query: string,
  { scheme, joins = false }: { readonly scheme?: string; readonly joins?: boolean } = {},
): HeaderLookup {
  let parameters: URLSearchParams | undefined;
  return (name) => {
    if (scheme !== undefined && name === ":scheme") return scheme;
    if (!name.startsWith("?")) {
      if (name === "cookie") return cookiesOf(fields);
      return joins ? joinedValue(fields, name) : fieldValue(fields, name);
    }
    parameters ??= new URLSearchParams(query);
    return parameters.get(name.slice(1)) ?? undefined;
  };
}

function joinedValue(fields: Fields, name: string): string | undefined {
  const values = fields.filter((_, i) => i % 2 === 1 && fields[i - 1] === name);
  return values.length === 0 ? undefined : values.join(",");
}

interface Sorted {
  readonly byPart: Map<string, Candidate[]>;
  readonly others: Candidate[];
  readonly policies: CompiledHost["policies"];
}

interface Candidate {
  readonly place: number;
  readonly route: GatewayRoute;
}

/** Routes `/interface/` of services that are exposed by name may be thousands: they are found by the path's first part. */
function createHost(
  domain: string,
  resource: VirtualHost,
  clusterOf: (name: string) => Cluster,
  makers: GatewayMakers,
): GatewayHost {
  let sorted: Sorted | undefined;
  const sort = () => {
    const byPart = new Map<string, Candidate[]>();
    const others: Candidate[] = [];
    const { routes, policies } = compileRoutes(domain, resource, clusterOf, makers);
    routes.forEach((route, place) => {
      const part = firstPart(resource.routes[place]!);
      if (part === undefined) others.push({ place, route });
      else byPart.set(part, [...(byPart.get(part) ?? []), { place, route }]);
    });
    return { byPart, others, policies };
  };
  let document: Buffer | undefined;
  return {
    domain,
    resource,
    carriesHttp: resource.routes.some(isHttpRoute),
    choosesByPath: resource.routes.some(({ match }) => match.prefix !== "/"),
    asksClaims: resource.routes.some(({ match }) => match.dynamicMetadata !== undefined),
    openApi(schemaOf) {
      const { routes } = resource;
      const serviceOf = (cluster: string) => clusterOf(cluster).service;
      document ??= Buffer.from(JSON.stringify(describeRoutes({ title: domain, routes, serviceOf, schemaOf })));
      return document;
    },
    find(request, hasWaited = false) {
      sorted ??= sort();
      const { policies } = sorted;
      let word: TokenWord | undefined;
      const named = sorted.byPart.get(request.path.slice(0, request.path.indexOf("/", 1) + 1)) ?? [];
      const candidates = named.length === 0 ? sorted.others : merge(named, sorted.others);
      let refused: "verb" | undefined;
      for (const { route } of candidates) {
        if (!takes(route, request)) continue;
        const { claims } = route.compiled;
        if (claims !== undefined) {
          word ??= askToken({ host: { policies } }, request.lookup, hasWaited);
          if (word.denial !== undefined) return word.denial;
          if (!claims(word.claims)) continue;
        }
        // What is answered here calls nothing: it holds for every HTTP method, or a rule that denies would deny POST alone.
        const isDirect = route.compiled.directStatus !== undefined;
        const takesAny = route.namesVerb || route.isHttp || request.verb === "POST";
        if (takesAny || (isDirect && refused === undefined) || isEmpty(route)) return route;
        refused = "verb";
      }
      return (
        refused ?? (candidates.some(({ route }) => route.namesVerb && takes(route, request, true)) ? "verb" : undefined)
      );
    },
  };
}

/**
 * Whether a path that a prefix takes has just a method behind it, or the interface and a method: more parts would go round a rule for
 * that method's own path.
 */
function isWithin(path: string, prefix: string, interfaceName: string): boolean {
  const behind = path.slice(prefix.length);
  const rest = !prefix.endsWith("/") && behind.startsWith("/") ? behind.slice(1) : behind;
  const cut = rest.lastIndexOf("/");
  if (cut < 0 || rest.slice(0, cut) === interfaceName) return true;
  // A prefix may end within the interface's name.
  const whole = path.slice(prefix.lastIndexOf("/") + 1);
  return whole.slice(0, whole.lastIndexOf("/")) === interfaceName;
}

function merge(a: readonly Candidate[], b: readonly Candidate[]): readonly Candidate[] {
  return [...a, ...b].sort((one, other) => one.place - other.place);
}

function firstPart({ match }: Route): string | undefined {
  const { prefix } = match;
  return prefix !== undefined && match.caseSensitive !== false && /^\/[^/]+\/$/.test(prefix) ? prefix : undefined;
}

/** Nobody serves what it leads to: nothing tells then whether that speaks HTTP alone. */
export function isEmpty({ compiled: { targets } }: GatewayRoute): boolean {
  const hasNobody = ({ dubbo, tri, http }: Cluster) =>
    dubbo.listed.length === 0 && tri.listed.length === 0 && http.listed.length === 0;
  return targets.length > 0 && targets.every(({ cluster }) => hasNobody(cluster));
}

/** But for claims. */
function takes(route: GatewayRoute, { path, lookup }: GatewayRequest, anyVerb = false): boolean {
  const { compiled, query } = route;
  // A rule for a method holds for its overloads (`find~l`); one for an overload for that alone.
  const bare = route.hasOverloads ? path.replace(/~[A-Za-z]*$/, "") : path;
  return (
    (compiled.path(path) || (bare !== path && compiled.path(bare))) &&
    compiled.headers.every((test) => (anyVerb && test.name === VERB) || test.test(lookup(test.name))) &&
    query.every((test) => test.test(lookup(test.name)))
  );
}

function compileRoutes(
  domain: string,
  resource: VirtualHost,
  clusterOf: (name: string) => Cluster,
  { limitsOf, compilePolicies }: GatewayMakers,
): { readonly routes: readonly GatewayRoute[]; readonly policies: CompiledHost["policies"] } {
  const table = new RouteTable(
    { name: domain, virtualHosts: [{ ...resource, name: "", domains: [domain] }] },
    clusterOf,
    compilePolicies,
  );
  const host = table.onlyHost();
  const hasHttp = resource.routes.some(isHttpRoute);
  const hasCalls = resource.routes.some((route) => route.route !== undefined && !isHttpRoute(route));
  const routes = (host?.routes ?? []).map((route, i) => {
    const written = resource.routes[i]!;
    // What is answered to requests alone is answered as they are.
    const isHttp = isHttpRoute(written) || (written.route === undefined && hasHttp && !hasCalls);
    return createRoute(domain, written, route, { limitsOf, isHttp, hasOverloads: hasCalls && !isHttp });
  });
  return { routes, policies: host?.policies };
}

function isHttpRoute({ metadata }: Route): boolean {
  return metadata?.filterMetadata[TRESTLE_METADATA].protocol === "http";
}

interface RouteFacts extends Pick<GatewayRoute, "isHttp" | "hasOverloads"> {
  readonly limitsOf: GatewayMakers["limitsOf"];
}

function createRoute(
  domain: string,
  resource: Route,
  compiled: CompiledRoute,
  { limitsOf, isHttp, hasOverloads }: RouteFacts,
): GatewayRoute {
  const { match, route: action } = resource;
  const service = compiled.targets[0]?.cluster.service;
  const limits = service && limitsOf?.(printServiceKey(service));
  const host: CompiledHost = {
    host: service?.host ?? domain,
    key: { interface: service?.interface ?? domain, group: service?.group ?? "", version: service?.version ?? "" },
    routes: [compiled],
    ...(limits && { limits }),
  };
  const decisions = new Map<string, HostDecision>();
  const rewrite = action?.prefixRewrite;
  const matched = match.path === undefined ? match.prefix?.length : undefined;
  const cors = resource.typedPerFilterConfig?.[CORS_FILTER];
  return {
    compiled,
    isHttp,
    hasOverloads,
    query: (match.queryParameters ?? []).map(({ name, ...matcher }) => compileHeader({ name: `?${name}`, ...matcher })),
    namesVerb: match.headers?.some(({ name }) => name === VERB) === true,
    cors: cors === undefined ? undefined : compileCors(cors),
    methodOf(path) {
      if (matched !== undefined && !isWithin(path, match.prefix!, host.key.interface)) return "";
      const whole = rewrite === undefined ? path : matched === undefined ? rewrite : rewrite + path.slice(matched);
      return whole.slice(whole.lastIndexOf("/") + 1);
    },
    decisionFor(method) {
      const known = decisions.get(method);
      if (known !== undefined) return known;
      if (decisions.size >= MAX_DECISIONS) decisions.clear();
      const protocol = isHttp ? ({ protocol: "http" } as const) : undefined;
      const decision: HostDecision = { host, method, ...protocol, candidates: [compiled], fixed: compiled };
      decisions.set(method, decision);
      return decision;
    },
  };
}
