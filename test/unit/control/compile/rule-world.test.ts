import { expect, test } from "vitest";
import { RuleWorld, servicesMeant } from "../../../../src/control/compile/rule-world.ts";
import { meshClient } from "../../../../src/control/rules/client.ts";
import { indexEntries } from "../../../../src/control/rules/hosts.ts";
import { DEFAULT_MESH } from "../../../../src/model/mesh.ts";
import type { Rule } from "../../../../src/model/rule.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { destinationRuleText, rulesOf, virtualServiceText } from "../../../support/rules.ts";

const world = (rules: readonly Rule[], before?: RuleWorld) => new RuleWorld(rules, DEFAULT_MESH, "dubbo", before);
const toB = "[{route: [{destination: {host: com.acme.B}}]}]";
const texts = [
  virtualServiceText("v", "[com.acme.A]", toB),
  virtualServiceText("w", '["com.acme.*"]', toB),
  destinationRuleText("d", "com.acme.B", "trafficPolicy: {loadBalancer: {simple: RANDOM}}"),
  "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: default}\nspec: {action: DENY, rules: [{}]}\n",
];
/** Read again each time: what is the same is told by its content. */
const read = (...picked: readonly number[]) => {
  const all = rulesOf(...texts);
  return picked.map((i) => all[i]!);
};
const [V, W, D, POLICY] = [0, 1, 2, 3];
const entries = [entryOf("com.acme.A", []), entryOf("com.acme.B", []), entryOf("org.acme.C", [])];

test.each([
  ["a rule that came", [V], [V, D], ["com.acme.b"]],
  ["a rule that went", [V, D], [D], ["com.acme.a"]],
  ["a rule that stayed", [V], [V], []],
])("%s concerns the services that its hosts mean", (_, before, after, hosts) => {
  const first = world(read(...before));
  expect(world(read(...after), first).changesSince(first)).toEqual({ all: false, texts: hosts });
});

test.each([
  ["policies", [V], [V, POLICY]],
  ["another order", [V, W], [W, V]],
])("%s concern all", (_, before, after) => {
  const first = world(read(...before));
  expect(world(read(...after), first).changesSince(first).all).toBe(true);
});

test("what did not change stays the same object, read again or not", () => {
  const first = world(read(V, POLICY));
  const next = world(read(V, D, POLICY), first);
  expect(next.rules[0]).toBe(first.rules[0]);
  expect(next.policies).toBe(first.policies);
  expect(next.policiesOf(entries[0]!)).toBe(first.policiesOf(entries[0]!));
  expect(world([]).policiesOf(entries[0]!)).toBeUndefined();
});

test("services are meant by host and by wildcard", () => {
  const first = world([]);
  const meant = (one: number) => {
    const changes = world(read(one), first).changesSince(first);
    return servicesMeant(changes, indexEntries(entries), entries).map(({ host }) => host);
  };
  expect(meant(W)).toEqual(["com.acme.a", "com.acme.b"]);
  expect(meant(D)).toEqual(["com.acme.b"]);
});

test("clients that no selector tells apart share an index", () => {
  const select = "workloadSelector: {matchLabels: {app: a}}";
  const all = world([...read(V), ...rulesOf(destinationRuleText("d", "com.acme.B", select))]);
  const of = (labels: Record<string, string>) => all.indexOf({ ...meshClient(), labels });
  expect(of({ app: "b" })).toBe(of({}));
  expect(of({ app: "a" })).not.toBe(of({}));
  expect(of({ app: "a" }).destinationRules.find(entries[1]!)?.name).toBe("d");
});

test("a rule for a host concerns the further ports of its service", () => {
  const further = { ...entries[1]!, host: "com.acme.b:9090", portOf: "com.acme.b" };
  const first = world([]);
  const changes = world(read(D), first).changesSince(first);
  const all = [...entries, further];
  expect(servicesMeant(changes, indexEntries(all), all).map(({ host }) => host)).toEqual([
    "com.acme.b",
    "com.acme.b:9090",
  ]);
});
