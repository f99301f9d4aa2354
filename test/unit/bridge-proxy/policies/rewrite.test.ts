import { expect, test } from "vitest";
import {
  compileRewrite,
  namesNothing,
  rewriteCall,
  serviceNamed,
} from "../../../../src/bridge-proxy/policies/rewrite.ts";
import type { RouteAction, RouteMatch } from "../../../../src/codecs/xds/route.ts";

const rewriteOf = (match: RouteMatch, route: RouteAction) => compileRewrite({ match, route })!;

test("without one there is nothing", () => {
  expect(compileRewrite({ match: { prefix: "/" }, route: { cluster: "c" } })).toBeUndefined();
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
