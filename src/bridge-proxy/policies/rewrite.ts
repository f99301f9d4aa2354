import { RE2JS } from "re2js";
import type { RegexRewrite, Route, RouteMatch } from "../../codecs/xds/route.ts";

/** What of a call's path and authority a rule replaces; at least one of the two. */
export interface Rewrite {
  /** The whole path, without its query, as it becomes. */
  readonly path: ((path: string) => string) | undefined;
  readonly authority: string | undefined;
}

/** A Dubbo call's interface and method. */
export interface Callable {
  readonly interface: string;
  readonly method: string;
}

/** A path that a Dubbo call can have: names as Java has them, with Triple's `~` and gRPC's dots. */
const CALLABLE = /^\/([\w.$-]+)\/([\w$~]+)$/;

/** Compiles a route's rewrite; undefined where it has none. Throws on a pattern that RE2 refuses. */
export function compileRewrite({ match, route }: Route): Rewrite | undefined {
  const { prefixRewrite, regexRewrite, hostRewriteLiteral: authority } = route ?? {};
  if (prefixRewrite === undefined && regexRewrite === undefined && authority === undefined) return undefined;
  if (regexRewrite !== undefined) return { path: byPattern(regexRewrite), authority };
  if (prefixRewrite === undefined) return { path: undefined, authority };
  return { path: compilePathRewrite(match, prefixRewrite), authority };
}

/** What a path becomes by `to` in place of the matched prefix, or of a path that was matched otherwise. */
export function compilePathRewrite(match: RouteMatch, to: string): (path: string) => string {
  const matched = match.path === undefined ? match.prefix?.length : undefined;
  return (path) => byPrefix(to, matched === undefined ? "" : path.slice(matched));
}

/** The interface and method that a rewritten path names; undefined where it names none. */
export function rewriteCall({ path }: Rewrite, call: Callable): Callable | undefined {
  if (path === undefined) return call;
  const parts = CALLABLE.exec(path(`/${call.interface}/${call.method}`));
  return parts === null ? undefined : { interface: parts[1]!, method: parts[2]! };
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

function byPrefix(to: string, rest: string): string {
  // A prefix `/v1` that becomes `/` leaves one slash, not two.
  return withSlash(`${to}${to.endsWith("/") && rest.startsWith("/") ? rest.slice(1) : rest}`);
}

/** Each match becomes the substitution; in that `\0` to `\9` are what groups matched, nothing where there is no such group. */
function byPattern({ pattern, substitution }: RegexRewrite): (path: string) => string {
  const compiled = RE2JS.compile(pattern.regex);
  const groups = compiled.groupCount();
  const pieces = substitution.split(/(\\[\d\\])/);
  const replace = (...matched: readonly string[]) =>
    pieces
      .map((piece, i) => {
        if (i % 2 === 0) return piece;
        return piece === "\\\\" ? "\\" : Number(piece[1]) <= groups ? (matched[Number(piece[1])] ?? "") : "";
      })
      .join("");
  return (path) => withSlash(compiled.matcher(path).replaceAll(replace));
}

function withSlash(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}
