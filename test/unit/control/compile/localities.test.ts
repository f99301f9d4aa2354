import { describe, expect, test } from "vitest";
import {
  dependsOnClient,
  groupEndpoints,
  type LocalityChoice,
  localityMatches,
  localityOf,
} from "../../../../src/control/compile/localities.ts";
import { meshClient } from "../../../../src/control/rules/client.ts";
import { parseLocality } from "../../../../src/model/mesh.ts";
import type { DestinationRule } from "../../../../src/model/rules/destination-rule.ts";
import { endpointOf } from "../../../support/rule-cases.ts";
import { destinationRuleText, rulesOf } from "../../../support/rules.ts";

const at = (text: string, more = "") => {
  const { region, zone, subZone } = parseLocality(text)!;
  return endpointOf(`dubbo://10.0.0.${count++}:20880?region=${region}&zone=${zone}&subzone=${subZone}${more}`);
};
let count = 1;
const choice = (setting: string, ejects = true): LocalityChoice => ({
  ejects,
  setting: (
    rulesOf(
      destinationRuleText("d", "a", `trafficPolicy: {loadBalancer: {localityLbSetting: ${setting}}}`),
    )[0] as DestinationRule
  ).trafficPolicy?.loadBalancer?.localityLbSetting,
});
const client = (locality: string, labels = {}) => ({ ...meshClient(), labels, locality: parseLocality(locality) });
const NONE: LocalityChoice = { setting: undefined, ejects: false };

/** `region/zone/subzone: priority`, or the weight behind `x`. */
const shown = (groups: ReturnType<typeof groupEndpoints>) =>
  groups.map(({ locality: { region, zone, subZone } = {}, priority = 0, loadBalancingWeight, lbEndpoints }) => {
    const place = [region, zone, subZone].filter((part) => part !== undefined).join("/");
    return `${place}: ${loadBalancingWeight === undefined ? priority : `x${loadBalancingWeight}`} (${lbEndpoints.length})`;
  });

test.each([
  { params: "region=r&zone=z", locality: "r/z" },
  { params: "zone=z", locality: "/z" },
  { params: "availability-zone=z1", locality: "/z1" },
  { params: "topology.kubernetes.io%2Fregion=r&topology.kubernetes.io%2Fzone=z&zone=other", locality: "r/z" },
  { params: "istio-locality=r.z.s", locality: "r/z/s" },
  { params: "a=b", locality: undefined },
])("an endpoint with $params is at $locality", ({ params, locality }) => {
  const expected = locality === undefined ? undefined : parseLocality(locality);
  expect(localityOf(endpointOf(`dubbo://10.0.0.1:1?${params}`))).toEqual(expected);
});

test("an endpoint's own locality stands before its parameters", () => {
  const own = { region: "own", zone: "", subZone: "" };
  expect(localityOf({ ...endpointOf("dubbo://10.0.0.1:1?region=r"), locality: own })).toBe(own);
});

test("where nothing tells where endpoints are they are one group without a locality", () => {
  const plain = [endpointOf("dubbo://10.0.0.1:1"), endpointOf("dubbo://10.0.0.2:1")];
  expect(groupEndpoints(plain, NONE, meshClient())).toEqual([{ lbEndpoints: [expect.anything(), expect.anything()] }]);
});

test("endpoints are grouped by locality, in order", () => {
  const groups = groupEndpoints([at("b"), at("a/z"), at("b"), endpointOf("dubbo://10.9.9.9:1")], NONE, meshClient());
  expect(shown(groups)).toEqual([": 0 (1)", "a/z: 0 (1)", "b: 0 (2)"]);
});

const world = () => [at("r/z/s"), at("r/z/t"), at("r/y"), at("q/z/s"), at("p")];

test.each([
  {
    name: "the nearer the earlier",
    choice: { setting: undefined, ejects: true },
    groups: ["p: 3 (1)", "q/z/s: 3 (1)", "r/y: 2 (1)", "r/z/s: 0 (1)", "r/z/t: 1 (1)"],
  },
  {
    name: "without ejection nothing is preferred",
    choice: NONE,
    groups: ["p: 0 (1)", "q/z/s: 0 (1)", "r/y: 0 (1)", "r/z/s: 0 (1)", "r/z/t: 0 (1)"],
  },
  {
    name: "switched off",
    choice: choice("{enabled: false}"),
    groups: ["p: 0 (1)", "q/z/s: 0 (1)", "r/y: 0 (1)", "r/z/s: 0 (1)", "r/z/t: 0 (1)"],
  },
  {
    name: "a region that calls are led over to comes before others",
    choice: choice("{failover: [{from: r, to: p}]}"),
    groups: ["p: 3 (1)", "q/z/s: 4 (1)", "r/y: 2 (1)", "r/z/s: 0 (1)", "r/z/t: 1 (1)"],
  },
  {
    name: "shares, and the rest gets none",
    choice: choice('{distribute: [{from: x, to: {p: 100}}, {from: r/z/*, to: {"r/z/*": 80, "q/*": 20}}]}', false),
    groups: ["q/z/s: x20 (1)", "r/z/s: x40 (1)", "r/z/t: x40 (1)"],
  },
  {
    name: "shares of clients elsewhere: each by its endpoints",
    choice: choice("{distribute: [{from: x, to: {p: 100}}]}"),
    groups: ["p: x100 (1)", "q/z/s: x100 (1)", "r/y: x100 (1)", "r/z/s: x100 (1)", "r/z/t: x100 (1)"],
  },
])("$name", ({ choice, groups }) => {
  expect(shown(groupEndpoints(world(), choice, client("r/z/s")))).toEqual(groups);
});

