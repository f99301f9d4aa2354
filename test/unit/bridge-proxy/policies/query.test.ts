import { expect, test } from "vitest";
import {
  cutParameters,
  parametersOf,
  rawParameter,
  withoutParameter,
} from "../../../../src/bridge-proxy/policies/query.ts";

test.each([
  ["/a", "/a"],
  ["/a?", "/a?"],
  ["/a?t=1", "/a"],
  ["/a?t", "/a"],
  ["/a?t=1&b=2&t=3", "/a?b=2"],
  ["/a?b=2&%74=1", "/a?b=2"],
  ["/a?b=%2f+x&t=1&&c", "/a?b=%2f+x&&c"],
  ["/a?tt=1&T=2", "/a?tt=1&T=2"],
  ["/a??t=1", "/a??t=1"],
  ["http://h/a?t=1&b=%", "http://h/a?b=%"],
])("%s without t is %s", (target, left) => {
  expect(withoutParameter(target, "t")).toBe(left);
  expect(parametersOf(left, "t")).toEqual([]);
});

// What a stock Envoy 1.40 answered to a condition on the parameter `q`.
test.each([
  ["?q=1", "1"],
  ["?q=%31", "%31"],
  ["?%71=1", undefined],
  ["?q=1&q=2", "1"],
  ["?a;q=1", undefined],
  ["?q=1;x", "1;x"],
  ["??q=1", undefined],
  ["?q==1", "=1"],
  ["?&&q=1", "1"],
  ["?q=a+b", "a+b"],
  ["?q=1?x", "1?x"],
  ["?Q=1", undefined],
  ["?qq=1&q", ""],
  ["?q=", ""],
  ["?x=q", undefined],
  ["?", undefined],
  [undefined, undefined],
])("the first q of %s is %s", (query, value) => {
  expect(rawParameter(query, "q")).toBe(value);
});

test("all values of a parameter are found, however its name is written", () => {
  expect(parametersOf("/a?t=1&%74=2%20&b=3", "t")).toEqual(["1", "2 "]);
  expect(parametersOf("/a", "t")).toEqual([]);
});

test("changes cut the parameters that they name, and nothing else of a target", () => {
  const target = "/a?x=1&y=2&z=3";
  expect(cutParameters(target, undefined)).toBe(target);
  expect(cutParameters(target, { set: [], add: [], remove: ["x", "?y", "?z"] })).toBe("/a?x=1");
});
