import { expect, test } from "vitest";
import type { HeaderMatcher } from "../../../../src/codecs/xds/route.ts";
import { oldHeaderMatchers } from "../../../../src/control/compile/old-matchers.ts";

test.each<[string, HeaderMatcher, object]>([
  ["exact", { name: "a", stringMatch: { exact: "x" } }, { name: "a", exactMatch: "x" }],
  ["exact and empty", { name: "a", stringMatch: { exact: "" } }, { name: "a", safeRegexMatch: { regex: "" } }],
  ["prefix", { name: "a", stringMatch: { prefix: "x" } }, { name: "a", prefixMatch: "x" }],
  ["a prefix of nothing", { name: "a", stringMatch: { prefix: "" } }, { name: "a", safeRegexMatch: { regex: ".*" } }],
  ["suffix", { name: "a", stringMatch: { suffix: "x" } }, { name: "a", suffixMatch: "x" }],
  ["regex", { name: "a", stringMatch: { safeRegex: { regex: "x+" } } }, { name: "a", safeRegexMatch: { regex: "x+" } }],
  ["a part", { name: "a", stringMatch: { contains: "x.y" } }, { name: "a", safeRegexMatch: { regex: ".*x\\.y.*" } }],
  [
    "any case",
    { name: "a", stringMatch: { prefix: "x", ignoreCase: true } },
    { name: "a", safeRegexMatch: { regex: "(?i)x.*" } },
  ],
  ["present", { name: "a", presentMatch: true }, { name: "a", presentMatch: true }],
  [
    "absent",
    { name: "a", presentMatch: true, invertMatch: true },
    { name: "a", presentMatch: true, invertMatch: true },
  ],
  ["Trestle's word", { name: "dubbo-group", presentMatch: true }, { name: "tri-service-group", presentMatch: true }],
])("%s", (_, header, expected) => {
  expect(oldHeaderMatchers([header])).toEqual([[expected]]);
});

test("other than a text, or missing, becomes two lists; too many of them cannot be written", () => {
  const other: HeaderMatcher = {
    name: "a",
    stringMatch: { exact: "x" },
    invertMatch: true,
    treatMissingHeaderAsEmpty: true,
  };
  const present: HeaderMatcher = { name: "b", presentMatch: true };
  expect(oldHeaderMatchers([other, present])).toEqual([
    [
      { name: "a", exactMatch: "x", invertMatch: true },
      { name: "b", presentMatch: true },
    ],
    [
      { name: "a", presentMatch: true, invertMatch: true },
      { name: "b", presentMatch: true },
    ],
  ]);
  expect(oldHeaderMatchers([other, other, other])).toHaveLength(8);
  expect(oldHeaderMatchers([other, other, other, other])).toBeUndefined();
  expect(oldHeaderMatchers([])).toEqual([[]]);
});
