import { expect, test } from "vitest";
import { bindRules, serviceNamed } from "../../../../src/control/rules/bindings.ts";
import { DEFAULT_MESH } from "../../../../src/model/mesh.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { destinationRuleText, rulesOf, virtualServiceText } from "../../../support/rules.ts";

const a = entryOf("com.acme.A", []);
const b = entryOf("com.acme.B", []);
const rules = rulesOf(
  virtualServiceText("all", '["*"]', "[{route: [{destination: {host: x}}]}]"),
  virtualServiceText("a", "[com.acme.A]", "[{route: [{destination: {host: x}}]}]"),
  destinationRuleText("d", "com.acme.*", "subsets: []"),
);

test("a rule is bound to the services that it is in force for", () => {
  const bound = bindRules(rules, [a, b], ["dubbo"]);
  expect(rules.map((rule) => bound.servicesOf(rule))).toEqual([[b], [a], [a, b]]);
  expect([bound.virtualServices.length, bound.destinationRules.length]).toEqual([2, 1]);
});

test("without a registry no service is known", () => {
  const bound = bindRules(rules, undefined, ["dubbo"]);
  expect(bound.entries).toBeUndefined();
  expect(bound.servicesOf(rules[0]!)).toEqual([]);
});

test("a host alone makes a service for analysis", () => {
  expect(serviceNamed("com.acme.A")).toEqual({
    host: "com.acme.a",
    service: { interface: "com.acme.A", group: "", version: "" },
    endpoints: [],
  });
});

test("rules of the mesh's root namespace are bound where no nearer one is", () => {
  const mesh = { ...DEFAULT_MESH, namespace: "shop", rootNamespace: "infra" };
  const inNamespace = (name: string, namespace: string) =>
    destinationRuleText(name, "com.acme.A", "subsets: []").replace(
      `name: ${name}`,
      `name: ${name}, namespace: ${namespace}`,
    );
  const [root, own] = rulesOf(inNamespace("root", "infra"), inNamespace("own", "shop"));
  const of = { ...a, namespace: "orders" };
  expect(bindRules([root!], [of], ["dubbo"], undefined, mesh).servicesOf(root!)).toEqual([of]);
  const both = bindRules([root!, own!], [of], ["dubbo"], undefined, mesh);
  expect(both.rules.destinationRules.find(of)).toBe(own);
});
