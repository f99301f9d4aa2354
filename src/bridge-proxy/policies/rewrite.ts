import { type Callable, callableOf, pathRewriteOf } from "../../codecs/xds/path-rewrite.ts";
import type { Route } from "../../codecs/xds/route.ts";

/** What of a call's path and authority a rule replaces; at least one of the two. */
export interface Rewrite {
  /** The whole path, without its query, as it becomes. */
  readonly path: ((path: string) => string) | undefined;
  readonly authority: string | undefined;
}

/** Compiles a route's rewrite; undefined where it has none. Throws on a pattern that RE2 refuses. */
export function compileRewrite(resource: Pick<Route, "match" | "route">): Rewrite | undefined {
  const authority = resource.route?.hostRewriteLiteral;
  const path = pathRewriteOf(resource);
  return path === undefined && authority === undefined ? undefined : { path, authority };
}

/** The interface and method that a rewritten path names; undefined where it names none. */
export function rewriteCall({ path }: Rewrite, call: Callable): Callable | undefined {
  if (path === undefined) return call;
  return callableOf(path(`/${call.interface}/${call.method}`));
}

/** The service that a call goes to where its rewrite may name another interface than its destination does. */
export function serviceNamed<S extends { readonly interface: string }>(service: S, named: Callable | undefined): S {
  if (named === undefined || named.interface === service.interface) return service;
  return { ...service, interface: named.interface };
}

/** What a caller is told of a rule whose rewritten path names no interface and method. */
export function namesNothing(rule: string): string {
  return `rule ${rule} rewrites the path to one that names no interface and method`;
}
