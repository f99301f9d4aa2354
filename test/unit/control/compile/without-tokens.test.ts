import { expect, test } from "vitest";
import { createCompiler } from "../../../../src/control/compile/compiler.ts";
import { goesByClaims, ignoredClaims, routesWithoutTokens } from "../../../../src/control/compile/without-tokens.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { rulesOf, virtualServiceText } from "../../../support/rules.ts";

const to = "route: [{destination: {host: com.acme.A}}]";
const rule = virtualServiceText(
  "v",
  "[com.acme.A]",
  `[{name: has, match: [{headers: {"@request.auth.claims.g": {exact: a}}}], ${to}}, {name: lacks, match: [{method: {exact: get}, withoutHeaders: {"@request.auth.claims.g": {}}}], ${to}}, {name: rest, ${to}}]`,
);
const entries = [entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"]), entryOf("com.acme.B", ["dubbo://10.0.0.1:20880"])];
const resources = createCompiler()(createSnapshot(entries, rulesOf(rule)), { id: "any", dubbo: [] });
const routesOf = (host: string) =>
  resources.virtualHosts.find(({ name }) => name.endsWith(`/${host}`))!.resource.routes;

test("a client that looks at no tokens has no routes that ask for a claim, and others without what a token must not say", () => {
  const routes = routesOf("com.acme.a");
  expect(routes.map(goesByClaims)).toEqual([true, true, false]);
  const open = routesWithoutTokens(routes);
  expect(open.map(({ name, match }) => [name, match])).toEqual([
    ["v/lacks", { path: "/com.acme.A/get" }],
    ["v/rest", { prefix: "/" }],
  ]);
  expect(routesWithoutTokens(routes)).toBe(open);
  const plain = routesOf("com.acme.b");
  expect(routesWithoutTokens(plain)).toBe(plain);
});

test("routes by claims are told of, to whom the client is that is given them", () => {
  const told = ignoredClaims(resources, "grpc");
  expect(told.map(({ code, message }) => `${code} ${message}`)).toEqual([
    expect.stringMatching(/^TR0717 route v\/has of com.acme.a in a gRPC client: it goes by a token's claims/),
    expect.stringMatching(/^TR0717 route v\/lacks of com.acme.a/),
  ]);
  expect(ignoredClaims(resources, "grpc")).toBe(told);
});
