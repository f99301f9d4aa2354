import { JWT_FILTER } from "../../codecs/xds/authz.ts";
import { type Claims, compileClaim, listClaims, withLists } from "../../codecs/xds/claims.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import { compileHeader, compilePath, type HeaderLookup } from "../../codecs/xds/match.ts";
import { type HeaderMatcher, REDIRECT_STATUS, type Route, type VirtualHost } from "../../codecs/xds/route.ts";
import { printPlace } from "../../model/rule.ts";
import type { OwnAnswer, RouteVerdict } from "./explanation.ts";
import { describeAction, describeClaim, describeHeader, describePath } from "./words.ts";

/** A call as routes see it. */
export interface SeenByRoutes {
  readonly path: string;
  /** Headers, pseudo headers of HTTP, and `?NAME` for the query's parameters. */
  readonly header: HeaderLookup;
  /** What is known of its token; undefined where nothing is. */
  readonly claims: Claims | undefined;
}

/** What is known of a token where calls of a service, or of a gateway's domain, come; nothing where nobody says whose tokens are good. */
export function knownClaims(
  host: Pick<VirtualHost, "typedPerFilterConfig"> | undefined,
  claims: Claims | undefined,
): Claims | undefined {
  const providers = Object.values(host?.typedPerFilterConfig?.[JWT_FILTER]?.providers ?? {});
  if (claims === undefined || providers.length === 0) return undefined;
  return providers.reduce((listed, provider) => withLists(listed, listClaims(provider)), claims);
}

/** What a call lacks for a route; nothing where it takes it. A gateway has paths taken, too, that are the call's without an overload's signature. */
export function lackedBy({ match }: Route, { path, header, claims }: SeenByRoutes, bare = path): string[] {
  const why: string[] = [];
  const isTaken = compilePath(match);
  if (!isTaken(path) && !isTaken(bare)) why.push(`path ${path} is not ${describePath(match)}`);
  const meet = (matcher: HeaderMatcher, name: string, words: string) => {
    const value = header(name);
    if (compileHeader(matcher).test(value)) return;
    why.push(
      `${words} is ${value === undefined ? "absent" : JSON.stringify(value)}, asked is ${describeHeader(matcher)}`,
    );
  };
  for (const matcher of match.headers ?? []) meet(matcher, matcher.name, matcher.name);
  for (const matcher of match.queryParameters ?? []) meet(matcher, `?${matcher.name}`, `parameter ${matcher.name}`);
  for (const matcher of match.dynamicMetadata ?? [])
    if (compileClaim(matcher)?.(claims) !== true)
      why.push(
        `${claims === undefined ? "no token is known of the call" : "its token says otherwise"}, asked is ${describeClaim(matcher)}`,
      );
  return why;
}

/** Verdicts by what the call lacks for each route, where the one at `taken` takes it (none where that is -1). */
export function verdictsOf(
  routes: readonly Route[],
  lacks: readonly (readonly string[])[],
  taken: number,
): RouteVerdict[] {
  return routes.map((route, i) => {
    const isReached = taken < 0 || i <= taken;
    return {
      route: route.name ?? "",
      at: printPlace(originOf(route)),
      verdict: i === taken ? "taken" : isReached ? "does not match" : "not reached",
      why: i === taken || !isReached ? [] : (lacks[i] ?? []),
    };
  });
}

/** What a route answers by itself; undefined where it leads calls on. */
export function ownAnswerOf(route: Route): OwnAnswer | undefined {
  const { redirect, directResponse: direct } = route;
  if (redirect !== undefined)
    return { status: REDIRECT_STATUS[redirect.responseCode ?? "MOVED_PERMANENTLY"], reason: describeAction(route) };
  if (direct === undefined) return undefined;
  return { status: direct.status, reason: direct.body?.inlineString ?? "the route answers by itself" };
}

/** Which rule a route came from. */
export function originOf(route: Route) {
  return route.metadata?.filterMetadata[TRESTLE_METADATA];
}
