import type { StringMatcher } from "../../codecs/xds/core.ts";
import type { HeaderMatcher } from "../../codecs/xds/route.ts";
import { tripleName } from "./envoy/http-routes.ts";
import type { ProtoJson } from "./targets.ts";

/** Most conditions of one route that take a missing header for a match: each doubles the routes. */
const MAX_OPTIONAL = 3;

/**
 * Conditions on headers in the forms that every gRPC and dubbo-xds client reads (`exact_match`, `prefix_match` and the like), which Envoy has
 * given up for `string_match`. There is no such form for "other than this, or missing": it becomes two lists, of which either may hold, so
 * the result is a list of lists. Undefined where there are too many of these.
 */
export function oldHeaderMatchers(headers: readonly HeaderMatcher[]): readonly (readonly ProtoJson[])[] | undefined {
  const optional = headers.filter(isOptional).length;
  if (optional > MAX_OPTIONAL) return undefined;
  let lists: readonly (readonly ProtoJson[])[] = [[]];
  for (const header of headers) {
    const own = { name: tripleName(header.name), ...oldForm(header), ...(header.invertMatch && { invertMatch: true }) };
    const absent = { name: own.name, presentMatch: true, invertMatch: true };
    lists = (isOptional(header) ? [own, absent] : [own]).flatMap((one) => lists.map((list) => [...list, one]));
  }
  return lists;
}

function isOptional({ invertMatch, stringMatch }: HeaderMatcher): boolean {
  return invertMatch === true && stringMatch !== undefined;
}

function oldForm({ stringMatch, presentMatch }: HeaderMatcher): ProtoJson {
  if (stringMatch === undefined) return { presentMatch: presentMatch ?? true };
  const { exact, prefix, suffix, contains, safeRegex, ignoreCase } = stringMatch;
  if (ignoreCase === true || contains !== undefined) return { safeRegexMatch: { regex: regexOf(stringMatch) } };
  if (exact !== undefined && exact !== "") return { exactMatch: exact };
  if (prefix !== undefined && prefix !== "") return { prefixMatch: prefix };
  if (suffix !== undefined && suffix !== "") return { suffixMatch: suffix };
  return { safeRegexMatch: { regex: safeRegex?.regex ?? (exact === "" ? "" : ".*") } };
}

/** The condition as a regex of the full text. */
function regexOf({ exact, prefix, suffix, contains, safeRegex, ignoreCase }: StringMatcher): string {
  if (safeRegex !== undefined) return ignoreCase === true ? `(?i)${safeRegex.regex}` : safeRegex.regex;
  const quote = (text: string) =>
    text.replace(/[^A-Za-z0-9_ -]/g, (sign) => (sign.charCodeAt(0) < 128 ? `\\${sign}` : sign));
  const text =
    exact !== undefined
      ? quote(exact)
      : prefix !== undefined
        ? `${quote(prefix)}.*`
        : suffix !== undefined
          ? `.*${quote(suffix)}`
          : `.*${quote(contains ?? "")}.*`;
  return ignoreCase === true ? `(?i)${text}` : text;
}
