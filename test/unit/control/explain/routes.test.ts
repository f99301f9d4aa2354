import { expect, test } from "vitest";
import { JWT_FILTER } from "../../../../src/codecs/xds/authz.ts";
import type { Route } from "../../../../src/codecs/xds/route.ts";
import { knownClaims, lackedBy, ownAnswerOf, verdictsOf } from "../../../../src/control/explain/routes.ts";

const seen = { path: "/a", header: (name: string) => (name === "?v" ? "1" : undefined), claims: undefined };

test.each<[Route["match"], string[]]>([
  [{ path: "/a", queryParameters: [{ name: "v", stringMatch: { exact: "1" } }] }, []],
  [
    { prefix: "/", queryParameters: [{ name: "w", presentMatch: true }] },
    ["parameter w is absent, asked is w is there"],
  ],
  [{ path: "/b" }, ["path /a is not /b"]],
  [{ prefix: "/", headers: [{ name: "x", stringMatch: { prefix: "y" } }] }, ["x is absent, asked is x = y*"]],
])("of %j a call lacks %j", (match, lacks) => {
  expect(lackedBy({ match }, seen)).toEqual(lacks);
});

test("a path without an overload's signature will do where that is given", () => {
  expect(lackedBy({ match: { path: "/a" } }, { ...seen, path: "/a~l" }, "/a")).toEqual([]);
});

test("verdicts stop at the route that is taken", () => {
  const routes = ["a", "b", "c"].map((name) => ({ name, match: {} }));
  expect(verdictsOf(routes, [["x"], [], []], 1).map(({ verdict, why }) => [verdict, why])).toEqual([
    ["does not match", ["x"]],
    ["taken", []],
    ["not reached", []],
  ]);
  expect(verdictsOf(routes, [["x"], ["y"], ["z"]], -1).map(({ verdict }) => verdict)).toEqual(
    Array(3).fill("does not match"),
  );
});

test("routes that lead nowhere answer", () => {
  expect(ownAnswerOf({ match: {}, directResponse: { status: 403 } })).toEqual({
    status: 403,
    reason: "the route answers by itself",
  });
  expect(ownAnswerOf({ match: {}, redirect: { responseCode: "FOUND", pathRedirect: "/x" } })?.status).toBe(302);
  expect(ownAnswerOf({ match: {}, route: { cluster: "c" } })).toBeUndefined();
});

test("claims are known where somebody says whose tokens are good", () => {
  expect(knownClaims({}, { sub: "a" })).toBeUndefined();
  const providers = { "default/a/0": { issuer: "i" } };
  const host = { typedPerFilterConfig: { [JWT_FILTER]: { providers, rules: [] } } } as never;
  expect(knownClaims(host, { scope: "a b" })).toMatchObject({ scope: ["a", "b"] });
  expect(knownClaims(host, undefined)).toBeUndefined();
});
