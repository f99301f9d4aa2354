import { expect, test } from "vitest";
import {
  type CompiledHost,
  compileHost,
  destinationHosts,
  hashPolicyOf,
} from "../../../../src/control/compile/compile-host.ts";
import { Variants } from "../../../../src/control/compile/variants.ts";
import { meshClient } from "../../../../src/control/rules/client.ts";
import { indexEntries, indexRules } from "../../../../src/control/rules/hosts.ts";
import type { Rule, VirtualService } from "../../../../src/model/rule.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { destinationRuleText, rulesOf, virtualServiceText } from "../../../support/rules.ts";

const a = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"]);
const b = entryOf("com.acme.B", ["dubbo://10.0.0.2:20880"]);
const toB = virtualServiceText(
  "v",
  "[com.acme.A]",
  "[{route: [{destination: {host: com.acme.B}}], mirror: {host: com.acme.C}}]",
);
const hash = destinationRuleText(
  "d",
  "com.acme.B",
  "trafficPolicy: {loadBalancer: {consistentHash: {useSourceIp: true}}}",
);

function run(rules: readonly Rule[], cache: Variants<CompiledHost>, entries = [a, b]) {
  const rule = rules.find((one): one is VirtualService => one.kind === "VirtualService");
  const context = { index: indexEntries(entries), rules: indexRules(rules), client: meshClient() };
  return compileHost(a, rule, context, cache);
}

test("a virtual host leads to its destinations and mirrors, known or not", () => {
  expect(run(rulesOf(toB), new Variants<CompiledHost>()).clusters.map(({ name, entry }) => [name, entry])).toEqual([
    ["outbound|20880||com.acme.b", b],
    ["outbound|20880||com.acme.c", undefined],
  ]);
});

test("it is compiled once while its rule and its destinations stay", () => {
  const cache = new Variants<CompiledHost>();
  const rules = rulesOf(toB);
  const before = run(rules, cache);
  const again = entryOf("com.acme.B", ["dubbo://10.0.0.9:20880"]);
  const after = run(rules, cache, [a, again]);
  expect(after.virtualHost).toBe(before.virtualHost);
  expect(after.clusters[0]?.entry).toBe(again);
  expect(run(rules, cache, [a]).virtualHost).toEqual(before.virtualHost);
});

test("what a destination's calls are hashed by stands in the route, and changes it", () => {
  const cache = new Variants<CompiledHost>();
  const [rule] = rulesOf(toB);
  expect(run([rule!], cache).virtualHost.routes[0]?.route).not.toHaveProperty("hashPolicy");
  expect(run([rule!, ...rulesOf(hash)], cache).virtualHost.routes[0]?.route?.hashPolicy).toEqual([
    { connectionProperties: { sourceIp: true } },
  ]);
});

test("a service without a rule is hashed by its DestinationRule", () => {
  expect(hashPolicyOf(b, "", indexRules(rulesOf(hash)))).toEqual([{ connectionProperties: { sourceIp: true } }]);
  expect(hashPolicyOf(a, "", indexRules(rulesOf(hash)))).toEqual([]);
});

test("callers whom its rule tells apart have routes of their own, others share them", () => {
  const [rule] = rulesOf(
    virtualServiceText(
      "v",
      "[com.acme.A]",
      "[{match: [{sourceLabels: {lane: x}}], route: [{destination: {host: b}}]}]",
    ),
  ) as VirtualService[];
  const cache = new Variants<CompiledHost>();
  const context = { index: indexEntries([a, b]), rules: indexRules([rule!]) };
  const of = (labels: Record<string, string>) =>
    compileHost(a, rule, { ...context, client: { ...meshClient(), isShared: false, labels } }, cache).virtualHost;
  expect(of({ lane: "x" })).not.toEqual(of({ lane: "y" }));
  expect(of({ lane: "x", app: "1" })).toBe(of({ lane: "x", app: "2" }));
  expect(destinationHosts(rule!)).toEqual(["b"]);
});

test("a port that no service has is a destination that nobody serves", () => {
  const [rule] = rulesOf(
    virtualServiceText("v", "[com.acme.A]", "[{route: [{destination: {host: com.acme.B, port: {number: 1}}}]}]"),
  );
  const known = { ...b, ports: [{ protocol: "dubbo", port: 20_880 }] };
  const { clusters, virtualHost } = run([rule!], new Variants<CompiledHost>(), [a, known]);
  expect(clusters).toEqual([
    { name: "outbound|20880||com.acme.b:1", entry: undefined, host: "com.acme.b:1", subset: "" },
  ]);
  expect(virtualHost.routes[0]?.route?.cluster).toBe("outbound|20880||com.acme.b:1");
  expect(destinationHosts(rule as VirtualService)).toEqual(["com.acme.b"]);
});
