import { expect, test } from "vitest";
import { openRuleBook, printRule } from "../../../../src/control/explain/rule-book.ts";
import { DEFAULT_MESH } from "../../../../src/model/mesh.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { destinationRuleText, rulesOf, virtualServiceText } from "../../../support/rules.ts";

const to = "route: [{destination: {host: com.acme.A}}]";
const rules = rulesOf(
  virtualServiceText(
    "a",
    "[com.acme.A]",
    `[{name: web, match: [{sourceNamespace: web}, {method: {exact: get}}], ${to}}, {${to}}]`,
  ),
  virtualServiceText("later", "[com.acme.A]", `[{${to}}]`),
  virtualServiceText("wide", '["com.acme.*"]', `[{${to}}]`),
  virtualServiceText("hidden", "[com.acme.A]", `[{${to}}]`, '  exportTo: ["web"]\n'),
  virtualServiceText("edge", "[com.acme.A]", `[{${to}}]`, "  gateways: [edge]\n"),
  destinationRuleText("d", "com.acme.A", "trafficPolicy: {loadBalancer: {simple: RANDOM}}"),
  "apiVersion: metaprotocol.aeraki.io/v1alpha1\nkind: MetaRouter\nmetadata: {name: m}\nspec: {hosts: [com.acme.A], localRateLimit: {tokenBucket: {maxTokens: 3, fillInterval: 3600s}}}\n",
);
const book = openRuleBook({ entries: [entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"])], rules, mesh: DEFAULT_MESH });

test("rules in force are told with their places", () => {
  expect(book.destinationRuleOf("com.acme.a")).toMatch(/^DestinationRule default\/d \(r\.yaml:\d+\)$/);
  expect(book.limitsOf("com.acme.a")).toMatch(/^MetaRouter default\/m \(r\.yaml:\d+\)$/);
  expect([book.destinationRuleOf("none"), book.limitsOf("none"), printRule(undefined)]).toEqual(["", "", ""]);
  expect(openRuleBook(undefined).rules).toEqual([]);
});

test("a proxy elsewhere has the rules for its namespace and labels, as far as its Sidecar goes", () => {
  const sidecar = `apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s, namespace: web}\nspec: {egress: [{hosts: ["default/com.acme.A"]}]}\n`;
  const entries = ["com.acme.A", "com.acme.B"].map((name) => ({ ...entryOf(name, []), namespace: "default" }));
  const from = { namespace: "web", labels: { app: "cart" } };
  const seen = openRuleBook({ entries, rules: [...rules, ...rulesOf(sidecar)], mesh: DEFAULT_MESH, from });
  expect(seen.from).toMatch(
    /^a proxy of namespace web beside a workload with app=cart, by Sidecar web\/s \(r\.yaml:1\)$/,
  );
  const [first] = seen.passedOver({ name: "com.acme.a", domains: [], routes: [] });
  expect(first).toMatchObject({ rule: "VirtualService default/a", why: expect.stringContaining("hidden names") });
  expect(seen.unseen("com.acme.A")).toBeUndefined();
  expect(seen.unseen("com.acme.b")).toBe(
    "a proxy of namespace web is not told of com.acme.b: Sidecar web/s (r.yaml:1) leaves it out",
  );
  expect(book.from).toBeUndefined();
});

test("what a registry has and is out of force is told, too", () => {
  const [one] = [entryOf("com.acme.A", ["dubbo://10.0.0.1:20880", "dubbo://10.0.0.2:20880"])];
  const step = { rule: "/dubbo/c", text: "=> a=1", force: false, when: [], to: [] };
  const endpoints = one.endpoints.map((endpoint, i) => ({ ...endpoint, disabled: i === 1 }));
  const entry = { ...one, endpoints, routing: { steps: [step, step] } };
  const told = (of: typeof rules) =>
    openRuleBook({ entries: [entry], rules: of, mesh: DEFAULT_MESH }).passedOver({
      name: one.host,
      domains: [],
      routes: [],
    });
  expect(told([]).map(({ rule }) => rule)).toEqual(["provider 10.0.0.2:20880"]);
  const plain = rulesOf(virtualServiceText("a", "[com.acme.A]", `[{${to}}]`));
  expect(told(plain).map(({ rule, at }) => [rule, at])).toEqual([
    ["conditions of the registry", "/dubbo/c"],
    ["provider 10.0.0.2:20880", ""],
  ]);
});

test("rules and matches that are not are told with why", () => {
  const host = { name: "com.acme.a", domains: [], routes: [] };
  expect(book.passedOver(host).map(({ rule, why }) => [rule, why])).toEqual([
    ["route a/web", "no call of com.acme.a by this proxy's callers can meet its sourceNamespace"],
    ["VirtualService default/later", expect.stringContaining("a names the service more narrowly")],
    ["VirtualService default/wide", expect.stringContaining("a names the service more narrowly")],
    ["VirtualService default/hidden", expect.stringContaining("its exportTo (web) leaves out namespace default")],
    ["VirtualService default/edge", "it is for calls that come in by edge"],
  ]);
  expect(book.passedOver({ ...host, name: "none" })).toEqual([]);
});
