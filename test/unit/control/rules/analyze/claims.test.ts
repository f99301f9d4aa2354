import { expect, test } from "vitest";
import { issuersOfGateways } from "../../../../../src/control/rules/analyze/claims.ts";
import { DEFAULT_MESH } from "../../../../../src/model/mesh.ts";
import { analyze } from "../../../../support/analysis.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { gatewayText, rulesOf } from "../../../../support/rules.ts";

const rule = (match: string, more = "") =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec:\n  hosts: [com.acme.A]\n  ${more}\n  http:\n  - match: [${match}]\n    route: [{destination: {host: com.acme.A}}]\n  - route: [{destination: {host: com.acme.A}}]\n`;
const jwt = (namespace: string, selector = "") =>
  `apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: jwt, namespace: ${namespace}}\nspec: {jwtRules: [{issuer: i, jwks: '{"keys": [{"kty": "RSA"}]}'}]${selector}}\n`;
const edge = gatewayText("edge", '[{port: {number: 80, protocol: HTTP}, hosts: ["*"]}]').replace(
  "spec:",
  "spec:\n  selector: {istio: ingressgateway}",
);
const entries = [entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"])];
const found = (texts: string[]) => analyze(texts, entries).filter((line) => /^TR02(77|70|33)/.test(line));
const byGroup = '{headers: {"@request.auth.claims.group": {exact: admin}}}';

test.each([
  ["nobody says whose tokens are good", [rule(byGroup)], /v matches "@request.auth.claims.group": no RequestAuth/],
  ["nobody says it of the service", [rule(byGroup), jwt("other")], /holds for com.acme.A, the service/],
  ["nobody says it of the gateway", [rule(byGroup, "gateways: [edge]"), edge, jwt("other")], /Gateway default\/edge/],
  ["the name is no claim's", [rule('{headers: {"@request.auth.claimsX": {}}}'), jwt("default")], /a claim is @/],
])("a route by a claim where %s is told", (_, texts, message) => {
  const told = found(texts).filter((line) => line.startsWith("TR0277"));
  expect(told).toEqual([expect.stringMatching(message)]);
  expect(found(texts).filter((line) => line.startsWith("TR0233"))).toEqual([]);
});

test.each([
  ["of the service's namespace", [rule(byGroup), jwt("default")]],
  ["of the root namespace", [rule('{withoutHeaders: {"@Request.Auth.Claims[x]": {}}}'), jwt("istio-system")]],
  [
    "that selects what the Gateway does",
    [
      rule(byGroup, "gateways: [edge]"),
      edge,
      jwt("istio-system", ", selector: {matchLabels: {istio: ingressgateway}}"),
    ],
  ],
])("one is not, where there is a RequestAuthentication %s", (_, texts) => {
  expect(found(texts)).toEqual([]);
});

test("other headers are not", () => {
  expect(found([rule('{headers: {"request.auth": {exact: a}}}')])).toEqual([]);
});

test("RequestAuthentications of gateways are those by which a bound route goes", () => {
  const names = (match: string) =>
    [...issuersOfGateways(rulesOf(rule(match, "gateways: [edge]"), edge, jwt("default")), DEFAULT_MESH)].length;
  expect([names(byGroup), names("{headers: {x: {exact: y}}}")]).toEqual([1, 0]);
});
