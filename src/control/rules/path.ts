import { RE2JS } from "re2js";
import type { StringMatcher } from "../../codecs/xds/core.ts";
import type { RouteMatch } from "../../codecs/xds/route.ts";
import type { HttpMatch, TextMatch } from "../../model/rules/http-route.ts";

/** The path part of a {@link RouteMatch}: exactly one form. */
export type PathMatch = Pick<RouteMatch, "path" | "prefix" | "safeRegex" | "caseSensitive">;

/** The condition on the path that every call meets. */
export const EVERY_PATH: PathMatch = { prefix: "/" };

/**
 * Lowers `uri` and `method` of a match to one condition on the path `/interface/method`; undefined where no call of this
 * interface can meet them. The two may stand together in all pairs that the parser lets through.
 */
export function lowerPath(
  match: Pick<HttpMatch, "uri" | "method" | "ignoreUriCase">,
  interfaceName: string,
): PathMatch | undefined {
  const { uri, method } = match;
  const base = `/${interfaceName}/`;
  const ignoreCase = match.ignoreUriCase === true && uri?.type !== "regex";
  if (method === undefined || method.type === "present")
    return uri === undefined ? EVERY_PATH : lowerUri(uri, base, ignoreCase);
  if (uri === undefined || uri.type === "present") return lowerMethod(method, base);
  if (method.type === "exact") {
    const path = base + method.value;
    return textMatches(uri, path, ignoreCase) ? { path } : undefined;
  }
  switch (uri.type) {
    case "exact":
      if (!starts(uri.value, base, ignoreCase) || !textMatches(method, uri.value.slice(base.length), false))
        return undefined;
      return withCase({ path: uri.value }, ignoreCase);
    case "prefix":
      if (covers(uri, base, ignoreCase)) return lowerMethod(method, base);
      return method.type === "prefix" ? lowerPrefixes(uri.value, base + method.value, ignoreCase) : undefined;
    case "regex":
      return undefined;
    default:
      return uri satisfies never;
  }
}

/** Two prefixes hold together as the longer one, where it starts with the shorter. */
function lowerPrefixes(uri: string, wanted: string, ignoreCase: boolean): PathMatch | undefined {
  if (starts(wanted, uri, ignoreCase)) return { prefix: wanted };
  return starts(uri, wanted, ignoreCase) ? withCase({ prefix: uri }, ignoreCase) : undefined;
}

function lowerUri(uri: TextMatch, base: string, ignoreCase: boolean): PathMatch | undefined {
  switch (uri.type) {
    case "present":
      return EVERY_PATH;
    case "exact":
      return starts(uri.value, base, ignoreCase) ? withCase({ path: uri.value }, ignoreCase) : undefined;
    case "prefix":
      if (covers(uri, base, ignoreCase)) return EVERY_PATH;
      return starts(uri.value, base, ignoreCase) ? withCase({ prefix: uri.value }, ignoreCase) : undefined;
    case "regex":
      return isEverything(uri.value) ? EVERY_PATH : { safeRegex: { regex: uri.value } };
    default:
      return uri satisfies never;
  }
}

function lowerMethod(method: Exclude<TextMatch, { type: "present" }>, base: string): PathMatch {
  switch (method.type) {
    case "exact":
      return { path: base + method.value };
    case "prefix":
      return { prefix: base + method.value };
    case "regex":
      return isEverything(method.value)
        ? EVERY_PATH
        : { safeRegex: { regex: `${RE2JS.quote(base)}(?:${method.value})` } };
    default:
      return method.type satisfies never;
  }
}

/** Whether every path of the interface meets the condition. */
function covers(uri: TextMatch, base: string, ignoreCase: boolean): boolean {
  return uri.type === "prefix" && starts(base, uri.value, ignoreCase);
}

/** Whether a text meets a condition; a regex must match all of it. */
export function textMatches(match: TextMatch, value: string, ignoreCase: boolean): boolean {
  switch (match.type) {
    case "present":
      return true;
    case "exact":
      return ignoreCase ? match.value.toLowerCase() === value.toLowerCase() : match.value === value;
    case "prefix":
      return starts(value, match.value, ignoreCase);
    case "regex":
      return RE2JS.compile(match.value).matches(value);
    default:
      return match satisfies never;
  }
}

function starts(value: string, prefix: string, ignoreCase: boolean): boolean {
  return ignoreCase ? value.toLowerCase().startsWith(prefix.toLowerCase()) : value.startsWith(prefix);
}

function withCase(path: PathMatch, ignoreCase: boolean): PathMatch {
  return ignoreCase ? { ...path, caseSensitive: false } : path;
}

function isEverything(regex: string): boolean {
  return regex === ".*" || regex === "^.*$" || regex === ".+";
}

/** A condition on a text as xDS has it. */
export function stringMatcher(match: Exclude<TextMatch, { type: "present" }>): StringMatcher {
  return match.type === "regex" ? { safeRegex: { regex: match.value } } : { [match.type]: match.value };
}
