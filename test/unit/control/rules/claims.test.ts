import { expect, test } from "vitest";
import { compileClaims } from "../../../../src/codecs/xds/claims.ts";
import { claimPath, eitherOf, isOnToken, lowerClaims, tokenNames } from "../../../../src/control/rules/claims.ts";
import { lowerMatch } from "../../../../src/control/rules/lower/lower.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { matchOf } from "../../../support/rules.ts";

test.each([
  ["@request.auth.claims.sub", ["sub"]],
  ["@request.auth.claims.realm.roles", ["realm", "roles"]],
  ["@request.auth.claims[realm][roles]", ["realm", "roles"]],
  ["@request.auth.claims[https://a.example/group]", ["https://a.example/group"]],
  ["@Request.Auth.Claims.Sub", ["Sub"]],
  ["@request.auth.claims", undefined],
  ["@request.auth.claims.", undefined],
  ["@request.auth.claims.a..b", undefined],
  ["@request.auth.claims[a][]", undefined],
  ["@request.auth.claims[a", undefined],
  ["@request.auth.claimsgroup", undefined],
  ["@request.auth.principal", undefined],
  ["group", undefined],
])("%s is claim %j", (name, path) => {
  expect(claimPath(name)).toEqual(path);
  expect(isOnToken(name)).toBe(name.startsWith("@"));
});

test.each([
  ['{headers: {"@request.auth.claims.g": {exact: a}}}', { g: "a" }, { g: "b" }],
  ['{headers: {"@request.auth.claims.g": {prefix: a}}}', { g: ["b", "ab"] }, { g: "ba" }],
  ['{headers: {"@request.auth.claims[g][h]": {regex: "a|b"}}}', { g: { h: "b" } }, { "g.h": "b" }],
  ['{headers: {"@request.auth.claims.g": {}}}', { g: 1 }, {}],
  ['{withoutHeaders: {"@request.auth.claims.g": {exact: a}}}', { g: "b" }, { g: ["a"] }],
  ['{withoutHeaders: {"@request.auth.claims.g": {}}}', undefined, { g: "" }],
])("%s takes %j and not %j", (match, yes, no) => {
  const test = compileClaims(lowerClaims(matchOf(match))!)!;
  expect([test(yes), test(no)]).toEqual([true, false]);
});

test("no name of a condition on tokens is that of a header; one that means no claim is met by nobody", () => {
  const entry = entryOf("com.acme.A", []);
  const both = matchOf('{headers: {"@request.auth.claims.g": {exact: a}, x: {exact: y}}}');
  expect(tokenNames(both)).toEqual(["@request.auth.claims.g"]);
  expect(lowerMatch(both, entry)).toMatchObject({
    headers: [{ name: "x", stringMatch: { exact: "y" } }],
    claims: [{ value: eitherOf({ exact: "a" }) }],
  });
  expect(lowerMatch(matchOf('{headers: {"@request.auth.claimsg": {exact: a}}}'), entry)).toBeUndefined();
  expect(lowerMatch(matchOf('{withoutHeaders: {"@request.auth.claimsg": {exact: a}}}'), entry)).toEqual({
    path: { prefix: "/" },
    headers: [],
  });
});
