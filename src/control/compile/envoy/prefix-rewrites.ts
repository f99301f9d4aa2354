import type { RegexRewrite, RouteMatch } from "../../../codecs/xds/route.ts";

/** What of a path is replaced, in one of two ways; nothing where neither is there. */
export interface PathRewrite {
  readonly prefixRewrite?: string;
  readonly regexRewrite?: RegexRewrite;
}

/**
 * The rewrite of a matched prefix, so that an Envoy leaves one slash where Trestle does: `/v1` that becomes `/` makes `/a` of `/v1/a`. Envoy's own
 * would make `//a` of it.
 */
export function withOneSlash<R extends PathRewrite>({ prefix, caseSensitive }: RouteMatch, rewrite: R): R {
  const { prefixRewrite: to, ...others } = rewrite;
  if (to === undefined || prefix === undefined || prefix.endsWith("/") || !to.endsWith("/")) return rewrite;
  const regex = `^${caseSensitive === false ? "(?i)" : ""}${prefix.replace(/[!-.:-@[-`{-~]/g, "\\$&")}/?`;
  const regexRewrite: RegexRewrite = { pattern: { regex }, substitution: to.replaceAll("\\", "\\\\") };
  return { ...others, regexRewrite } as unknown as R;
}
