import { expect, test } from "vitest";
import { LineCounter, parseDocument } from "yaml";
import { createFindingList } from "../../../../src/control/rules/findings.ts";
import { meantBy, positionOf, quote, readNode, type Shape } from "../../../../src/control/rules/schema.ts";
import { resolveAliases } from "../../../../src/control/rules/yaml-aliases.ts";
import { shortFindings } from "../../../support/rules.ts";

function read(text: string, shape: Shape, budget = 10_000): { value: unknown; findings: string[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const found = createFindingList();
  const contents = resolveAliases(document.contents, () => {});
  const value = readNode(contents, shape, "x", { file: "f", lines, report: found.report, budget });
  return { value, findings: shortFindings(found.list()) };
}

const text: Shape = { type: "text" };
const names: Shape = {
  type: "object",
  fields: { hosts: { shape: { type: "list", of: text } }, name: { shape: text, required: true } },
};

test("an object keeps its place and that of its fields and list elements", () => {
  expect(read("name: n\nhosts:\n  - a\n  - b\n", names).value).toEqual({
    at: {
      position: { file: "f", line: 1, column: 1 },
      fields: {
        name: { file: "f", line: 1, column: 1 },
        hosts: { file: "f", line: 2, column: 1 },
        "hosts[0]": { file: "f", line: 3, column: 5 },
        "hosts[1]": { file: "f", line: 4, column: 5 },
      },
    },
    name: "n",
    hosts: ["a", "b"],
  });
});

test.each([
  {
    name: "unknown field",
    yaml: "name: n\nhost: a",
    shape: names,
    finding: 'TR0206 2:1 unknown field "host" in x; did you mean "hosts"?',
  },
  {
    name: "unknown field without a near one",
    yaml: "name: n\nzzz: a",
    shape: names,
    finding: 'TR0206 2:1 unknown field "zzz" in x',
  },
  { name: "missing field", yaml: "hosts: []", shape: names, finding: "TR0208 1:1 x.name is missing" },
  { name: "empty value", yaml: "name:", shape: names, finding: "TR0207 1:6 x.name is empty; it must be a text" },
  {
    name: "number for a text",
    yaml: "name: 1.0",
    shape: names,
    finding: "TR0207 1:7 x.name is 1; it must be a text (put it in quotes)",
  },
  {
    name: "list for a text",
    yaml: "name: [a]",
    shape: names,
    finding: "TR0207 1:7 x.name is a list; it must be a text",
  },
  {
    name: "object for a list",
    yaml: "{name: n, hosts: {a: b}}",
    shape: names,
    finding: "TR0207 1:18 x.hosts is an object; it must be a list",
  },
  {
    name: "text for an object",
    yaml: "abc",
    shape: names,
    finding: 'TR0207 1:1 x is the text "abc"; it must be an object',
  },
  {
    name: "text for a number",
    yaml: "a",
    shape: { type: "integer", min: 0, max: 9 },
    finding: 'TR0207 1:1 x is the text "a"; it must be a whole number',
  },
  {
    name: "fraction for a whole number",
    yaml: "1.5",
    shape: { type: "integer", min: 0, max: 9 },
    finding: "TR0207 1:1 x is 1.5; it must be a whole number",
  },
  {
    name: "number out of range",
    yaml: "10",
    shape: { type: "number", min: 0, max: 9 },
    finding: "TR0209 1:1 x is 10; it must be from 0 to 9",
  },
  {
    name: "no number",
    yaml: ".nan",
    shape: { type: "number", min: 0, max: 9 },
    finding: "TR0209 1:1 x is NaN; it must be from 0 to 9",
  },
  {
    name: "text for a flag",
    yaml: "yes",
    shape: { type: "boolean" },
    finding: 'TR0207 1:1 x is the text "yes"; it must be true or false',
  },
  {
    name: "bad choice",
    yaml: "C",
    shape: { type: "choice", of: ["A", "B"] },
    finding: 'TR0209 1:1 x is "C"; it must be one of A, B',
  },
  {
    name: "bad duration",
    yaml: "5x",
    shape: { type: "duration", minMs: 0 },
    finding: 'TR0210 1:1 x is "5x", which is no duration such as "1.5s" or "200ms"',
  },
  {
    name: "duration below the least",
    yaml: "1us",
    shape: { type: "duration", minMs: 1 },
    finding: 'TR0210 1:1 x is "1us"; it must be at least 1ms',
  },
  {
    name: "number for a duration",
    yaml: "5",
    shape: { type: "duration", minMs: 1 },
    finding: 'TR0207 1:1 x is 5; it must be a duration such as "1.5s" or "200ms"',
  },
  {
    name: "short list",
    yaml: "[]",
    shape: { type: "list", of: text, min: 1 },
    finding: "TR0208 1:1 x needs at least 1 element",
  },
  {
    name: "list for a map",
    yaml: "[]",
    shape: { type: "map", of: text },
    finding: "TR0207 1:1 x is a list; it must be an object",
  },
] satisfies { name: string; yaml: string; shape: Shape; finding: string }[])(
  "$name is reported where it stands",
  ({ yaml, shape, finding }) => {
    expect(read(yaml, shape)).toEqual({ value: name(yaml, shape), findings: [finding] });
  },
);

/** Unknown fields are reported, while the rest is still read. */
function name(yaml: string, shape: Shape): unknown {
  return shape === names && yaml.startsWith("name: n\n") ? expect.objectContaining({ name: "n" }) : undefined;
}

test("everything wrong is reported at once", () => {
  expect(read("hosts: 1\nnme: x\n", names).findings).toEqual([
    "TR0207 1:8 x.hosts is 1; it must be a list",
    'TR0206 2:1 unknown field "nme" in x; did you mean "name"?',
    "TR0208 1:1 x.name is missing",
  ]);
});

test("of fields that exclude each other the second is reported", () => {
  const shape: Shape = { type: "object", fields: { a: { shape: text }, b: { shape: text } }, exclusive: [["a", "b"]] };
  expect(read("b: x\na: y\n", shape)).toEqual({
    value: undefined,
    findings: ["TR0213 1:1 x has both a and b; only one of them may stand"],
  });
});

test("a field that is not used is left out and says why", () => {
  const shape: Shape = {
    type: "object",
    fields: { a: { shape: { type: "anything" }, unused: { code: "TR0228", why: "is not applied yet" } } },
  };
  expect(read("a: {b: [c]}", shape)).toEqual({
    value: { at: expect.anything() },
    findings: ["TR0228 1:1 x.a is not applied yet"],
  });
});

test("a field may have another name in the model", () => {
  const shape: Shape = {
    type: "object",
    fields: { timeout: { shape: { type: "duration", minMs: 0 }, as: "timeoutMs" } },
  };
  expect(read("timeout: 2s", shape).value).toMatchObject({ timeoutMs: 2_000 });
});

test("keys such as __proto__ are plain keys", () => {
  const { value } = read("__proto__: a\nconstructor: b\n", { type: "map", of: text });
  expect(Object.entries(value as object)).toEqual([
    ["__proto__", "a"],
    ["constructor", "b"],
  ]);
  expect(read("name: n\n__proto__: {a: b}\n", names).findings).toEqual(['TR0206 2:1 unknown field "__proto__" in x']);
});

test("an alias is read as what it stands for", () => {
  expect(read("name: &n abc\nhosts: [*n]\n", names).value).toMatchObject({ hosts: ["abc"] });
});

test("aliases can't multiply a document past its budget", () => {
  const bomb = [
    "a: &a [x,x,x,x,x,x,x,x,x,x]",
    ...["b", "c", "d"].map((key, i) => `${key}: &${key} [${`*${"abc"[i]},`.repeat(10)}]`),
  ].join("\n");
  const shape: Shape = {
    type: "map",
    of: { type: "list", of: { type: "list", of: { type: "list", of: { type: "list", of: text } } } },
  };
  expect(read(bomb, shape, 300).findings.filter((one) => one.startsWith("TR0216"))).toHaveLength(1);
});

test("a node without a range stands at the start", () => {
  expect(positionOf(null, { file: "f", lines: new LineCounter() })).toEqual({ file: "f", line: 1, column: 1 });
});

test("long texts are cut in messages", () => {
  expect(quote("x".repeat(100))).toBe(`"${"x".repeat(77)}..."`);
});

test.each([
  ["matches", "match"],
  ["retry", "retries"],
  ["virtualservices", "VirtualService"],
  ["VirtualSevice", "VirtualService"],
  ["AuthorizationPolicy", ""],
  ["rehearsal", ""],
  [undefined, ""],
])("%s may mean %s", (name, known) => {
  expect(meantBy(name, ["match", "retries", "VirtualService"])).toBe(known === "" ? "" : `; did you mean "${known}"?`);
});
