import type { JwtAuthentication, JwtHeader, JwtProvider } from "../../codecs/xds/authz.ts";
import { type Claims, listClaims, withLists } from "../../codecs/xds/claims.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import type { Mutations } from "../policies/mutations.ts";
import type { Denial } from "./asked.ts";
import { changesOf, compileOutputs, type JwtOutputs, namesOf } from "./jwt-outputs.ts";
import type { KeyRing, KeySlot } from "./key-ring.ts";
import type { KeyWaits, UnknownKey } from "./key-waits.ts";
import { MAX_TOKEN, type TokenRules, type TokenVerdict, verifyToken } from "./token.ts";

/** Tokens whose verdict is remembered, all services together. */
const MAX_REMEMBERED = 10_000;
/** A token that is not good is looked at again after this, s: its key may have come. */
const REFUSED_S = 10;
const SWEEP = 1_000;

interface Remembered {
  readonly verdict: TokenVerdict;
  readonly untilS: number;
}

/** Verdicts on tokens, so that a caller that sends one with each call has it verified once. */
export class VerifiedTokens {
  readonly #known = new Map<string, Remembered>();

  /** The verdict of `rules` on a token; `id` tells these rules from all others. */
  judge(id: string, token: string, rules: TokenRules, nowS: number): TokenVerdict {
    if (token.length > MAX_TOKEN) return verifyToken(token, rules, nowS);
    const key = `${id}\n${token}`;
    const known = this.#known.get(key);
    if (known !== undefined && nowS < known.untilS) return known.verdict;
    const verdict = verifyToken(token, rules, nowS);
    if (this.#known.size >= MAX_REMEMBERED) this.#forgetOldest();
    this.#known.delete(key);
    this.#known.set(key, { verdict, untilS: "claims" in verdict ? verdict.untilS : nowS + REFUSED_S });
    return verdict;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#known.size;
  }

  #forgetOldest(): void {
    let left = SWEEP;
    for (const key of this.#known.keys()) {
      if (left-- === 0) return;
      this.#known.delete(key);
    }
  }
}

/** What a call's token says; `fault` where it has one that is not good. */
export interface TokenFinding {
  readonly claims: Claims | undefined;
  readonly fault: string | undefined;
  /** Where a key that is not known yet would mend the fault. */
  readonly unknownKey?: UnknownKey;
  /** What callees are to see otherwise than it came; absent for nothing. */
  readonly changes?: Mutations | undefined;
}

/** What is known of a call by its token before its route is chosen: what that says, or why the call does not go on, which is not counted yet. */
export type TokenWord =
  | { readonly claims: Claims | undefined; readonly denial?: undefined }
  | { readonly denial: Denial };

/** Why a call with such a token does not go on; it may wait for the key where `keyWaits` knows how. */
export function tokenDenial(message: string, unknownKey: UnknownKey | undefined, keyWaits: KeyWaits): Denial {
  const later = unknownKey && keyWaits.until(unknownKey);
  return { reason: "unauthenticated", message, policy: JWT_POLICY, ...(later && { later }) };
}

/** What denials by tokens are counted and logged as. */
export const JWT_POLICY = "Jwt";

const NO_TOKEN: TokenFinding = { claims: undefined, fault: undefined };
const USUAL_HEADERS: readonly JwtHeader[] = [{ name: "authorization", valuePrefix: "Bearer " }];
const USUAL_PARAMS = ["access_token"];

/** What all services know of tokens and their keys. */
export interface TokenMemory {
  readonly verified: VerifiedTokens;
  readonly keys: KeyRing;
}

interface Issuer {
  readonly slot: KeySlot;
  readonly headers: readonly JwtHeader[];
  readonly params: readonly string[];
  readonly cookies: readonly string[];
  readonly outputs: JwtOutputs | undefined;
  readonly lists: ReadonlySet<string>;
}

/** Verifies the tokens of calls, by what any of several issuers asks. */
export class JwtCheck {
  readonly #issuers: readonly Issuer[];
  readonly #verified: VerifiedTokens;
  readonly #nowS: () => number;
  /** Headers that tokens alone say. */
  readonly #names: readonly string[];

  /** `nowS` is the time of day, s since 1970. */
  constructor(config: JwtAuthentication, { verified, keys }: TokenMemory, nowS: () => number) {
    this.#issuers = Object.entries(config.providers).map(([name, one]) => compileIssuer(one, keys.slot(name, one)));
    this.#names = namesOf(this.#issuers.map(({ outputs }) => outputs));
    this.#verified = verified;
    this.#nowS = nowS;
  }

