import { expect, test } from "vitest";
import { clientFacts } from "../../../../src/control/compile/client-facts.ts";
import { destinationRuleText, rulesOf, virtualServiceText } from "../../../support/rules.ts";

const locality = { region: "r", zone: "", subZone: "" };
const node = { labels: { app: "a", lane: "b", other: "c" }, locality };
const facts = (...texts: string[]) => clientFacts(rulesOf(...texts)).ofNode(node);

test("without rules nodes are all alike", () => {
  expect(facts()).toEqual({ labels: {}, locality: undefined });
});

test.each([
  {
    name: "sourceLabels",
    text: virtualServiceText("v", "[a]", "[{match: [{sourceLabels: {app: a}}], route: [{destination: {host: a}}]}]"),
    labels: { app: "a" },
  },
  {
    name: "sourceLabels with another value",
    text: virtualServiceText("v", "[a]", "[{match: [{sourceLabels: {app: x}}], route: [{destination: {host: a}}]}]"),
    labels: {},
  },
  {
    name: "a DestinationRule's selector",
    text: destinationRuleText("d", "a", "workloadSelector: {matchLabels: {lane: b}}"),
    labels: { lane: "b" },
  },
])("of labels those that $name asks for are kept", ({ text, labels }) => {
  expect(facts(text)).toEqual({ labels, locality: undefined });
});

test.each([
  { policy: "{outlierDetection: {}}", asks: true },
  { policy: "{portLevelSettings: [{port: {number: 1}, outlierDetection: {}}]}", asks: true },
  { policy: "{loadBalancer: {localityLbSetting: {failoverPriority: [app]}}}", asks: true },
  { policy: "{loadBalancer: {simple: RANDOM}}", asks: false },
])("where a node is counts with $policy: $asks", ({ policy, asks }) => {
  expect(facts(destinationRuleText("d", "a", `trafficPolicy: ${policy}`)).locality).toEqual(
    asks ? locality : undefined,
  );
  const ofSubset = destinationRuleText("d", "a", `subsets: [{name: v, trafficPolicy: ${policy}}]`);
  expect(facts(ofSubset).locality).toEqual(asks ? locality : undefined);
});

test("labels that failover goes by are kept", () => {
  const policy = "trafficPolicy: {loadBalancer: {localityLbSetting: {failoverPriority: [app, lane=x]}}}";
  expect(facts(destinationRuleText("d", "a", policy)).labels).toEqual({ app: "a", lane: "b" });
});
