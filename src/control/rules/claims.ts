import { JWT_FILTER, type MetadataMatcher, type ValueMatcher } from "../../codecs/xds/authz.ts";
import type { StringMatcher } from "../../codecs/xds/core.ts";
import type { HttpMatch, TextMatch } from "../../model/rules/http-route.ts";
import { stringMatcher } from "./path.ts";

/** How the names of conditions on what a token says begin, among those on headers. No header is meant by such a name. */
const TOKEN = "@request.auth.";
const CLAIMS = `${TOKEN}claims`;

/** Whether a condition on headers is one on a call's token, by its name in any case of letters. */
export function isOnToken(name: string): boolean {
  return name.toLowerCase().startsWith(TOKEN);
}

/**
 * The way to the claim that a name means, inside the token's payload: `@request.auth.claims.a.b` or `@request.auth.claims[a][b]`, the latter for
 * names with dots. Undefined for a name that means none.
 */
export function claimPath(name: string): readonly string[] | undefined {
  if (!name.toLowerCase().startsWith(CLAIMS)) return undefined;
  const rest = name.slice(CLAIMS.length);
  const isBracketed = rest.startsWith("[") && rest.endsWith("]");
  if (!isBracketed && !rest.startsWith(".")) return undefined;
  const names = isBracketed ? rest.slice(1, -1).split("][") : rest.slice(1).split(".");
  return names.includes("") ? undefined : names;
}

/** The conditions of a match on what a token says, by their names. */
export function tokenNames({ headers = {}, withoutHeaders = {} }: HttpMatch): readonly string[] {
  return [...Object.keys(headers), ...Object.keys(withoutHeaders)].filter(isOnToken);
}

/** The conditions of a match on claims; undefined where it asks for what no token has. */
export function lowerClaims({ headers = {}, withoutHeaders = {} }: HttpMatch): readonly MetadataMatcher[] | undefined {
  const claims: MetadataMatcher[] = [];
  for (const [name, match] of Object.entries(headers)) {
    if (!isOnToken(name)) continue;
    const path = claimPath(name);
    if (path === undefined) return undefined;
    claims.push(claimMatcher(path, match));
  }
  for (const [name, match] of Object.entries(withoutHeaders)) {
    const path = claimPath(name);
    // What no token has is lacking in all.
    if (path !== undefined) claims.push({ ...claimMatcher(path, match), invert: true });
  }
  return claims;
}

function claimMatcher(names: readonly string[], match: TextMatch): MetadataMatcher {
  const path = [{ key: "payload" }, ...names.map((key) => ({ key }))];
  return { filter: JWT_FILTER, path, value: match.type === "present" ? PRESENT : eitherOf(textOf(match)) };
}

/** Envoy refuses an empty prefix. */
function textOf(match: Exclude<TextMatch, { type: "present" }>): StringMatcher {
  return stringMatcher(match.type === "prefix" && match.value === "" ? { type: "regex", value: ".*" } : match);
}

const PRESENT: ValueMatcher = { presentMatch: true };

/** A text, or a list of which one element is enough. */
export function eitherOf(stringMatch: StringMatcher): ValueMatcher {
  return { orMatch: { valueMatchers: [{ stringMatch }, { listMatch: { oneOf: { stringMatch } } }] } };
}
