import { describe, expect, test } from "vitest";
import { MAX_CONDITIONS, readConditionRule } from "../../../../../src/registry-sync/dubbo/routers/condition-rule.ts";

const read = (text: string) => readConditionRule("/place", text);

describe("a rule of texts", () => {
  test("has a step for each condition, with the rule's force", () => {
    const rule = read("configVersion: v3.0\nforce: true\nconditions:\n- 'method = a => host = x'\n- '=> b = 2'\n");
    expect(rule).toEqual({
      type: "conditions",
      differs: undefined,
      steps: [
        {
          rule: "/place",
          text: "method = a => host = x",
          force: true,
          when: [{ key: "method", is: ["a"] }],
          to: [{ match: [{ key: "host", is: ["x"] }], weight: 100 }],
        },
        {
          rule: "/place",
          text: "=> b = 2",
          force: true,
          when: [],
          to: [{ match: [{ key: "b", is: ["2"] }], weight: 100 }],
        },
      ],
    });
  });

  test.each<[text: string, type: string | undefined]>([
    ["conditions: ['=> a = 1']", "conditions"],
    ["enabled: false\nconditions: ['=> a = 1']", undefined],
    ["valid: 'no'\nconditions: ['=> a = 1']", undefined],
    ["conditions: []", undefined],
    ["force: true", undefined],
    ["conditions: {a: 1}", "broken"],
    ["conditions: ['== x']", "broken"],
    ["conditions: ['']", "broken"],
    ["conditions: ['a = , b']", "broken"],
    ["- a", "broken"],
    ["a: [", "broken"],
    ["a: &x [*x]\nconditions: *x", "broken"],
    [`a: ${"[".repeat(100)}${"]".repeat(100)}`, "broken"],
    ["x".repeat(300_000), "broken"],
    ["configVersion: v3.2\nconditions: []", "left"],
    [`conditions: [${"'=> a = 1',".repeat(MAX_CONDITIONS + 1)}]`, "left"],
  ])("%#: %j", (text, type) => {
    expect(read(text)?.type).toBe(type);
  });
});

describe("what lines of Dubbo read differently is said", () => {
  test.each<[condition: string, word: string | undefined]>([
    ["=> host != 1.1.1.1", undefined],
    ["method != a & arguments[0] != b => region = x", undefined],
    ["attachments[a] = 1 => host = x", "attachments"],
    ["=> level = 1~3", "ranges"],
    ["=> region != x", "no region"],
    ["=> application = shop", "own application"],
  ])("%s", (condition, word) => {
    const rule = read(`conditions: ['${condition}']`);
    const differs = rule?.type === "conditions" ? rule.differs : "?";
    if (word === undefined) expect(differs).toBeUndefined();
    else expect(differs).toContain(word);
  });
});

describe("a rule of configVersion v3.1", () => {
  const rule = (conditions: string) => read(`configVersion: v3.1\nforce: false\nconditions: ${conditions}\n`);

  test("has destinations with weights", () => {
    const found = rule(
      "[{from: {match: 'method=pay & region=$region'}, to: [{match: 'region=hz', weight: 80}, {match: 'env=gray', weight: '20'}, {}]}]",
    );
    expect(found).toMatchObject({
      type: "conditions",
      steps: [
        {
          when: [
            { key: "method", is: ["pay"] },
            { key: "region", is: ["$region"] },
          ],
          to: [
            { match: [{ key: "region", is: ["hz"] }], weight: 80 },
            { match: [{ key: "env", is: ["gray"] }], weight: 20 },
            { match: [], weight: 100 },
          ],
        },
      ],
    });
  });

  test("blocks where nothing is named", () => {
    expect(rule("[{from: {match: 'application=bad'}, to: []}, {from: {match: 'true'}}]")).toMatchObject({
      steps: [{ to: [] }, { when: [], to: [] }],
    });
  });

  test.each(["[{to: x}]", "[{to: [{weight: -1}]}]", "[{to: [{weight: 1.5}]}]", "[{from: {match: '= x'}}]"])(
    "that cannot be read is broken: %s",
    (conditions) => {
      expect(rule(conditions)?.type).toBe("broken");
    },
  );
});
