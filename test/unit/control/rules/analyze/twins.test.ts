import { expect, test } from "vitest";
import { analyzeTwins } from "../../../../../src/control/rules/analyze/twins.ts";
import { createFindingList } from "../../../../../src/control/rules/findings.ts";
import { rulesOf, shortFindings, virtualServiceText } from "../../../../support/rules.ts";

function twins(...texts: readonly string[]): string[] {
  const { report, list } = createFindingList();
  analyzeTwins(rulesOf(...texts), report);
  return shortFindings(list());
}

const service = (name: string) =>
  virtualServiceText(name, "[com.acme.A]", "[{route: [{destination: {host: com.acme.A}}]}]");
const policy = (namespace: string) =>
  `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a, namespace: ${namespace}}\nspec: {}\n`;
const parent = (name: string) => `{group: networking.istio.io, kind: Hostname, name: ${name}}`;
const route = `apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: a}
spec:
  parentRefs: [${parent("com.acme.A")}, ${parent("com.acme.B")}]
  rules: [{backendRefs: [${parent("com.acme.A")}]}]
`;

test("an object that is defined twice is told, of whatever kind", () => {
  expect(twins(service("a"), service("b"), service("a"))).toEqual([
    "TR0214 15:1 VirtualService default/a is already defined at r.yaml:1:1",
  ]);
  expect(twins(policy("a"), policy("a"))).toEqual([
    "TR0214 6:1 AuthorizationPolicy a/a is already defined at r.yaml:1:1",
  ]);
});

test("one name in two namespaces or kinds, and a route with two parents, is right", () => {
  expect(twins(service("a"), policy("a"), policy("b"), route)).toEqual([]);
});
