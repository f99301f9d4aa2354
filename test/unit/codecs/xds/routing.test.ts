import { describe, expect, test } from "vitest";
import { isMeant, takenBy } from "../../../../src/codecs/xds/routing.ts";
import type { RouterStep, RouterTest } from "../../../../src/model/routing.ts";
import { readCondition } from "../../../../src/registry-sync/dubbo/routers/condition.ts";

type Values = Readonly<Record<string, string>>;

function stepOf(text: string, more: Partial<RouterStep> = {}): RouterStep {
  const read = readCondition(text);
  if (typeof read === "string") throw new Error(read);
  return { rule: "/r", force: false, ...read, ...more };
}

const find = (values: Values) => (key: string) => values[key];

describe("calls that a step is meant for", () => {
  const call = { method: "getOrder", host: "10.0.0.9", application: "web", "attachments[user]": "7" };
  test.each<[when: string, is: boolean, isOld?: boolean]>([
    ["", true],
    ["method = getOrder", true],
    ["method = get*", true],
    ["method = *Order", true],
    ["method = g*r", true],
    ["method = a,getOrder", true],
    ["method != a,b", true],
    ["method != getOrder", false],
    ["method = get* & method != getOrder", false],
    ["method = get* & host = 10.0.0.8", false],
    ["method", false],
    ["method", false, true],
    ["none = a", false],
    ["none != a", false],
    ["none != a", true, true],
    ["none", true, true],
    ["attachments[user] = 5~9", true],
    ["attachments[user] = ~7", true],
    ["attachments[user] = 8~9", false],
    ["attachments[user] != 8~9", true],
    ["attachments[user] = 7~", false],
    ["attachments[user] = ~", false],
    ["attachments[user] = 1~99999999999", false],
    ["method = a~b", true],
    ["attachments[user] = 5~9", false, true],
    ["host = $host", false],
  ])("%s: %s", (when, is, isOld) => {
    const step = stepOf(`${when} => a = b`, isOld === true ? { old: true } : {});
    expect(isMeant(step, find(call))).toBe(is);
  });

  test("are those of its application alone", () => {
    expect(isMeant(stepOf("=> a = b", { application: "web" }), find(call))).toBe(true);
    expect(isMeant(stepOf("=> a = b", { application: "other" }), find(call))).toBe(false);
  });
});

describe("providers that a step leaves", () => {
  const providers: readonly Values[] = [
    { id: "a", region: "hz", level: "3" },
    { id: "b", region: "sh", level: "12" },
    { id: "c", region: "" },
  ];
  const left = (step: RouterStep, call: Values = {}) =>
    takenBy(step, providers, (one, key) => one[key], find(call))?.map(({ weight, providers: some }) => [
      weight,
      some.map(({ id }) => id).join(""),
    ]);

  test.each<[then: string, left: unknown, call?: Values]>([
    ["region = hz", [[100, "a"]]],
    ["region != hz", [[100, "bc"]]],
    ["level != 3", [[100, "b"]]],
    ["level = 1~5", [[100, "a"]]],
    ["level = 1~", [[100, "ab"]]],
    ["region = $zone", [[100, "b"]], { zone: "sh" }],
    ["region = $zone", [[100, "c"]]],
    ["region != $zone", [[100, "ac"]], { zone: "*h" }],
    ["region = nowhere", undefined],
  ])("%s", (then, expected, call) => {
    expect(left(stepOf(`=> ${then}`), call)).toEqual(expected);
  });

  test("are none where it is forced, or says nothing", () => {
    expect(left(stepOf("=> region = nowhere", { force: true }))).toEqual([]);
    expect(left(stepOf("=>"))).toEqual([]);
  });

  test("are lists by weight, without those that are empty", () => {
    const match = (value: string): readonly RouterTest[] => [{ key: "region", is: [value] }];
    const to = (weights: readonly number[]) => [
      { match: match("hz"), weight: weights[0]! },
      { match: match("nowhere"), weight: 50 },
      { match: [], weight: weights[1]! },
    ];
    expect(left(stepOf("=> a = b", { to: to([80, 20]) }))).toEqual([
      [80, "a"],
      [20, "abc"],
    ]);
    expect(left(stepOf("=> a = b", { to: to([0, 0]) }))).toBeUndefined();
  });
});
