import { type HeaderLines, meetsAll } from "../codecs/xds/header-lines.ts";
import type { HeaderLookup } from "../codecs/xds/match.ts";
import type { Denial } from "./authz/asked.ts";
import type { TokenWord } from "./authz/jwt.ts";
import type { CompiledHost, CompiledRoute, HostDecision } from "./route.ts";

/** What says what a call's token claims; asked once a call at most, where a route goes by that. */
export type AskToken = () => TokenWord;

const NO_TOKEN: AskToken = () => ({ claims: undefined });

/**
 * The first route that takes a call with these headers; undefined for none. A denial where a route goes by the call's token that would take the
 * call but for that, and the token is not good, or not yet: it may say what is asked by then.
 */
export function matchRoute(
  decision: HostDecision,
  header: HeaderLookup,
  token?: undefined,
  lines?: HeaderLines,
): CompiledRoute | undefined;
export function matchRoute(
  decision: HostDecision,
  header: HeaderLookup,
  token: AskToken | undefined,
  lines?: HeaderLines,
): CompiledRoute | Denial | undefined;
export function matchRoute(
  { fixed, candidates }: HostDecision,
  header: HeaderLookup,
  token?: AskToken,
  lines?: HeaderLines,
): CompiledRoute | Denial | undefined {
  return fixed ?? firstRoute(candidates, (route) => meetsAll(route.headers, header, lines), token);
}

/** The first of `routes` whose claims are met among those that take the call otherwise, as {@link matchRoute} has it. */
export function firstRoute(
  routes: readonly CompiledRoute[],
  takes: (route: CompiledRoute) => boolean,
  token: AskToken = NO_TOKEN,
): CompiledRoute | Denial | undefined {
  let word: TokenWord | undefined;
  for (const route of routes) {
    if (!takes(route)) continue;
    if (route.claims === undefined) return route;
    word ??= token();
    if (word.denial !== undefined) return word.denial;
    if (route.claims(word.claims)) return route;
  }
  return undefined;
}

/** Whether a call is refused, or has to wait, before its route is known. */
export function isRefused(led: CompiledRoute | Denial | undefined): led is Denial {
  return led !== undefined && "reason" in led;
}

/** What the issuers of the service that a call names say of its token; one that has waited for a key is judged for good. */
export function askToken(
  { host }: { readonly host: Pick<CompiledHost, "policies"> },
  header: HeaderLookup,
  hasWaited = false,
): TokenWord {
  return host.policies?.tokenOf(header, hasWaited) ?? { claims: undefined };
}
