import { expect, test } from "vitest";
import { checkDocument, type Shape } from "../../../../src/cli/config/document.ts";

const shape: Shape = {
  type: "map",
  keys: {
    name: { shape: { type: "string" }, required: true, doc: "" },
    ports: { shape: { type: "list", items: { type: "port" } }, doc: "" },
    paths: { shape: { type: "list", items: { type: "string" }, orSingle: true }, doc: "" },
    some: { shape: { type: "ports" }, doc: "" },
    inner: {
      shape: { type: "map", keys: { url: { shape: { type: "string" }, required: true, doc: "" } } },
      doc: "",
    },
    old: { shape: { type: "string" }, doc: "", refused: "is gone" },
  },
};

function faults(text: string): string[] {
  return checkDocument("f.yaml", text, shape).errors.map(
    ({ path, message, position }) => `${position?.line}:${position?.column} ${path} | ${message}`,
  );
}

test("a right document gives its values and no errors", () => {
  const { value, errors } = checkDocument("f.yaml", "name: a\nports: [1, 65535]\npaths: x\ninner: {url: u}\n", shape);
  expect(errors).toEqual([]);
  expect(value).toEqual({ name: "a", ports: [1, 65_535], paths: ["x"], inner: { url: "u" } });
});

test("one port or several are kept as they are given", () => {
  const some = (text: string) => checkDocument("f.yaml", `name: a\nsome: ${text}`, shape).value;
  expect([some("7"), some("[7]"), some("[]")]).toMatchObject([{ some: 7 }, { some: [7] }, { some: [] }]);
});

test.each([
  ["an empty file", "", ["1:1 name | name is missing"]],
  ["a list in place of the document", "- a", ["1:1  | the document must be a map"]],
  ["an unknown key", "name: a\nnaem: b", ["2:1 naem | unknown key naem; known here: name, ports, paths, some, inner"]],
  ["a text for one port or several", "name: a\nsome: x", ["2:7 some | some must be a port number from 0 to 65535"]],
  [
    "a text among several ports",
    "name: a\nsome: [1, x]",
    ["2:11 some[1] | some[1] must be a port number from 0 to 65535"],
  ],
  ["a key given twice", "name: a\nname: b", ["2:1  | key name is given twice in one map"]],
  ["a number for a text", "name: 5", ["1:7 name | name must be a text"]],
  ["nothing for a text", "name:", ["1:6 name | name must be a text"]],
  ["a text for a list", "name: a\nports: 1", ["2:8 ports | ports must be a list"]],
  ["a text for a map", "name: a\ninner: x", ["2:8 inner | inner must be a map"]],
  [
    "ports that are none",
    "name: a\nports: [1, x, 70000, 1.5, -1]",
    [1, 2, 3, 4].map(
      (i) => `2:${[0, 12, 15, 22, 27][i]} ports[${i}] | ports[${i}] must be a port number from 0 to 65535`,
    ),
  ],
  ["a missing key of a map", "name: a\ninner: {}", ["2:8 inner.url | inner.url is missing"]],
  ["a key that is refused", "name: a\nold: {any: [thing]}", ["2:1 old | old is gone"]],
  ["an alias", "name: &x a\npaths: [*x]", ["2:9 paths[0] | paths[0] is a YAML alias; write the value itself"]],
  [
    "several at once, top down",
    "ports: x\nfoo: 1",
    [
      "1:8 ports | ports must be a list",
      "2:1 foo | unknown key foo; known here: name, ports, paths, some, inner",
      "1:1 name | name is missing",
    ],
  ],
])("%s", (_, text, expected) => {
  expect(faults(text)).toEqual(expected);
});

test("text that is no YAML is told with its place, and nothing else", () => {
  const found = faults("name: [a\nports: x: y");
  expect(found.length).toBeGreaterThan(0);
  expect(found.every((line) => /^[12]:\d+ {2}\|/.test(line))).toBe(true);
});

test("the value keeps the shape whatever was wrong", () => {
  expect(checkDocument("f.yaml", "ports: x\npaths: [1]\ninner: []", shape).value).toEqual({
    name: "",
    ports: [],
    paths: [""],
    inner: { url: "" },
  });
});

test("errors that are found later stand at the nearest known place", () => {
  const { errorAt } = checkDocument("f.yaml", "name: a\nports:\n- 1\n- 2\n", shape);
  const at = (path: string) => errorAt(path, "x").position;
  expect(at("ports[1]")).toEqual({ file: "f.yaml", line: 4, column: 3 });
  expect(at("ports[7].deep")).toEqual({ file: "f.yaml", line: 3, column: 1 });
  expect(at("inner.url")).toEqual({ file: "f.yaml", line: 1, column: 1 });
});

test("a file over the limit is not parsed", () => {
  expect(faults(`name: ${"a".repeat(1024 * 1024)}`)).toEqual(["1:1  | the file is over 1048576 bytes"]);
});

test("a table has any names, with values of one shape; numbers and empty texts are values", () => {
  const table: Shape = {
    type: "map",
    keys: {
      of: {
        shape: { type: "table", values: { type: "map", keys: { n: { shape: { type: "number" }, doc: "" } } } },
        doc: "",
      },
      text: { shape: { type: "text" }, doc: "" },
    },
  };
  const good = checkDocument("f.yaml", 'of: {"a.*": {n: 0.5}, b: {}}\ntext: ""\n', table);
  expect([good.errors, JSON.parse(JSON.stringify(good.value))]).toEqual([
    [],
    { of: { "a.*": { n: 0.5 }, b: {} }, text: "" },
  ]);
  const bad = checkDocument("f.yaml", 'of: {a: {n: x}, b: 1, "": {}}\ntext: 1\n', table);
  expect(bad.errors.map(({ message }) => message)).toEqual([
    "of.a.n must be a number",
    "of.b must be a map",
    "of has an empty name",
    "text must be a text",
  ]);
  expect(checkDocument("f.yaml", "of: []\n", table).errors.map(({ message }) => message)).toEqual(["of must be a map"]);
});
