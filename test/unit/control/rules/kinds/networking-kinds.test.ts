import { expect, test } from "vitest";
import { BALANCER, isNetworkingKind, readNetworking } from "../../../../../src/control/rules/kinds/networking-kinds.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import { destinationRuleText, rulesOf, shortFindings, virtualServiceText } from "../../../../support/rules.ts";

const at = { position: { file: "r", line: 1, column: 1 }, fields: {} };

test.each(["VirtualService", "DestinationRule", "Gateway", "ServiceEntry", "WorkloadEntry", "Sidecar"])(
  "%s is of this group",
  (kind) => {
    expect(isNetworkingKind(kind)).toBe(true);
  },
);

test.each(["RestMapping", "AuthorizationPolicy", "toString"])("%s is not of this group", (kind) => {
  expect(isNetworkingKind(kind)).toBe(false);
});

test("a VirtualService keeps who may see it, and one without hosts is there for others to delegate to", () => {
  const [rule] = rulesOf(
    virtualServiceText("v", "[]", "[{delegate: {name: d}}]").replace("hosts: []", "exportTo: [.]"),
  );
  expect(rule).toMatchObject({ hosts: [], inMesh: true, exportTo: ["."], http: [{ delegate: { name: "d" } }] });
});

test("a DestinationRule keeps who may see it, whom it is for, and Trestle's own balancer", () => {
  const text = destinationRuleText("d", "a", "exportTo: ['*'], workloadSelector: {matchLabels: {app: web}}");
  const [rule] = rulesOf(text.replace("{name: d}", `{name: d, annotations: {${BALANCER}: PEAK_EWMA}}`));
  expect(rule).toMatchObject({ exportTo: ["*"], workloadSelector: { app: "web" }, balancer: "PEAK_EWMA" });
});

test("a balancer that is none is refused", () => {
  const text = destinationRuleText("d", "a", "subsets: []").replace(
    "{name: d}",
    `{name: d, annotations: {${BALANCER}: BEST}}`,
  );
  expect(shortFindings(parseRules("r", text).findings)).toEqual([
    'TR0209 4:7 annotation trestle.io/load-balancer is "BEST"; it must be PEAK_EWMA',
  ]);
});

test("a WorkloadEntry is one endpoint", () => {
  const spec = { at, address: "10.0.0.1", locality: "r/z", labels: { app: "web" } };
  expect(readNetworking("WorkloadEntry", spec, {}, () => {})).toEqual({
    endpoint: { address: "10.0.0.1", locality: "r/z", labels: { app: "web" } },
  });
});

test("mirror and its share are one of mirrors", () => {
  const [rule] = rulesOf(
    virtualServiceText("v", "[a]", "[{route: [{destination: {host: a}}], mirror: {host: b}, mirrorPercent: 5}]"),
  );
  expect(rule).toMatchObject({ http: [{ mirrors: [{ destination: { host: "b" }, percentage: { value: 5 } }] }] });
});
