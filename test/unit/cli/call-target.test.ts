import { describe, expect, test } from "vitest";
import { readArguments, readTarget } from "../../../src/cli/call-target.ts";
import { JsonNumber } from "../../../src/codecs/json-text.ts";

describe("a target", () => {
  test.each([
    ["dubbo://h", { scheme: "dubbo", host: "h", port: 20_880 }],
    ["dubbo://10.0.0.5:1", { scheme: "dubbo", host: "10.0.0.5", port: 1 }],
    ["tri://h", { scheme: "tri", host: "h", port: 50_051 }],
    ["tri://[::1]:7", { scheme: "tri", host: "::1", port: 7 }],
    ["http://h", { scheme: "http", host: "h", port: 80 }],
    ["grpc://h:9", { scheme: "grpc", host: "h", port: 9 }],
  ])("%s is an address", (text, address) => {
    expect(readTarget(text, ["a.B.m", "[1]"], false)).toEqual({ address, service: "a.B", method: "m", json: "[1]" });
  });

  test.each([
    ["a.B.m", "a.B", "m"],
    ["a.B#m", "a.B", "m"],
    ["a.B/m", "a.B", "m"],
    ["/a.B/m", "a.B", "m"],
    ["g/a.B:1.0.m", "g/a.B:1.0", "m"],
    ["a.B.$invoke", "a.B", "$invoke"],
  ])("%s is a service and a method", (name, service, method) => {
    expect(readTarget("tri://h", [name], false)).toMatchObject({ service, method, json: undefined });
    expect(readTarget(name, ["[]"], true)).toEqual({ address: undefined, service, method, json: "[]" });
  });

  test.each<[string, string[], boolean, string]>([
    ["dubbo://h", [], false, "which method?"],
    ["tri://h", ["a.B.m", "[1]", "[2]"], false, '"[2]" is one argument too many'],
    ["a.B.m", ["[1]"], false, "where is the service? Give an address (dubbo://host:port) first, --registry"],
    ["tri://h", ["m"], false, '"m" is no method'],
    ["tri://h:99999", ["a.B.m"], false, '"h:99999" in "tri://h:99999" is no host:port'],
    ["tri://h:1,i:2", ["a.B.m"], false, "names several hosts"],
    [
      "rmi://h",
      ["a.B.m"],
      false,
      "rmi:// is not spoken by this command; these are: dubbo://, tri://, grpc://, http://",
    ],
  ])("%s %j is refused", (target, rest, hasRegistry, text) => {
    expect(() => readTarget(target, rest, hasRegistry)).toThrow(text);
  });
});

test.each([
  ["[1e400]", "argument 0: 1e400 is too large for a double"],
  ['["a", {"x": [null, -1e999]}]', "argument 1: -1e999 is too large for a double"],
])("arguments %s are refused", (text, error) => {
  expect(() => readArguments(text)).toThrow(error);
});

test("arguments are one JSON array, numbers with all their digits", () => {
  expect(readArguments('[9007199254740993, "a"]')).toEqual([new JsonNumber("9007199254740993"), "a"]);
});

test.each([
  ["{}", "the arguments are one JSON array"],
  ["[1", "the arguments are no JSON: json: unexpected the end at character 2"],
])("arguments %s are refused", (text, message) => {
  expect(() => readArguments(text)).toThrow(message);
});
