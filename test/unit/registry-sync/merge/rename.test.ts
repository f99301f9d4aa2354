import { describe, expect, test } from "vitest";
import { parseServiceKey, printServiceKey } from "../../../../src/model/service.ts";
import {
  compileRenames,
  joinEntries,
  type RenameRule,
  renameFault,
  withLabels,
} from "../../../../src/registry-sync/merge/rename.ts";
import { endpoint, entry } from "../../../support/worlds.ts";

describe("renames", () => {
  const rows: readonly (readonly [
    name: string,
    rules: readonly RenameRule[],
    service: string,
    expected: string | undefined,
  ])[] = [
    ["a name", [{ from: "order", to: "shop-order" }], "order", "shop-order"],
    ["the rest of a package", [{ from: "com.acme.*", to: "org.acme.*" }], "com.acme.a.B:1", "org.acme.a.B:1"],
    ["two stars in order", [{ from: "*-svc-*", to: "*.*" }], "a-svc-b", "a.b"],
    ["a key", [{ from: "*/com.acme.B:1.0", to: "com.acme.C", group: "" }], "g/com.acme.B:1.0", "com.acme.C:1.0"],
    ["a group taken away", [{ from: "*", group: "" }], "g/a.B:1", "a.B:1"],
    ["a version put on", [{ from: "a.B", version: "2.0" }], "a.B", "a.B:2.0"],
    ["the first that fits", [{ from: "x" }, { from: "a.*", to: "b.*" }, { from: "a.B", to: "c" }], "a.B", "b.B"],
    ["none that fits", [{ from: "x", to: "y" }], "a.B", undefined],
    ["a star for nothing", [{ from: "a*", to: "b*" }], "a", "b"],
    ["parts that overlap do not fit", [{ from: "ab*ba", to: "x" }], "aba", undefined],
  ];
  test.each(rows)("%s", (_name, rules, service, expected) => {
    const renamed = compileRenames(rules)(parseServiceKey(service));
    expect(renamed && printServiceKey(renamed.service)).toBe(expected);
  });
});

test("labels take the values of parameters that are there, and keep others", () => {
  const one = endpoint("10.0.0.1", { params: { "version.label": "v1" }, labels: { a: "b" } });
  expect(withLabels(one, { lane: "version.label", none: "missing" }).labels).toEqual({ a: "b", lane: "v1" });
  expect(withLabels(one, { none: "missing", proto: "constructor" })).toBe(one);
});

test.each([
  [{ from: "" }, "from is empty"],
  [{ from: "a", to: "" }, "to is empty"],
  [{ from: "a*", to: "*.*" }, "to has 2 *, but from has 1"],
  [{ from: "a" }, "it changes nothing"],
  [{ from: "a", labels: {} }, "it changes nothing"],
  [{ from: "a", group: "" }, undefined],
] as const)("%j is judged", (rule, expected) => {
  const fault = renameFault(rule);
  if (expected === undefined) expect(fault).toBeUndefined();
  else expect(fault).toContain(expected);
});

test("of two endpoints alike the first entry's counts", () => {
  const joined = joinEntries(
    entry("a.B", [endpoint("10.0.0.1", { weight: 7 })]),
    entry("a.C", ["10.0.0.1", "10.0.0.2"]),
    ({ address }) => address,
  );
  expect(joined.map(({ address, weight }) => [address, weight])).toEqual([
    ["10.0.0.1", 7],
    ["10.0.0.2", 100],
  ]);
});
