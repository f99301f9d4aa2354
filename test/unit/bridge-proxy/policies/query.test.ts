import { expect, test } from "vitest";
import { cutParameters, parametersOf, withoutParameter } from "../../../../src/bridge-proxy/policies/query.ts";

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
test("all values of a parameter are found, however its name is written", () => {
  expect(parametersOf("/a?t=1&%74=2%20&b=3", "t")).toEqual(["1", "2 "]);
  expect(parametersOf("/a", "t")).toEqual([]);
});

test("changes cut the parameters that they name, and nothing else of a target", () => {
  const target = "/a?x=1&y=2&z=3";
  expect(cutParameters(target, undefined)).toBe(target);
  expect(cutParameters(target, { set: [], add: [], remove: ["x", "?y", "?z"] })).toBe("/a?x=1");
});
