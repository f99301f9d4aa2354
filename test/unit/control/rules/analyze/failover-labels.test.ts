import { expect, test } from "vitest";
import { analyzeFailoverLabels, type KnownProxy } from "../../../../../src/control/rules/analyze/failover-labels.ts";
import { bindRules } from "../../../../../src/control/rules/bindings.ts";
import { createFindingList } from "../../../../../src/control/rules/findings.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { destinationRuleText, rulesOf } from "../../../../support/rules.ts";

const racks = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880?rack=r1", "dubbo://10.0.0.2:20880?zone=a"]);

function found(rest: string, proxy?: KnownProxy, entries = [racks]): string[] {
  const list = createFindingList();
  const rules = rulesOf(destinationRuleText("d", "com.acme.A", rest));
  analyzeFailoverLabels(bindRules(rules, entries, ["dubbo"]), proxy, list.report);
  return list.list().map(({ code, message }) => `${code} ${message}`);
}

const policy = (labels: string, more = "") =>
  `trafficPolicy: {outlierDetection: {}, loadBalancer: {localityLbSetting: {failoverPriority: [${labels}]${more}}}}`;
const NOBODY: KnownProxy = { labels: {}, locality: undefined };
const ZONE = "topology.kubernetes.io/zone";
const lacks = (name: string, where: string) =>
  `TR0247 failoverPriority of d goes by ${name}, which the proxy does not have, so that endpoints with it come last: say it in proxy.${where}, or write ${name}=VALUE`;

test("a label that the proxy lacks is named, with where it would be said", () => {
  expect(found(policy(`rack, ${ZONE}`), NOBODY)).toEqual([lacks("rack", "labels"), lacks(ZONE, "locality")]);
  const known = { labels: { rack: "r1" }, locality: { region: "", zone: "a", subZone: "" } };
  expect(found(policy(`rack, ${ZONE}`), known)).toEqual([]);
  expect(found(policy('"rack=r1"'), NOBODY)).toEqual([]);
  expect(found(policy("rack"))).toEqual([]);
});

test("a label that no endpoint has is named, whatever the proxy has", () => {
  const none = "TR0247 failoverPriority of d goes by row, which none of 2 endpoints has: it tells none of them apart";
  expect(found(policy('"row=1"'))).toEqual([none]);
  expect(found(policy("row"), { labels: { row: "1" }, locality: undefined })).toEqual([none]);
  expect(found(policy("row"), undefined, [])).toEqual([]);
});

test("subsets and ports are looked at, what is switched off is not", () => {
  const setting = "loadBalancer: {localityLbSetting: {failoverPriority: [rack]}}";
  const zones = "loadBalancer: {zoneAwareLbSetting: {enabled: true, failoverPriority: [rack]}}";
  expect(found(`subsets: [{name: v, trafficPolicy: {${setting}}}]`, NOBODY)).toHaveLength(1);
  expect(found(`trafficPolicy: {portLevelSettings: [{port: {number: 20880}, ${zones}}]}`, NOBODY)).toHaveLength(1);
  expect(found(policy("rack", ", enabled: false"), NOBODY)).toEqual([]);
});
