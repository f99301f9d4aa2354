import { expect, test } from "vitest";
import { checkItemFormat, printItem, printResult } from "../../../src/cli/call-output.ts";
import { parseJson } from "../../../src/codecs/json-text.ts";

const orders = parseJson('[{"id":"9007199254740993","note":null},{"id":2,"lines":[1]}]');

test("a value is printed as JSON with all its digits", () => {
  expect(printResult("json", parseJson('{"id":9007199254740993}'))).toBe('{\n  "id": 9007199254740993\n}\n');
});

test("a value is printed as YAML", () => {
  expect(printResult("yaml", parseJson('{"a":[1,"x"]}'))).toBe("a:\n  - 1\n  - x\n");
});

test("a list is printed as a table of its items, with a column for each name that any has", () => {
  const lines = printResult("table", orders).split("\n");
  expect(lines[0]).toMatch(/^ID +NOTE +LINES$/);
  expect(lines[1]).toMatch(/^9007199254740993 +- +-$/);
  expect(lines[2]).toMatch(/^2 +- +\[1\]$/);
});

test("a value without names is a table of one cell", () => {
  expect(printResult("table", parseJson('"x"'))).toBe("VALUE\nx\n");
});

test("one of a stream's values is a line of JSON or a document of YAML", () => {
  const value = parseJson('{"id":"1","lines":[2]}');
  expect(printItem("json", value)).toBe('{"id":"1","lines":[2]}\n');
  expect(printItem("yaml", value)).toBe('---\nid: "1"\nlines:\n  - 2\n');
  const refusal = "a stream has no end to lay a table out by; print it as json or yaml";
  for (const print of [() => printItem("table", value), () => checkItemFormat("table")]) expect(print).toThrow(refusal);
  expect(checkItemFormat("yaml")).toBeUndefined();
});
