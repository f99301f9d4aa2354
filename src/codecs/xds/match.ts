import { RE2JS } from "re2js";
import type { StringMatcher } from "./core.ts";
import type { HeaderMatcher, RouteMatch } from "./route.ts";

/** Tests one text; compiled once per rule, called per call. */
export type TextTest = (text: string) => boolean;

/** Where a header test finds its values; `undefined` for a header that the call does not have. */
export type HeaderLookup = (name: string) => string | undefined;

/** How the headers begin by which rules see a Dubbo call's arguments: `dubbo-arg-0`, `dubbo-arg-0.field`. */
export const ARGUMENT = "dubbo-arg-";

/** A header matcher, compiled. */
export interface HeaderTest {
  readonly name: string;
  readonly test: (value: string | undefined) => boolean;
  /** It is met where its condition is not. */
  readonly isInverted: boolean;
}

/** Compiles a string matcher. Regex is RE2 syntax, full match, linear time. Throws on a pattern that RE2 refuses. */
export function compileString(matcher: StringMatcher): TextTest {
  const fold = matcher.ignoreCase === true ? (text: string) => text.toLowerCase() : undefined;
  const plain = compilePlain(matcher, fold);
  return fold === undefined ? plain : (text) => plain(fold(text));
}

function compilePlain(matcher: StringMatcher, fold: ((text: string) => string) | undefined): TextTest {
  const wanted = (text: string) => (fold === undefined ? text : fold(text));
  if (matcher.exact !== undefined) {
    const exact = wanted(matcher.exact);
    return (text) => text === exact;
  }
  if (matcher.prefix !== undefined) {
    const prefix = wanted(matcher.prefix);
    return (text) => text.startsWith(prefix);
  }
  if (matcher.suffix !== undefined) {
    const suffix = wanted(matcher.suffix);
    return (text) => text.endsWith(suffix);
  }
  if (matcher.contains !== undefined) {
    const part = wanted(matcher.contains);
    return (text) => text.includes(part);
  }
  if (matcher.safeRegex !== undefined) return compileRegex(matcher.safeRegex.regex);
  throw new Error("string matcher without exact, prefix, suffix, contains or safeRegex");
}

/** Compiles a RE2 pattern into a full-match test. */
export function compileRegex(pattern: string): TextTest {
  const compiled = RE2JS.compile(pattern);
  return (text) => compiled.matches(text);
}

/** Compiles what a policy asks of a text: most ask whether there is one at all, by the pattern `.+`. */
export function compileText(matcher: StringMatcher): TextTest {
  return matcher.safeRegex?.regex === ".+" ? (text) => text !== "" : compileString(matcher);
}

/** Compiles the path part of a route match: the path of a call is `/interface/method`. */
export function compilePath(match: RouteMatch): TextTest {
  const ignoreCase = match.caseSensitive === false;
  if (match.path !== undefined) return compileString({ exact: match.path, ignoreCase });
  if (match.safeRegex !== undefined) return compileRegex(match.safeRegex.regex);
  return compileString({ prefix: match.prefix ?? "/", ignoreCase });
}

/** Compiles a header matcher. A missing header fails every test but an inverted one that says how to read it. */
export function compileHeader(matcher: HeaderMatcher): HeaderTest {
  const { name } = matcher;
  const invert = matcher.invertMatch === true;
  if (matcher.stringMatch === undefined) {
    const present = matcher.presentMatch !== false;
    return { name, isInverted: invert, test: (value) => ((value !== undefined) === present) !== invert };
  }
  const text = compileString(matcher.stringMatch);
  const whenMissing = matcher.treatMissingHeaderAsEmpty === true ? text("") !== invert : false;
  return {
    name,
    isInverted: invert,
    test: (value) => (value === undefined ? whenMissing : text(value) !== invert),
  };
}
