import { compileString, type TextTest } from "../../codecs/xds/match.ts";
import type { CorsPolicy } from "../../codecs/xds/route.ts";

/** A route's policy for pages of other origins, compiled. */
export interface Cors {
  /** Headers for the answer to a call from a page of `origin`; none where it is not allowed. */
  answer(origin: string): readonly string[];
  /** Headers for the answer to a preflight request; undefined where it is not answered here, since the origin is not allowed. */
  preflight(origin: string): readonly string[] | undefined;
}

/** Callers of gRPC-Web read these of an answer whatever a rule exposes. */
const ALWAYS_EXPOSED = ["grpc-status", "grpc-message"];

/** Compiles a policy: an origin is compared as the browser sends it, `https://shop.example`. */
export function compileCors(policy: CorsPolicy): Cors {
  const tests: readonly TextTest[] = policy.allowOriginStringMatch.map(compileString);
  const allows = (origin: string) => tests.some((test) => test(origin));
  const credentials = policy.allowCredentials === true ? ["access-control-allow-credentials", "true"] : [];
  const exposed = [...ALWAYS_EXPOSED, ...(policy.exposeHeaders?.split(",") ?? [])].join(",");
  const allowed = [
    ...["access-control-allow-methods", policy.allowMethods ?? "POST"],
    ...["access-control-allow-headers", policy.allowHeaders ?? "content-type"],
    ...(policy.maxAge === undefined ? [] : ["access-control-max-age", policy.maxAge]),
  ];
  const unmatched = policy.forwardNotMatchingPreflights === false ? ["vary", "origin"] : undefined;
  const permission = (origin: string) => ["access-control-allow-origin", origin, "vary", "origin", ...credentials];
  return {
    answer: (origin) =>
      allows(origin) ? [...permission(origin), "access-control-expose-headers", exposed] : ["vary", "origin"],
    preflight: (origin) => (allows(origin) ? [...permission(origin), ...allowed] : unmatched),
  };
}
