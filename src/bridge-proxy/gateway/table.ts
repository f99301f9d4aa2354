import { cookiesOf, type Fields, fieldValues } from "../../codecs/fields.ts";
import { describeRoutes } from "../../codecs/openapi/document.ts";
import { fromField } from "../../codecs/triple/text.ts";
import { domainFor } from "../../codecs/xds/authority.ts";
import {
  choosesByPath,
  compileMethod,
  type GatewayRouteKind,
  gatewayRouteKinds,
  isHttpRoute,
  VERB,
  withoutOverload,
} from "../../codecs/xds/gateway-route.ts";
import { asLines, type HeaderLines, meets } from "../../codecs/xds/header-lines.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import { CORS_FILTER, type Route, type RouteConfiguration, type VirtualHost } from "../../codecs/xds/route.ts";
import type { ServiceSchema } from "../../model/schema.ts";
import { printServiceKey } from "../../model/service.ts";
import type { Denial } from "../authz/asked.ts";
import type { TokenWord } from "../authz/jwt.ts";
import { askToken } from "../match.ts";
import { parametersOf, QUERY } from "../policies/query.ts";
import {
  type CompiledHost,
  type CompiledRoute,
  type CompilePolicies,
  type HostDecision,
  RouteTable,
} from "../route.ts";
import type { Cluster } from "../upstream/cluster.ts";
import { type Cors, compileCors } from "./cors.ts";

/** One route of a gateway, compiled. */
export interface GatewayRoute extends GatewayRouteKind {
  readonly compiled: CompiledRoute;
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
  /** As {@link lookupIn} has it. */
  readonly lookup: HeaderLookup;
  /** As {@link linesIn} has it; absent where no name has several. */
  readonly lines?: HeaderLines;
}

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
    return domainFor(this.#hosts, authority);
  }
}

/**
 * Header lookup over a request's fields, several of one name as one; {@link QUERY}, and a parameter of that, decoded, behind a question mark.
 * `scheme` is what it really came by.
 */
export function lookupIn(fields: Fields, query: string, scheme?: string): HeaderLookup {
  return (name) => {
    if (scheme !== undefined && name === ":scheme") return scheme;
    if (name === QUERY) return query === "" ? undefined : query;
    if (name.startsWith("?")) return parametersOf(query, name.slice(1))[0];
    if (name === "cookie") return cookiesOf(fields);
    const values = fieldValues(fields, name);
    return values.length === 0 ? undefined : fromField(values.join(","));
  };
}

/** A request's lines as conditions see them. HTTP/2 takes cookies apart, so these are one. */
export function linesIn(fields: Fields): HeaderLines {
  return (name) =>
    name === "cookie" || name === ":scheme" ? [] : asLines(name, fieldValues(fields, name).map(fromField));
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
    choosesByPath: choosesByPath(resource),
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
function takes(route: GatewayRoute, { path, lookup, lines }: GatewayRequest, anyVerb = false): boolean {
  const { compiled } = route;
  // A rule for a method holds for its overloads (`find~l`); one for an overload for that alone.
  const bare = route.hasOverloads ? withoutOverload(path) : path;
  return (
    (compiled.path(path) || (bare !== path && compiled.path(bare))) &&
    compiled.headers.every((test) => (anyVerb && test.name === VERB) || meets(test, lookup, lines))
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
  const kinds = gatewayRouteKinds(resource);
  const routes = (host?.routes ?? []).map((route, i) =>
    createRoute(domain, resource.routes[i]!, route, { limitsOf, kind: kinds[i]! }),
  );
  return { routes, policies: host?.policies };
}

/** The route without what it makes of a path: that of a call's own, `/interface/method`, which policies are asked of, is not one that it matched. */
function withoutPath(route: CompiledRoute): CompiledRoute {
  const { rewrite, mirrors } = route;
  if (rewrite?.path === undefined) return route;
  return {
    ...route,
    rewrite: rewrite.authority === undefined ? undefined : { ...rewrite, path: undefined },
    mirrors: mirrors?.map((mirror) => ({ ...mirror, route: withoutPath(mirror.route) })),
  };
}

interface RouteFacts {
  readonly kind: GatewayRouteKind;
  readonly limitsOf: GatewayMakers["limitsOf"];
}

function createRoute(
  domain: string,
  resource: Route,
  written: CompiledRoute,
  { limitsOf, kind }: RouteFacts,
): GatewayRoute {
  const { isHttp } = kind;
  const compiled = isHttp ? written : withoutPath(written);
  const service = compiled.targets[0]?.cluster.service;
  const limits = service && limitsOf?.(printServiceKey(service));
  const host: CompiledHost = {
    host: service?.host ?? domain,
    key: { interface: service?.interface ?? domain, group: service?.group ?? "", version: service?.version ?? "" },
    routes: [compiled],
    ...(limits && { limits }),
  };
  const decisions = new Map<string, HostDecision>();
  const cors = resource.typedPerFilterConfig?.[CORS_FILTER];
  return {
    ...kind,
    compiled,
    cors: cors === undefined ? undefined : compileCors(cors),
    methodOf: compileMethod(resource, host.key.interface),
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
