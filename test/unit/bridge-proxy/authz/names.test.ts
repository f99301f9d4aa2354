import { describe, expect, test } from "vitest";
import {
  contextOf,
  genericMethods,
  otherCase,
  requireMethodName,
  requireServiceName,
} from "../../../../src/bridge-proxy/authz/names.ts";

test.each(["drop", "$invoke", "_x1", "größe", "Drop"])("%j is a method's name", (method) => {
  expect(() => requireMethodName(method, "dubbo2")).not.toThrow();
});

test.each(["", " drop", "drop ", "\0drop", "drop.", "dr op", "drop/", "1drop", "drop;x", "drop%20", "drop\u00a0"])(
  "%j is none",
  (method) => {
    expect(() => requireMethodName(method, "triple")).toThrow("is no name, and policies hold here");
  },
);

test.each([
  ["com.acme.A", "g", "1.0.0", true],
  ["ctx/com.acme.A", "", "", true],
  ["com.acme.A:1.0.0", "g", "", false],
  ["com.acme.A", "g/com.acme.B", "", false],
  ["com.acme.A", "g:1", "", false],
  ["com.acme.A", "", "1:20880", false],
])("service %s, group %s, version %s: %s", (path, group, version, isGood) => {
  const require = () => requireServiceName({ path, group, version }, "dubbo2");
  if (isGood) expect(require).not.toThrow();
  else expect(require).toThrow("can be read in several ways");
});

test("what stands before an interface", () => {
  expect(["com.acme.A", "g/com.acme.A", "a/b/com.acme.A", "/com.acme.A"].map(contextOf)).toEqual(["", "g", "a/b", ""]);
});

test.each([
  ["drop", ["Drop"]],
  ["Drop", ["drop"]],
  ["$invoke", []],
  ["ßx", []],
])("the other case of %s", (method, others) => {
  expect(otherCase(method).map((one) => one.method)).toEqual(others);
});

describe("methods that a generic call may reach by name and types in one text", () => {
  const rows: [string, string[], [string, boolean][]][] = [
    ["drop", ["java.lang.String"], []],
    ["drop", ["com.acme.User", "int"], []],
    ["drop", ["own.User"], []],
    ["drop", [], []],
    ["dro", ["pjava.lang.String"], [["drop", true]]],
    ["dro", ["pown.User"], []],
    [
      "get",
      ["Xint"],
      [
        ["getX", true],
        ["getXint", true],
      ],
    ],
    ["dropint", [], [["drop", false]]],
    ["dropint", ["java.lang.String"], [["drop", false]]],
    ["print", [], [["pr", false]]],
    ["dro", ["p"], [["drop", true]]],
    ["drop", ["long"], [["droplong", false]]],
  ];
  test.each(rows)("%s %j: %j", (method, types, expected) => {
    const found = genericMethods("com.acme.A", method, types);
    expect(found.map((one) => [one.method, one.strict])).toEqual(expected);
  });

  test("the interface's own packages count among those that types have", () => {
    expect(genericMethods("own.A", "dro", ["pown.User"])).toEqual([{ method: "drop", strict: true }]);
  });

  test.each([[[".lang.String"]], [["a..b"]], [["java.lang.String "]], [[7]], [[null]], [["x".repeat(600)]], [["[X"]]])(
    "types %j are none",
    (types) => {
      expect(() => genericMethods("com.acme.A", "get", types)).toThrow("names a type that is none");
    },
  );

  test.each([["[Ljava.lang.String;"], ["java.lang.String[]"], ["[[I"], ["int"], ["com.acme.A$B"]])(
    "%s is one",
    (type) => {
      expect(() => genericMethods("com.acme.A", "get", [type])).not.toThrow();
    },
  );
});
