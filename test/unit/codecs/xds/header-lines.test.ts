import { expect, test } from "vitest";
import { asLines, meets, meetsAll } from "../../../../src/codecs/xds/header-lines.ts";
import { compileHeader } from "../../../../src/codecs/xds/match.ts";
import type { HeaderMatcher } from "../../../../src/codecs/xds/route.ts";

const ANN = { exact: "ann" };
const NOT_ANN = { name: "user", stringMatch: ANN, invertMatch: true, treatMissingHeaderAsEmpty: true };

// What a stock Envoy 1.40 answered, by what was sent as lines of the header.
test.each<[matcher: Omit<HeaderMatcher, "name">, met: readonly string[][], unmet: readonly string[][]]>([
  [{ stringMatch: ANN }, [["ann"], ["ann", "bob"], ["bob", "ann"], ["", "ann"]], [[], ["ann,bob"], [""]]],
  [{ stringMatch: { exact: "ann,bob" } }, [["ann,bob"]], [["ann", "bob"], ["ann, bob"]]],
  [NOT_ANN, [[], ["ann,bob"], [""], ["bob", "eve"]], [["ann"], ["ann", "bob"], ["bob", "ann"], ["", "ann"]]],
  [{ stringMatch: { suffix: "bob" } }, [["ann", "bob"], ["bob", "ann"], ["ann,bob"]], [["ann"], ["ann", "ann"]]],
  [{ stringMatch: { safeRegex: { regex: "ann" } } }, [["bob", "ann"]], [["ann,bob"], ["anna"]]],
  [{ presentMatch: true }, [["a"], ["a", "b"], [""]], [[]]],
  [{ presentMatch: true, invertMatch: true }, [[]], [["a"], ["a", "b"], [""]]],
])("%j of one of several lines", (matcher, met, unmet) => {
  const header = compileHeader({ name: "user", ...matcher });
  const isMet = (values: readonly string[]) =>
    meets(
      header,
      () => (values.length === 0 ? undefined : values.join(",")),
      (name) => (name === "user" ? values : []),
    );
  expect(met.map(isMet)).toEqual(met.map(() => true));
  expect(unmet.map(isMet)).toEqual(unmet.map(() => false));
});

test("lines of lists that an Envoy knows are one, those of other names are their own", () => {
  expect(asLines("accept", ["a", "b"])).toEqual(["a,b"]);
  expect(asLines("x-forwarded-for", ["a", "b"])).toEqual(["a,b"]);
  const two = ["a", "b"];
  expect(asLines("user", two)).toBe(two);
  expect(asLines("accept", ["a"])).toEqual(["a"]);
});

test("a call without lines has what is looked up, and has to meet every test", () => {
  const tests = [compileHeader({ name: ":path", stringMatch: { exact: "/a" } }), compileHeader(NOT_ANN)];
  const header = (user: string) => (name: string) => (name === "user" ? user : "/a");
  expect([meetsAll(tests, header("bob")), meetsAll(tests, header("ann"))]).toEqual([true, false]);
  expect(meetsAll(tests, header("bob"), (name) => (name === "user" ? ["eve", "ann"] : []))).toBe(false);
  expect(meetsAll([], header("ann"))).toBe(true);
});
