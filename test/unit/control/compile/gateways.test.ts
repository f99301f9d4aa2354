import { expect, test } from "vitest";
import { CORS_FILTER } from "../../../../src/codecs/xds/route.ts";
import { compileGateways } from "../../../../src/control/compile/gateways.ts";
import { indexEntries } from "../../../../src/control/rules/hosts.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { gatewayText, rulesOf, virtualServiceText } from "../../../support/rules.ts";

const index = indexEntries([entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"])]);
const edge = gatewayText("edge", '[{port: {number: 80, protocol: HTTP}, hosts: ["*"]}]');

function compiled(http: string) {
  const rule = virtualServiceText("v", "[api.example.com]", http).replace("spec:", "spec:\n  gateways: [edge]");
  return compileGateways(rulesOf(edge, rule), index);
}

test("each port has routes of its own, and the clusters that they lead to", () => {
  const { ports, routes, clusters } = compiled(
    "[{route: [{destination: {host: com.acme.A}, weight: 1}, {destination: {host: gone}, weight: 1}]}]",
  );
  expect(ports).toEqual([{ bind: undefined, port: 80, routeConfigName: "gateway_80" }]);
  expect(routes).toMatchObject([{ name: "gateway_80", virtualHosts: [{ domains: ["api.example.com"] }] }]);
  expect(clusters.map(({ name, entry }) => [name, entry?.host])).toEqual([
    ["outbound|20880||com.acme.a", "com.acme.a"],
    ["outbound|20880||gone", undefined],
  ]);
});

test("a policy for other origins is joined by commas, its age in seconds", () => {
  const cors =
    "{allowOrigins: [{regex: .*}], allowMethods: [GET, POST], allowHeaders: [a, b], exposeHeaders: [c], maxAge: 1.9s, allowCredentials: true}";
  const { routes } = compiled(`[{corsPolicy: ${cors}, route: [{destination: {host: com.acme.A}}]}]`);
  expect(routes[0]!.virtualHosts[0]!.routes[0]!.typedPerFilterConfig).toEqual({
    [CORS_FILTER]: {
      allowOriginStringMatch: [{ safeRegex: { regex: ".*" } }],
      allowMethods: "GET,POST",
      allowHeaders: "a,b",
      exposeHeaders: "c",
      maxAge: "1",
      allowCredentials: true,
    },
  });
});

test("without a Gateway there is nothing", () => {
  expect(compileGateways([], index)).toEqual({ ports: [], routes: [], clusters: [] });
});
