import { expect, test } from "vitest";
import { callableOf, compilePathRewrite, pathRewriteOf } from "../../../../src/codecs/xds/path-rewrite.ts";
import type { RouteAction, RouteMatch } from "../../../../src/codecs/xds/route.ts";

const rewriteOf = (match: RouteMatch, route: RouteAction) => pathRewriteOf({ match, route })!;
const regex = (pattern: string, substitution: string): RouteAction => ({
  regexRewrite: { pattern: { regex: pattern }, substitution },
});

test.each<[name: string, match: RouteMatch, route: RouteAction, path: string, becomes: string]>([
  ["a prefix", { prefix: "/v1" }, { prefixRewrite: "/v2" }, "/v1/a", "/v2/a"],
  ["a prefix to the root leaves one slash", { prefix: "/v1" }, { prefixRewrite: "/" }, "/v1/a", "/a"],
  ["an exact path as a whole", { path: "/a" }, { prefixRewrite: "/b" }, "/a", "/b"],
  ["a pattern's path as a whole", { safeRegex: { regex: "/.*" } }, { prefixRewrite: "/b" }, "/x/y", "/b"],
  ["what has no slash gets one", { path: "/a" }, { prefixRewrite: "b" }, "/a", "/b"],
  ["groups", { prefix: "/" }, regex("^/v(\\d+)/(.*)$", "/\\2/v\\1"), "/v12/a/b", "/a/b/v12"],
  ["every match", { prefix: "/" }, regex("a", "b"), "/aca", "/bcb"],
  [
    "the whole match, a backslash and what only looks like a group",
    { prefix: "/" },
    regex("b", "[\\0\\\\$1\\7]"),
    "/b",
    "/[b\\$1]",
  ],
  ["no match leaves it", { prefix: "/" }, regex("^/x$", "/y"), "/a", "/a"],
])("%s", (_name, match, route, path, becomes) => {
  expect(rewriteOf(match, route)(path)).toBe(becomes);
});

test("a pattern that would take ages elsewhere is over at once", () => {
  expect(rewriteOf({ prefix: "/" }, regex("(a+)+$", "b"))(`/${"a".repeat(20_000)}!`)).toHaveLength(20_002);
});

test("a pattern that RE2 refuses is an error", () => {
  expect(() => rewriteOf({ prefix: "/" }, regex("(?=a)", ""))).toThrow();
});

test("a route that changes none has none", () => {
  expect(pathRewriteOf({ match: { prefix: "/" }, route: { cluster: "c" } })).toBeUndefined();
  expect(compilePathRewrite({ prefix: "/a" }, "/b")("/a/c")).toBe("/b/c");
});

test("a Dubbo call's path names its interface and method, and nothing else", () => {
  expect(callableOf("/com.acme.A/find~l")).toEqual({ interface: "com.acme.A", method: "find~l" });
  for (const path of ["/", "/com.acme.B", "/a/b/c", "//b", "/a b/c"]) expect(callableOf(path)).toBeUndefined();
});
