import { describe, expect, test } from "vitest";
import type { StringMatcher } from "../../../../src/codecs/xds/core.ts";
import { compileHeader, compilePath, compileString } from "../../../../src/codecs/xds/match.ts";
import type { HeaderMatcher } from "../../../../src/codecs/xds/route.ts";

describe("a string matcher", () => {
  const rows: [string, StringMatcher, string[], string[]][] = [
    ["exact", { exact: "ab" }, ["ab"], ["a", "abc", "AB"]],
    ["prefix", { prefix: "ab" }, ["ab", "abc"], ["a", "xab"]],
    ["suffix", { suffix: "bc" }, ["abc", "bc"], ["bcd"]],
    ["contains", { contains: "b" }, ["abc"], ["ac"]],
    ["regex, the whole text", { safeRegex: { regex: "a.c" } }, ["abc"], ["abcd", "xabc"]],
    ["any case", { exact: "aB", ignoreCase: true }, ["AB", "ab"], ["b"]],
  ];
  test.each(rows)("%s", (_, matcher, taken, refused) => {
    const matches = compileString(matcher);
    for (const text of taken) expect(matches(text), text).toBe(true);
    for (const text of refused) expect(matches(text), text).toBe(false);
  });

  test("a pattern that backtracks for ever elsewhere takes linear time", () => {
    const matches = compileString({ safeRegex: { regex: "(a+)+b" } });
    const startMs = Date.now();
    expect(matches("a".repeat(5_000))).toBe(false);
    expect(Date.now() - startMs).toBeLessThan(2_000);
  });

  test("a look-behind is refused, as RE2 does", () => {
    expect(() => compileString({ safeRegex: { regex: "(?<=a)b" } })).toThrow();
  });
});

describe("a header matcher", () => {
  const text = { name: "x", stringMatch: { exact: "1" } };
  const rows: [string, HeaderMatcher, [string | undefined, boolean][]][] = [
    [
      "text",
      text,
      [
        ["1", true],
        ["2", false],
        [undefined, false],
      ],
    ],
    [
      "not that text",
      { ...text, invertMatch: true },
      [
        ["1", false],
        ["2", true],
        [undefined, false],
      ],
    ],
    [
      "not that text, or missing",
      { ...text, invertMatch: true, treatMissingHeaderAsEmpty: true },
      [
        ["1", false],
        ["2", true],
        [undefined, true],
      ],
    ],
    [
      "present",
      { name: "x", presentMatch: true },
      [
        ["", true],
        [undefined, false],
      ],
    ],
    [
      "not present",
      { name: "x", presentMatch: true, invertMatch: true },
      [
        ["", false],
        [undefined, true],
      ],
    ],
  ];
  test.each(rows)("%s", (_, matcher, cases) => {
    const { test: matches } = compileHeader(matcher);
    for (const [value, expected] of cases) expect(matches(value), String(value)).toBe(expected);
  });
});

test("a path is matched by exact text, prefix or regex", () => {
  expect(compilePath({ path: "/A/m" })("/A/m")).toBe(true);
  expect(compilePath({ path: "/A/m" })("/A/m2")).toBe(false);
  expect(compilePath({ prefix: "/A/" })("/A/m2")).toBe(true);
  expect(compilePath({ path: "/a/M", caseSensitive: false })("/A/m")).toBe(true);
  expect(compilePath({ safeRegex: { regex: "/A/(get|list).*" } })("/A/listOrders")).toBe(true);
});
