import { RE2JS } from "re2js";
import type { RegexRewrite, Route, RouteMatch } from "./route.ts";

/** What a route makes of paths, without their query; undefined where it leaves them. Throws on a pattern that RE2 refuses. */
export function pathRewriteOf({
  match,
  route,
}: Pick<Route, "match" | "route">): ((path: string) => string) | undefined {
  const { prefixRewrite, regexRewrite } = route ?? {};
  if (regexRewrite !== undefined) return byPattern(regexRewrite);
  return prefixRewrite === undefined ? undefined : compilePathRewrite(match, prefixRewrite);
}

/** A Dubbo call's interface and method. */
export interface Callable {
  readonly interface: string;
  readonly method: string;
}

/** A path that a Dubbo call can have: names as Java has them, with Triple's `~` and gRPC's dots. */
const CALLABLE = /^\/([\w.$-]+)\/([\w$~]+)$/;

/** The interface and method that a path names; undefined where it names none. */
export function callableOf(path: string): Callable | undefined {
  const parts = CALLABLE.exec(path);
  return parts === null ? undefined : { interface: parts[1]!, method: parts[2]! };
}

/** What a path becomes by `to` in place of the matched prefix, or of a path that was matched otherwise. */
export function compilePathRewrite(match: RouteMatch, to: string): (path: string) => string {
  const matched = match.path === undefined ? match.prefix?.length : undefined;
  return (path) => byPrefix(to, matched === undefined ? "" : path.slice(matched));
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
