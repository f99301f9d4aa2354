import { TRESTLE_METADATA } from "./core.ts";
import { pathRewriteOf } from "./path-rewrite.ts";
import type { Route, VirtualHost } from "./route.ts";

/** The pseudo header by which a route says which methods of HTTP it takes. */
export const VERB = ":method";

/** What a gateway's route is beside what it matches: which requests it takes hangs on that, too. */
export interface GatewayRouteKind {
  /** It says which methods of HTTP it takes; one that does not takes POST. */
  readonly namesVerb: boolean;
  /** It leads requests to services that speak HTTP alone: they are carried as they are, whatever their method. */
  readonly isHttp: boolean;
  /** A rule for a method holds for its overloads (`find~l`) here. */
  readonly hasOverloads: boolean;
}

/** The kinds of all routes of a gateway's domain, in their order. */
export function gatewayRouteKinds({ routes }: Pick<VirtualHost, "routes">): readonly GatewayRouteKind[] {
  const hasHttp = routes.some(isHttpRoute);
  const hasCalls = routes.some((route) => route.route !== undefined && !isHttpRoute(route));
  return routes.map((route) => {
    // What is answered to requests alone is answered as they are.
    const isHttp = isHttpRoute(route) || (route.route === undefined && hasHttp && !hasCalls);
    return {
      namesVerb: route.match.headers?.some(({ name }) => name === VERB) === true,
      isHttp,
      hasOverloads: hasCalls && !isHttp,
    };
  });
}

/** Whether all that a route leads to speaks HTTP alone. */
export function isHttpRoute({ metadata }: Route): boolean {
  return metadata?.filterMetadata[TRESTLE_METADATA].protocol === "http";
}

/** Whether a path that can be read in several ways could get round one of the routes of a domain: not all take every path. */
export function choosesByPath({ routes }: Pick<VirtualHost, "routes">): boolean {
  return routes.some(({ match }) => match.prefix !== "/");
}

/** A path without the signature of an overload. */
export function withoutOverload(path: string): string {
  return path.replace(/~[A-Za-z]*$/, "");
}

const METHOD = /^[A-Za-z_][A-Za-z0-9_]{0,255}(?:~[A-Za-z]{0,64})?$/;

/** Whether a caller from outside may name that as a method, perhaps with the signature of an overload (`find~l`): never one of Dubbo's own, such as `$invoke`. */
export function isCallable(method: string): boolean {
  return METHOD.test(method);
}

/**
 * Says which method a path means at a route to that interface: its last part once it is rewritten; `""` where there is more behind the route's
 * prefix, or in what a pattern makes of the path. Throws on a pattern that RE2 refuses.
 */
export function compileMethod(
  { match, route }: Pick<Route, "match" | "route">,
  interfaceName: string,
): (path: string) => string {
  const rewrite = route?.prefixRewrite;
  const matched = match.path === undefined ? match.prefix?.length : undefined;
  if (route?.regexRewrite !== undefined) {
    const become = pathRewriteOf({ match, route })!;
    return (path) => {
      const whole = become(path);
      return isWithin(whole, "/", interfaceName) ? lastPart(whole) : "";
    };
  }
  return (path) => {
    if (matched !== undefined && !isWithin(path, match.prefix!, interfaceName)) return "";
    return lastPart(rewrite === undefined ? path : matched === undefined ? rewrite : rewrite + path.slice(matched));
  };
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
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
