import { expect, test } from "vitest";
import { compileRedirect } from "../../../../src/bridge-proxy/policies/redirect.ts";
import type { RedirectAction, RouteMatch } from "../../../../src/codecs/xds/route.ts";

const request = { scheme: "http", authority: "shop.example.com:8080", path: "/old/a", query: "?b=1" } as const;
const compile = (redirect: RedirectAction, match: RouteMatch = { prefix: "/old" }) =>
  compileRedirect({ match, redirect })!;

test("a route without one has none", () => {
  expect(compileRedirect({ match: { prefix: "/" }, route: { cluster: "c" } })).toBeUndefined();
});

// What Envoy 1.40 makes of the same, by hand and in test/e2e/gateway-http.test.ts.
test.each<[name: string, redirect: RedirectAction, location: string]>([
  ["a path, with the request's query", { pathRedirect: "/new" }, "http://shop.example.com:8080/new?b=1"],
  ["a path with a query of its own", { pathRedirect: "/new?c=2" }, "http://shop.example.com:8080/new?c=2"],
  ["a path without a slash", { pathRedirect: "new" }, "http://shop.example.com:8080/new?b=1"],
  ["a prefix", { prefixRewrite: "/v2" }, "http://shop.example.com:8080/v2/a?b=1"],
  ["another host", { hostRedirect: "a.example.com" }, "http://a.example.com/old/a?b=1"],
  ["another host and port", { hostRedirect: "a.example.com", portRedirect: 81 }, "http://a.example.com:81/old/a?b=1"],
  ["another port", { portRedirect: 81 }, "http://shop.example.com:81/old/a?b=1"],
  ["https, whose port is not that of http", { schemeRedirect: "https" }, "https://shop.example.com:8080/old/a?b=1"],
])("%s", (_name, redirect, location) => {
  expect(compile(redirect).location(request)).toBe(location);
});

test.each([
  ["http", "a.example.com:80", "https", "https://a.example.com/x"],
  ["https", "a.example.com:443", "http", "http://a.example.com/x"],
  ["http", "a.example.com:80", "http", "http://a.example.com:80/x"],
  ["http", "[::1]:80", "https", "https://[::1]/x"],
  ["http", "[::1]", "https", "https://[::1]/x"],
] as const)("%s://%s by %s is %s", (scheme, authority, schemeRedirect, location) => {
  const asked = { scheme, authority, path: "/x", query: "" };
  expect(compile({ schemeRedirect }).location(asked)).toBe(location);
});

test("without a status it is 301", () => {
  expect(compile({}).status).toBe(301);
  expect(compile({ responseCode: "SEE_OTHER" }).status).toBe(303);
});
