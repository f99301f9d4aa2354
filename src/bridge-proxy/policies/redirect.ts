import { compilePathRewrite } from "../../codecs/xds/path-rewrite.ts";
import { REDIRECT_STATUS, type Route } from "../../codecs/xds/route.ts";

/** Where a rule sends callers of HTTP, in place of leading them on. */
export interface Redirect {
  readonly status: number;
  /** The `location` of a request; always with scheme and authority. */
  location(request: RedirectedRequest): string;
}

/** What of a request stays where the rule says nothing else. */
export interface RedirectedRequest {
  readonly scheme: "http" | "https";
  readonly authority: string;
  readonly path: string;
  /** With its question mark; `""` for none. */
  readonly query: string;
}

const USUAL_PORT = { http: ":80", https: ":443" } as const;

/** Compiles a route's redirect, as Envoy understands it; undefined where it has none. */
export function compileRedirect({ match, redirect }: Route): Redirect | undefined {
  if (redirect === undefined) return undefined;
  const { schemeRedirect, hostRedirect, portRedirect, pathRedirect, prefixRewrite, responseCode } = redirect;
  const byPrefix = prefixRewrite === undefined ? undefined : compilePathRewrite(match, prefixRewrite);
  const port = portRedirect === undefined ? "" : `:${portRedirect}`;
  return {
    status: REDIRECT_STATUS[responseCode ?? "MOVED_PERMANENTLY"],
    location(request) {
      const scheme = schemeRedirect ?? request.scheme;
      const host = hostRedirect ?? hostOf(request, scheme, port !== "");
      const path = pathRedirect ?? byPrefix?.(request.path) ?? request.path;
      // A path that the rule says whole, with a query of its own, leaves the request's out.
      const query = pathRedirect?.includes("?") === true ? "" : request.query;
      return `${scheme}://${host}${port}${path.startsWith("/") ? "" : "/"}${path}${query}`;
    },
  };
}

/** The request's own authority: without its port where the rule says one, and where that was the usual one of another scheme. */
function hostOf({ authority, scheme }: RedirectedRequest, next: string, hasPort: boolean): string {
  const [port = ""] = /:\d+$/.exec(authority) ?? [];
  const isDropped = hasPort || (next !== scheme && port === USUAL_PORT[scheme]);
  return isDropped ? authority.slice(0, authority.length - port.length) : authority;
}
