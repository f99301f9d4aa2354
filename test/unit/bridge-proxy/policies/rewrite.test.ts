import { expect, test } from "vitest";
import {
  compileRewrite,
  namesNothing,
  rewriteCall,
  serviceNamed,
} from "../../../../src/bridge-proxy/policies/rewrite.ts";
import type { RouteAction, RouteMatch } from "../../../../src/codecs/xds/route.ts";

const rewriteOf = (match: RouteMatch, route: RouteAction) => compileRewrite({ match, route })!;
const regex = (pattern: string, substitution: string): RouteAction => ({
  regexRewrite: { pattern: { regex: pattern }, substitution },
});

test("without one there is nothing", () => {
  expect(compileRewrite({ match: { prefix: "/" }, route: { cluster: "c" } })).toBeUndefined();
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
  expect(rewriteOf(match, route).path!(path)).toBe(becomes);
});

test("a pattern that would take ages elsewhere is over at once", () => {
  expect(rewriteOf({ prefix: "/" }, regex("(a+)+$", "b")).path!(`/${"a".repeat(20_000)}!`)).toHaveLength(20_002);
});

test("a pattern that RE2 refuses is an error", () => {
  expect(() => rewriteOf({ prefix: "/" }, regex("(?=a)", ""))).toThrow();
});

test("a Dubbo call's path names its interface and method", () => {
  const call = { interface: "com.acme.A", method: "get" };
  const to = (uri: string) => rewriteCall(rewriteOf({ path: "/com.acme.A/get" }, { prefixRewrite: uri }), call);
  expect(to("/com.acme.B/find")).toEqual({ interface: "com.acme.B", method: "find" });
  for (const uri of ["/", "/com.acme.B", "/a/b/c", "//b", "/a b/c", "/com.acme.B/find-it"])
    expect(to(uri)).toBeUndefined();
  expect(rewriteCall(rewriteOf({ prefix: "/" }, { hostRewriteLiteral: "h" }), call)).toBe(call);
  expect(rewriteCall(rewriteOf({ prefix: "/com.acme.A/" }, { prefixRewrite: "/com.acme.B/" }), call)).toEqual({
    interface: "com.acme.B",
    method: "get",
  });
});

test("the service that is called has the interface that was named", () => {
  const service = { interface: "com.acme.A", group: "g" };
  expect(serviceNamed(service, undefined)).toBe(service);
  expect(serviceNamed(service, { interface: "com.acme.A", method: "x" })).toBe(service);
  expect(serviceNamed(service, { interface: "com.acme.B", method: "x" })).toEqual({
    interface: "com.acme.B",
    group: "g",
  });
  expect(namesNothing("r")).toContain("rule r rewrites the path");
});
