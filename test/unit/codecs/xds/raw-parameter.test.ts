import { expect, test } from "vitest";
import { rawParameter } from "../../../../src/codecs/xds/raw-parameter.ts";

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
