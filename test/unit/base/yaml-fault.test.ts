import { expect, test } from "vitest";
import { parseDocument } from "yaml";
import { describeYamlFault } from "../../../src/base/yaml-fault.ts";

test.each([
  ["plain", "name: a\nname: b", "key name is given twice in one map"],
  ["in a map of a list", "a:\n- b: 1\n  c: 2\n  b: 3", "key b is given twice in one map"],
  ["in double quotes", '{"a b": 1, "a b": 2}', "key a b is given twice in one map"],
  ["in single quotes", "'a: b': 1\n'a: b': 2", "key a: b is given twice in one map"],
  ["that is empty", ": 1\n: 2", "a key is given twice in one map"],
  ["with an anchor", "a: 1\n&x a: 2", "key a is given twice in one map"],
])("a key given twice is named: %s", (_, text, expected) => {
  const [error] = parseDocument(text, { prettyErrors: false }).errors;
  expect(describeYamlFault(error!, text)).toBe(expected);
});

test("other faults are in the reader's words", () => {
  const [error] = parseDocument("a: [", { prettyErrors: false }).errors;
  expect(describeYamlFault(error!, "a: [")).toBe(error!.message);
});

test("nesting that the reader cannot follow is told in words of the text's", () => {
  const fault = { code: "RESOURCE_EXHAUSTION", message: "Maximum call stack size exceeded", pos: [790, 791] } as const;
  expect(describeYamlFault(fault, "a: [[[")).toBe("it is nested too deeply");
});
