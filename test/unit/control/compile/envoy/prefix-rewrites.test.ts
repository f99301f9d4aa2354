import { RE2JS } from "re2js";
import { expect, test } from "vitest";
import { compilePathRewrite } from "../../../../../src/codecs/xds/path-rewrite.ts";
import type { RouteMatch } from "../../../../../src/codecs/xds/route.ts";
import { type PathRewrite, withOneSlash } from "../../../../../src/control/compile/envoy/prefix-rewrites.ts";

/** What an Envoy makes of a path. */
function rewritten(match: RouteMatch, to: string, path: string): string {
  const { prefixRewrite, regexRewrite } = withOneSlash<PathRewrite>(match, { prefixRewrite: to });
  if (regexRewrite === undefined) return prefixRewrite + path.slice(match.prefix!.length);
  return RE2JS.compile(regexRewrite.pattern.regex).matcher(path).replaceAll(regexRewrite.substitution);
}

test.each<[match: RouteMatch, to: string, paths: readonly string[]]>([
  [{ prefix: "/v1" }, "/", ["/v1", "/v1/", "/v1/a/b", "/v1a", "/v1/v1/a"]],
  [{ prefix: "/v1" }, "/new/", ["/v1", "/v1/a"]],
  [{ prefix: "/v1" }, "/new", ["/v1", "/v1/a", "/v1a"]],
  [{ prefix: "/v1/" }, "/", ["/v1/", "/v1/a"]],
  [{ prefix: "/a.b_-$(x" }, "/", ["/a.b_-$(x/y"]],
  [{ prefix: "/Case", caseSensitive: false }, "/", ["/case/a"]],
])("%j that becomes %s is what Trestle makes of it", (match, to, paths) => {
  for (const path of paths) expect(rewritten(match, to, path)).toBe(compilePathRewrite(match, to)(path));
});

test("other rewrites stay as they are", () => {
  for (const rewrite of [{}, { prefixRewrite: "/a" }, { regexRewrite: { pattern: { regex: "a" }, substitution: "b" } }])
    expect(withOneSlash({ prefix: "/v1" }, rewrite)).toBe(rewrite);
  const whole = { prefixRewrite: "/" };
  expect(withOneSlash({ path: "/v1" }, whole)).toBe(whole);
});
