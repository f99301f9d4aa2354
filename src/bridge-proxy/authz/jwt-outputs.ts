import type { JwtProvider } from "../../codecs/xds/authz.ts";
import type { Claims } from "../../codecs/xds/claims.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import type { Mutations } from "../policies/mutations.ts";

/** Longest value of a header that is made of a token, characters. */
const MAX_VALUE = 8_192;

/** What an issuer's rule makes of a good token, for callees. */
export interface JwtOutputs {
  /** Gets the token's payload, as it stands in the token. */
  readonly payloadHeader: string | undefined;
  readonly claims: readonly { readonly header: string; readonly path: readonly string[] }[];
  /** The token does not go on. */
  readonly takesToken: boolean;
}

/** What a provider's config asks for; undefined for nothing. */
export function compileOutputs({
  forward,
  forwardPayloadHeader,
  claimToHeaders = [],
}: JwtProvider): JwtOutputs | undefined {
  if (forward !== false && forwardPayloadHeader === undefined && claimToHeaders.length === 0) return undefined;
  return {
    payloadHeader: forwardPayloadHeader?.toLowerCase(),
    claims: claimToHeaders.map(({ headerName, claimName }) => ({
      header: headerName.toLowerCase(),
      path: claimName.split("."),
    })),
    takesToken: forward === false,
  };
}

/** Names that tokens alone say: what callers write there is taken out, whatever their token is. */
export function namesOf(outputs: readonly (JwtOutputs | undefined)[]): readonly string[] {
  const names = outputs.flatMap((one) => [
    one?.payloadHeader ?? [],
    ...(one?.claims ?? []).map(({ header }) => header),
  ]);
  return [...new Set(names.flat())];
}

/** Where a token stands. */
export interface TokenPlace {
  readonly kind: "header" | "parameter" | "cookie";
  readonly name: string;
}

/** A good token, and the places of those, itself perhaps among them, that do not go on. */
export interface FoundToken {
  readonly token: string;
  readonly claims: Claims;
  readonly taken: readonly TokenPlace[];
}

/**
 * What a call's tokens change in it; undefined for nothing. `names` are those of {@link namesOf}. Throws what the call's headers throw.
 */
export function changesOf(
  names: readonly string[],
  header: HeaderLookup,
  outputs: JwtOutputs | undefined,
  found: FoundToken | undefined,
): Mutations | undefined {
  const set: [string, string][] = [];
  if (outputs !== undefined && found !== undefined) {
    if (outputs.payloadHeader !== undefined) set.push([outputs.payloadHeader, found.token.split(".")[1]!]);
    for (const { header: name, path } of outputs.claims) {
      const value = textOf(valueAt(found.claims, path));
      if (value !== undefined) set.push([name, value]);
    }
  }
  const told = set.filter(([, value]) => value.length <= MAX_VALUE);
  const remove = names.filter((name) => header(name) !== undefined);
  for (const { kind, name } of found?.taken ?? [])
    if (kind !== "cookie") remove.push(kind === "header" ? name : `?${name}`);
  const cookies = (found?.taken ?? []).filter(({ kind }) => kind === "cookie").map(({ name }) => name);
  if (cookies.length > 0) {
    const left = withoutCookies(header("cookie") ?? "", cookies);
    // There may be several lines of it.
    remove.push("cookie");
    if (left !== "") told.push(["cookie", left]);
  }
  return told.length === 0 && remove.length === 0 ? undefined : { set: told, add: [], remove };
}

/** The cookies that a header says, each as it stands there. */
export function* cookiesIn(said: string): Generator<readonly [name: string, value: string]> {
  for (const one of said.split(";")) {
    const pair = one.trim();
    const cut = pair.indexOf("=");
    if (cut > 0) yield [pair.slice(0, cut), pair.slice(cut + 1)];
  }
}

function withoutCookies(said: string, names: readonly string[]): string {
  const left = [...cookiesIn(said)].filter(([name]) => !names.includes(name));
  return left.map(([name, value]) => `${name}=${value}`).join("; ");
}

function valueAt(claims: Claims, path: readonly string[]): unknown {
  // A claim may have dots in its name, as those with an address for a namespace have.
  const whole = path.join(".");
  if (Object.hasOwn(claims, whole)) return claims[whole];
  let found: unknown = claims;
  for (const name of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

/** Lists and objects go as JSON in base64, as Envoy has it; control characters go nowhere. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "object" && value !== null) return Buffer.from(JSON.stringify(value)).toString("base64");
  return typeof value === "string" && !/\p{Cc}/u.test(value) ? value : undefined;
}
