import { forgetOldest } from "../../base/bounded.ts";
import type { JwtAuthentication, JwtHeader, JwtProvider } from "../../codecs/xds/authz.ts";
import { type Claims, listClaims, withLists } from "../../codecs/xds/claims.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import type { Mutations } from "../policies/mutations.ts";
import { parametersOf } from "../policies/query.ts";
import type { Denial } from "./asked.ts";
import { changesOf, compileOutputs, cookiesIn, type JwtOutputs, namesOf, type TokenPlace } from "./jwt-outputs.ts";
import type { KeyRing, KeySlot } from "./key-ring.ts";
import type { KeyWaits, UnknownKey } from "./key-waits.ts";
import { MAX_TOKEN, type TokenRules, type TokenVerdict, verifyToken } from "./token.ts";

/** Good tokens that are remembered, all services together; how many characters they may have; and others. */
const [MAX_GOOD, MAX_GOOD_CHARS, MAX_REFUSED] = [10_000, 16 * 1024 * 1024, 1_000];
/** A token that is not good is looked at again after this, s: its key may have come. */
const REFUSED_S = 10;

interface Remembered {
  readonly verdict: TokenVerdict;
  readonly untilS: number;
}

/**
 * Verdicts on tokens, so that a caller that sends one with each call has it verified once. Made-up tokens take no place from good ones: those are
 * forgotten only for each other.
 */
export class VerifiedTokens {
  readonly #good = new Map<string, Remembered>();
  readonly #refused = new Map<string, Remembered>();
  #goodChars = 0;