  /**
   * A call without a token passes; one that has some is good by an issuer for whom all tokens where it looks are, or are another issuer's: else
   * the callee might go by the one that is not. Throws what the call's headers throw.
   */
  find(header: HeaderLookup): TokenFinding {
    const said = this.#issuers.flatMap((issuer) => this.#judge(issuer, header));
    if (said.length === 0) {
      const changes = this.#names.length === 0 ? undefined : changesOf(this.#names, header, undefined, undefined);
      return changes === undefined ? NO_TOKEN : { ...NO_TOKEN, changes };
    }
    const good = new Set(said.filter(({ verdict }) => "claims" in verdict).map(({ token }) => token));
    const isWhole = (issuer: Issuer) => said.every((one) => one.issuer !== issuer || good.has(one.token));
    for (const { issuer, token, place, verdict } of said) {
      if (!("claims" in verdict) || !isWhole(issuer)) continue;
      const changes = changesOf(this.#names, header, issuer.outputs, { token, claims: verdict.claims, header: place });
      return { claims: withLists(verdict.claims, issuer.lists), fault: undefined, changes };
    }
    return faultOf(said.filter(({ token }) => !good.has(token)));
  }

  #judge(issuer: Issuer, header: HeaderLookup): SaidToken[] {
    const { id, rules } = issuer.slot.current;
    return Array.from(tokensOf(issuer, header), ([token, place]) => {
      const verdict = this.#verified.judge(id, token, rules, this.#nowS());
      return { issuer, token, place, verdict };
    });
  }
}

/** A token where an issuer looks for one. */
interface SaidToken {
  readonly issuer: Issuer;
  readonly token: string;
  /** The header that it stands in, where it does. */
  readonly place: string | undefined;
  readonly verdict: TokenVerdict;
}

/** Of several issuers only one can be meant: that a token is of another one tells least. */
function faultOf(bad: readonly SaidToken[]): TokenFinding {
  let fault = OTHER_ISSUER;
  let unknownKey: UnknownKey | undefined;
  for (const { issuer, verdict } of bad) {
    if ("claims" in verdict) continue;
    if (verdict.unknownKey !== undefined)
      unknownKey ??= { issuer: issuer.slot.current.rules.issuer, mark: verdict.unknownKey };
    if (fault === OTHER_ISSUER) fault = verdict.fault;
  }
  return { claims: undefined, fault, ...(unknownKey && { unknownKey }) };
}

const OTHER_ISSUER = "Jwt issuer is not configured";

function compileIssuer(provider: JwtProvider, slot: KeySlot): Issuer {
  const { fromHeaders = [], fromParams = [], fromCookies = [] } = provider;
  const says = fromHeaders.length + fromParams.length + fromCookies.length > 0;
  return {
    slot,
    headers: says ? fromHeaders : USUAL_HEADERS,
    params: says ? fromParams : USUAL_PARAMS,
    cookies: fromCookies,
    outputs: compileOutputs(provider),
    lists: listClaims(provider),
  };
}

/** Each with the header that it stands in, where it does. */
function* tokensOf(
  { headers, params, cookies }: Issuer,
  header: HeaderLookup,
): Generator<readonly [token: string, header: string | undefined]> {
  for (const { name, valuePrefix = "" } of headers) {
    const value = header(name.toLowerCase());
    if (value === undefined) continue;
    // What stands before and behind a token is not part of it, as Envoy takes it.
    const at = valuePrefix === "" ? 0 : value.toLowerCase().indexOf(valuePrefix.toLowerCase());
    if (at < 0) continue;
    const token = /^[^\s,;]*/.exec(value.slice(at + valuePrefix.length).trimStart())![0];
    if (token !== "") yield [token, name];
  }
  for (const name of params) {
    const value = header(`?${name}`);
    if (value !== undefined && value !== "") yield [value, undefined];
  }
  const said = cookies.length === 0 ? "" : (header("cookie") ?? "");
  for (const pair of said.split(";").map((one) => one.trim())) {
    const cut = pair.indexOf("=");
    if (cut > 0 && cookies.includes(pair.slice(0, cut))) yield [pair.slice(cut + 1), undefined];
  }
}
