import { expect, test } from "vitest";
import { TRESTLE_METADATA } from "../../../../src/codecs/xds/core.ts";
import {
  choosesByPath,
  compileMethod,
  gatewayRouteKinds,
  isCallable,
  withoutOverload,
} from "../../../../src/codecs/xds/gateway-route.ts";
import type { Route } from "../../../../src/codecs/xds/route.ts";

const call: Route = { match: { prefix: "/" }, route: { cluster: "c" } };
const get: Route = { match: { path: "/a", headers: [{ name: ":method", stringMatch: { exact: "GET" } }] }, route: {} };
const request: Route = { ...call, metadata: { filterMetadata: { [TRESTLE_METADATA]: { protocol: "http" } } } };
const direct: Route = { match: { path: "/d" }, directResponse: { status: 410 } };

test.each<[string, readonly Route[], readonly [boolean, boolean, boolean][]]>([
  [
    "of calls",
    [call, direct],
    [
      [false, false, true],
      [false, false, true],
    ],
  ],
  ["of a method of HTTP", [get], [[true, false, true]]],
  [
    "of requests",
    [request, direct],
    [
      [false, true, false],
      [false, true, false],
    ],
  ],
  [
    "of both",
    [request, call, direct],
    [
      [false, true, false],
      [false, false, true],
      [false, false, true],
    ],
  ],
])("routes %s", (_, routes, kinds) => {
  const found = gatewayRouteKinds({ routes });
  expect(found.map(({ namesVerb, isHttp, hasOverloads }) => [namesVerb, isHttp, hasOverloads])).toEqual(kinds);
});

test.each<[Route["match"], string | undefined, string, string]>([
  [{ prefix: "/" }, undefined, "/com.acme.A/get", "get"],
  [{ prefix: "/" }, undefined, "/any/thing/get", ""],
  [{ prefix: "/orders" }, undefined, "/orders/com.acme.A/get", "get"],
  [{ prefix: "/orders/" }, undefined, "/orders/x/get", ""],
  [{ prefix: "/com.acme." }, undefined, "/com.acme.A/get", "get"],
  [{ prefix: "/com.acme." }, undefined, "/com.acme.B/get", ""],
  [{ prefix: "/orders/" }, undefined, "/orders//get", ""],
  [{ prefix: "/orders" }, "/com.acme.A/", "/orders/get", "get"],
  [{ prefix: "/orders/" }, "/com.acme.A/", "/orders/get", "get"],
  [{ prefix: "/orders/" }, "/x/find", "/orders/ById", "findById"],
  [{ path: "/orders" }, "/com.acme.A/create", "/orders", "create"],
  [{ safeRegex: { regex: "/o/.*" } }, "/com.acme.A/list", "/o/1/2", "list"],
  [{ prefix: "/orders/" }, undefined, "/orders/", ""],
])("a route by %j rewritten to %s means, by %s, the method %j", (match, prefixRewrite, path, method) => {
  const route = { match, route: { cluster: "c", ...(prefixRewrite !== undefined && { prefixRewrite }) } };
  expect(compileMethod(route, "com.acme.A")(path)).toBe(method);
});

test.each([
  ["/v1/get", "get"],
  ["/v1/com.acme.A/get", "get"],
  ["/v1/7/find", "findById"],
  ["/v1/x/get", ""],
  ["/other/x/get", ""],
])("a route whose pattern rewrites %s means the method %j", (path, method) => {
  const pattern = {
    pattern: { regex: "^/v1/(?:\\d+/(\\w+)|(.*))$" },
    substitution: path.includes("7") ? "/\\1ById" : "/\\2",
  };
  expect(compileMethod({ match: { prefix: "/" }, route: { regexRewrite: pattern } }, "com.acme.A")(path)).toBe(method);
});

test("a method is a name, perhaps with an overload's signature; Dubbo's own are none", () => {
  expect(["get", "find~l", "_a9"].every(isCallable)).toBe(true);
  expect(["", "$invoke", "a-b", "a~1", "a".repeat(257)].some(isCallable)).toBe(false);
  expect(withoutOverload("/a/find~l")).toBe("/a/find");
});

test("a domain goes by paths unless each of its routes takes all", () => {
  expect([choosesByPath({ routes: [call, request] }), choosesByPath({ routes: [call, direct] })]).toEqual([
    false,
    true,
  ]);
});
