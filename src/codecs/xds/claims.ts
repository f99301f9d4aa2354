import { JWT_FILTER, type JwtProvider, type MetadataMatcher, type ValueMatcher } from "./authz.ts";
import { compileText } from "./match.ts";

/** The payload of a token. */
export type Claims = Readonly<Record<string, unknown>>;

/** Tests the payload of a call's verified token; undefined for a call without one. */
export type ClaimsTest = (claims: Claims | undefined) => boolean;

/** Compiles a condition on a claim of a token; undefined for one on anything else, which is not known. */
export function compileClaim({ filter, path, value, invert }: MetadataMatcher): ClaimsTest | undefined {
  const names = claimOf({ filter, path });
  if (names === undefined) return undefined;
  const test = compileValue(value);
  const held: ClaimsTest = (claims) => {
    let found: unknown = claims;
    for (const name of names) {
      if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return false;
      found = (found as Record<string, unknown>)[name];
    }
    return test(found);
  };
  return invert === true ? (claims) => !held(claims) : held;
}

/** Compiles conditions that have to be met together, one that is not known by no call; undefined for none. */
export function compileClaims(matchers: readonly MetadataMatcher[]): ClaimsTest | undefined {
  if (matchers.length === 0) return undefined;
  const tests = matchers.map((matcher) => compileClaim(matcher) ?? NEVER);
  return (claims) => tests.every((test) => test(claims));
}

const NEVER: ClaimsTest = () => false;

/** The way to the claim that a condition is on, inside the token's payload; undefined where it is on something else. */
export function claimOf({ filter, path }: Pick<MetadataMatcher, "filter" | "path">): readonly string[] | undefined {
  const [root, ...names] = path.map(({ key }) => key);
  return filter === JWT_FILTER && root === "payload" ? names : undefined;
}

function compileValue(matcher: ValueMatcher): (value: unknown) => boolean {
  if (matcher.orMatch !== undefined) {
    const tests = matcher.orMatch.valueMatchers.map(compileValue);
    return (value) => tests.some((test) => test(value));
  }
  if (matcher.listMatch !== undefined) {
    const test = compileValue(matcher.listMatch.oneOf);
    return (value) => Array.isArray(value) && value.some(test);
  }
  if (matcher.stringMatch !== undefined) {
    const test = compileText(matcher.stringMatch);
    return (value) => typeof value === "string" && test(value);
  }
  return (value) => matcher.presentMatch === true && value !== undefined;
}

/** The claims of an issuer's tokens that are lists of words in one text; some are so always, as Istio has it. */
export function listClaims({
  normalizePayloadInMetadata,
}: Pick<JwtProvider, "normalizePayloadInMetadata">): ReadonlySet<string> {
  return new Set(["scope", "permission", ...(normalizePayloadInMetadata?.spaceDelimitedClaims ?? [])]);
}

/** Claims whose names are among these, as lists of their words. */
export function withLists(claims: Claims, names: ReadonlySet<string>): Claims {
  let changed: Record<string, unknown> | undefined;
  for (const name of names) {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    if (typeof value !== "string") continue;
    changed ??= { ...claims };
    changed[name] = value.split(" ").filter((word) => word !== "");
  }
  return changed ?? claims;
}
