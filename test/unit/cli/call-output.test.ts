import { expect, test } from "vitest";
import { printResult } from "../../../src/cli/call-output.ts";
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