  /** The verdict of `rules` on a token; `id` tells these rules from all others. */
  judge(id: string, token: string, rules: TokenRules, nowS: number): TokenVerdict {
    if (token.length > MAX_TOKEN) return verifyToken(token, rules, nowS);
    const key = `${id}\n${token}`;
    const known = this.#good.get(key) ?? this.#refused.get(key);
    if (known !== undefined && nowS < known.untilS) return known.verdict;
    const verdict = verifyToken(token, rules, nowS);
    this.#forget(key);
    if ("claims" in verdict) {
      this.#good.set(key, { verdict, untilS: verdict.untilS });
      this.#goodChars += key.length;
      forgetOldest(this.#good, MAX_GOOD, (oldest) => this.#forget(oldest));
      while (this.#goodChars > MAX_GOOD_CHARS) this.#forget(this.#good.keys().next().value!);
    } else {
      this.#refused.set(key, { verdict, untilS: nowS + REFUSED_S });
      forgetOldest(this.#refused, MAX_REFUSED);
    }
    return verdict;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#good.size + this.#refused.size;
  }

  #forget(key: string): void {
    if (this.#good.delete(key)) this.#goodChars -= key.length;
    this.#refused.delete(key);
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
export function tokenDenial(
  message: string,
  unknownKey: UnknownKey | undefined,
  keyWaits: KeyWaits,
  caller?: string,
): Denial {
  const later = unknownKey && keyWaits.until(unknownKey, caller);
  return { reason: "unauthenticated", message, policy: JWT_POLICY, ...(later && { later }) };
}

/** What denials by tokens are counted and logged as. */
export const JWT_POLICY = "Jwt";

const NO_TOKEN: TokenFinding = { claims: undefined, fault: undefined };
const USUAL_HEADERS: readonly JwtHeader[] = [{ name: "authorization", valuePrefix: "Bearer " }];
const USUAL_PARAMS = ["access_token"];
/** Most tokens of a call that are looked at. */
export const MAX_SAID = 8;
const TOO_MANY: TokenVerdict = { fault: `Jwt stands there more than ${MAX_SAID} times` };

/** What all services know of tokens and their keys. */
export interface TokenMemory {
  readonly verified: VerifiedTokens;
  readonly keys: KeyRing;
}

interface Issuer {
  readonly slot: KeySlot;
  readonly headers: readonly { readonly place: TokenPlace; readonly lookup: string; readonly prefix: string }[];
  readonly params: readonly { readonly place: TokenPlace; readonly lookup: string }[];
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
   * A call without a token passes, and nothing is made for it; one that has some is good by an issuer for whom all tokens where it looks are, or
   * are another issuer's: else the callee might go by the one that is not. Throws what the call's headers throw.
   */
  find(header: HeaderLookup): TokenFinding {
    let said: SaidToken[] | undefined;
    for (const issuer of this.#issuers) said = this.#seek(issuer, header, said);
    return said === undefined ? this.#withoutToken(header) : this.#judged(said, header);
  }

  #withoutToken(header: HeaderLookup): TokenFinding {
    for (const name of this.#names)
      if (header(name) !== undefined)
        return { ...NO_TOKEN, changes: changesOf(this.#names, header, undefined, undefined) };
    return NO_TOKEN;
  }

  #judged(said: readonly SaidToken[], header: HeaderLookup): TokenFinding {
    const good = new Set(said.filter(isGood).map(({ token }) => token));
    const isWhole = (issuer: Issuer) => said.every((one) => one.issuer !== issuer || good.has(one.token));
    for (const { issuer, token, verdict } of said) {
      if (!("claims" in verdict) || !isWhole(issuer)) continue;
      const taken = said.filter((one) => one.issuer.outputs?.takesToken === true && isGood(one));
      const found = { token, claims: verdict.claims, taken: taken.map(({ place }) => place) };
      const changes = changesOf(this.#names, header, issuer.outputs, found);
      return { claims: withLists(verdict.claims, issuer.lists), fault: undefined, changes };
    }
    return faultOf(said.filter(({ token }) => !good.has(token)));
  }

  /** Adds the tokens where an issuer looks to those that are known. */
  #seek(issuer: Issuer, header: HeaderLookup, known: SaidToken[] | undefined): SaidToken[] | undefined {
    let said = known;
    const from = known?.length ?? 0;
    for (const { place, lookup, prefix } of issuer.headers) {
      const value = header(lookup);
      if (value === undefined) continue;
      for (const token of tokensIn(value, prefix)) said = this.#add(said, { issuer, from, token, place });
    }
    for (const { place, lookup } of issuer.params) {
      const value = header(lookup);
      if (value === undefined) continue;
      // Servers take the first of several, or the last.
      const all = parametersOf(header(":path") ?? "", place.name);
      for (const token of all.length > 0 ? all : [value])
        if (token !== "") said = this.#add(said, { issuer, from, token, place });
    }
    if (issuer.cookies.length === 0) return said;
    const cookies = header("cookie");
    if (cookies === undefined) return said;
    for (const [name, token] of cookiesIn(cookies))
      if (issuer.cookies.includes(name))
        said = this.#add(said, { issuer, from, token, place: { kind: "cookie", name } });
    return said;
  }

  #add(known: SaidToken[] | undefined, { from, ...one }: SoughtToken): SaidToken[] {
    const said = known ?? [];
    const count = said.length - from;
    const { id, rules } = one.issuer.slot.current;
    // To verify one takes a while: what says more than anybody means is not looked at.
    if (count < MAX_SAID) said.push({ ...one, verdict: this.#verified.judge(id, one.token, rules, this.#nowS()) });
    else if (count === MAX_SAID) said.push({ ...one, token: "", verdict: TOO_MANY });
    return said;
  }
}

/** A token where an issuer looks for one; its issuer's first is the one at `from`. */
interface SoughtToken extends Pick<SaidToken, "issuer" | "token" | "place"> {
  readonly from: number;
}

/** A token where an issuer looks for one. */
interface SaidToken {
  readonly issuer: Issuer;
  readonly token: string;
  readonly place: TokenPlace;
  readonly verdict: TokenVerdict;
}

function isGood({ verdict }: SaidToken): boolean {
  return "claims" in verdict;
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
    headers: (says ? fromHeaders : USUAL_HEADERS).map(({ name, valuePrefix = "" }) => ({
      place: { kind: "header", name },
      lookup: name.toLowerCase(),
      prefix: valuePrefix.toLowerCase(),
    })),
    params: (says ? fromParams : USUAL_PARAMS).map((name) => ({
      place: { kind: "parameter", name },
      lookup: `?${name}`,
    })),
    cookies: fromCookies,
    outputs: compileOutputs(provider),
    lists: listClaims(provider),
  };
}

/** The tokens that a header says: what stands before and behind one is not part of it, as Envoy takes it; a list may have several. */
function tokensIn(value: string, prefix: string): readonly string[] {
  const tokens: string[] = [];
  for (const piece of prefix.includes(",") ? [value] : value.split(",")) {
    const at = prefix === "" ? 0 : piece.toLowerCase().indexOf(prefix);
    if (at < 0) continue;
    const token = /^[^\s,;]*/.exec(piece.slice(at + prefix.length).trimStart())![0];
    if (token !== "") tokens.push(token);
  }
  return tokens;
}
