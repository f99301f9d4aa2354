import { expect, test } from "vitest";
import { analyzeRules } from "../../../../../src/control/rules/analyze/analyze.ts";
import { analyze } from "../../../../support/analysis.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { destinationRuleText, virtualServiceText } from "../../../../support/rules.ts";

const good = [
  virtualServiceText("v", "[com.acme.A]", "[{route: [{destination: {host: com.acme.A, subset: v1}}]}]"),
  destinationRuleText("d", "com.acme.A", "subsets: [{name: v1, labels: {lane: a}}]"),
];

test("rules that are right give nothing, alone and against the services known", () => {
  expect(analyze(good)).toEqual([]);
  expect(analyze(good, [entryOf("com.acme.A", ["dubbo://10.0.0.1:20880?lane=a"])])).toEqual([]);
});

test("findings of all checks come sorted by place", () => {
  const texts = [
    virtualServiceText(
      "v",
      "[com.acme.Gone]",
      "[{match: [{method: {exact: GET}}], route: [{destination: {host: com.acme.Missing}}]}]",
    ),
  ];
  expect(analyze(texts, []).map((one) => one.split(" ").slice(0, 2).join(" "))).toEqual([
    "TR0220 5:11",
    "TR0234 6:3",
    "TR0232 6:20",
    "TR0221 6:67",
  ]);
});

test("no rules give no findings", () => {
  expect(analyzeRules([], [entryOf("com.acme.A", [])])).toEqual([]);
});