test("priorities have no gaps", () => {
  const groups = groupEndpoints([at("q"), at("r/y")], { setting: undefined, ejects: true }, client("r/z/s"));
  expect(shown(groups)).toEqual(["q: 1 (1)", "r/y: 0 (1)"]);
});

test("a client that is nowhere prefers none of known places", () => {
  const groups = groupEndpoints([at("q"), at("r/y")], { setting: undefined, ejects: true }, meshClient());
  expect(shown(groups)).toEqual(["q: 0 (1)", "r/y: 0 (1)"]);
});

test("labels give priorities: the more of them agree, from the first on, the earlier", () => {
  const endpoints = [at("r", "&rack=1&lane=a"), at("r", "&rack=1&lane=b"), at("r", "&rack=2&lane=a")];
  const by = (labels: string) => choice(`{failoverPriority: [${labels}]}`);
  expect(shown(groupEndpoints(endpoints, by("rack, lane"), client("r", { rack: "1", lane: "a" })))).toEqual([
    "r: 0 (1)",
    "r: 1 (1)",
    "r: 2 (1)",
  ]);
  expect(shown(groupEndpoints(endpoints, by("rack=2"), client("r")))).toEqual(["r: 0 (1)", "r: 1 (2)"]);
  expect(shown(groupEndpoints(endpoints, by("topology.kubernetes.io/region"), client("r")))).toEqual(["r: 0 (3)"]);
});

test.each([
  { rule: "*", place: "r/z", matches: true },
  { rule: "r", place: "r/z", matches: true },
  { rule: "r/*", place: "r/z", matches: true },
  { rule: "r/z", place: "r/y", matches: false },
  { rule: "r/z/s", place: "r/z", matches: false },
])("$rule means $place: $matches", ({ rule, place, matches }) => {
  expect(localityMatches(rule, parseLocality(place)!)).toBe(matches);
});

describe("by zones", () => {
  const zones = (more = {}): LocalityChoice => ({
    ejects: false,
    setting: undefined,
    zones: { at: { position: { file: "a", line: 1, column: 1 }, fields: {} }, enabled: true, ...more },
  });
  const endpoints = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).flatMap(([place, n]) => Array.from({ length: n }, () => at(place)));
  const both = (groups: ReturnType<typeof groupEndpoints>) =>
    groups.map(({ locality, priority = 0, loadBalancingWeight }) =>
      [locality?.region, locality?.zone, priority, loadBalancingWeight].join("/"),
    );

  test.each<[string, Record<string, number>, object, string[]]>([
    ["a zone with its share keeps all calls", { "r/a": 3, "r/b": 3 }, {}, ["r/a/0/10000", "r/b/1/300"]],
    ["a poor one gives some away", { "r/a": 2, "r/b": 6 }, {}, ["r/a/0/5000", "r/b/0/5000"]],
    ["to those alone that have more", { "r/a": 1, "r/b": 1, "r/c": 7 }, {}, ["r/a/0/3333", "r/b/1/100", "r/c/0/6667"]],
    ["few are all alike", { "r/a": 1, "r/b": 4 }, {}, ["r/a/0/100", "r/b/0/400"]],
    ["unless few are enough", { "r/a": 1, "r/b": 1 }, { minClusterSize: 2 }, ["r/a/0/10000", "r/b/1/100"]],
    ["one zone is all of the region", { "r/a": 7, "s/a": 7 }, {}, ["r/a/0/700", "s/a/1/700"]],
    [
      "a zone without any is like the others",
      { "r/b": 4, "r/c": 4, "s/a": 9 },
      {},
      ["r/b/0/400", "r/c/0/400", "s/a/1/900"],
    ],
    [
      "regions in the order of failover",
      { "r/a": 6, "s/a": 1, "t/a": 1 },
      { failover: [{ from: "r", to: "t" }] },
      ["r/a/0/600", "s/a/2/100", "t/a/1/100"],
    ],
  ])("%s", (_, counts, more, expected) => {
    expect(both(groupEndpoints(endpoints(counts), zones(more), client("r/a")))).toEqual(expected);
  });

  test("labels come before regions, and zones count among the best", () => {
    const list = ["r/a", "r/b"]
      .flatMap((place) => [1, 2, 3].map(() => at(place, "&v=1")))
      .concat(at("r/a", "&v=2"), at("s/a", "&v=1"));
    const choice = zones({ failoverPriority: ["v=1"] });
    expect(both(groupEndpoints(list, choice, client("r/a")))).toEqual([
      "r/a/0/10000",
      "r/a/3/100",
      "r/b/1/300",
      "s/a/2/100",
    ]);
  });

  test("a client that is nowhere has no zone of its own", () => {
    expect(both(groupEndpoints(endpoints({ "r/a": 4, "r/b": 4 }), zones(), meshClient()))).toEqual([
      "r/a/0/400",
      "r/b/0/400",
    ]);
    expect(dependsOnClient(zones())).toBe(true);
    expect(dependsOnClient(zones({ enabled: false }))).toBe(false);
  });
});

test("endpoints look different to clients of different places where something is preferred", () => {
  expect([NONE, choice("{enabled: false}"), choice("{}", false)].map(dependsOnClient)).toEqual([false, false, false]);
  expect([choice("{}"), choice("{distribute: [{from: a, to: {b: 100}}]}", false)].map(dependsOnClient)).toEqual([
    true,
    true,
  ]);
});
