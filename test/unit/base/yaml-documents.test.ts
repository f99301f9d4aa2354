import { expect, test } from "vitest";
import { LineCounter, parseAllDocuments } from "yaml";
import { checkYamlDepth, MAX_YAML_DEPTH, readYamlDocuments, YamlLimitError } from "../../../src/base/yaml-documents.ts";

const read = (text: string) => readYamlDocuments(text, { lineCounter: new LineCounter(), uniqueKeys: true });

test.each([
  "",
  "a: 1",
  "a: 1\n---\n- b\n- {c: [d]}\n",
  "# only a note\n",
  "a: [\nb",
  "a: 1\na: 2",
  "{a: [{b: 1, 'b': 2}], a: 3, : , : }\n- c",
])("%j is read as the package reads it", (text) => {
  const all = parseAllDocuments(text, { prettyErrors: false, uniqueKeys: true });
  const told = (documents: readonly { toJSON(): unknown; errors: readonly Error[] }[]) =>
    documents.map((one) => [one.errors.map(({ message }) => message), one.errors.length > 0 ? 0 : one.toJSON()]);
  expect(told(read(text))).toEqual(told(Array.isArray(all) ? all : []));
});

test("keys are compared in a time that grows with the text", () => {
  const many = Array.from({ length: 50_000 }, (_, i) => `k${i}: 1`).join("\n");
  expect(read(many)[0]?.errors).toEqual([]);
  expect(read(`${many}\nk7: 1`)[0]?.errors.map(({ code, pos }) => [code, pos[0]])).toEqual([
    ["DUPLICATE_KEY", many.length + 1],
  ]);
  expect(readYamlDocuments("a: 1\na: 2", { lineCounter: new LineCounter(), uniqueKeys: false })[0]?.errors).toEqual([]);
});

test.each([
  ["[&a b, *a, *a]", "it has over 1 aliases (*name)"],
  ["---\n---\n...", "it has over 2 marks of documents (---, ...)"],
  ["]", "it has over 0 faults; the last one counted is: Unexpected flow-seq-end token in YAML document"],
  ['"\\q"', "it has over 0 faults; the last one counted is: Invalid escape sequence \\q"],
  ["{a, a}", "it has over 0 faults; the last one counted is: Map keys must be unique"],
  ["[1, 2, 3, 4]", "it has over 6 values, keys, comments and lines"],
  ["# a\n# b\n# c\n# d\n", "it has over 6 values, keys, comments and lines"],
  ["\n\n\n\n\n\n\n\n", "it has over 6 values, keys, comments and lines"],
])("%j is over what may stand in a text", (text, message) => {
  const limits = { pieces: 6, aliases: 1, documents: 2, faults: 0 };
  expect(() => readYamlDocuments(text, { lineCounter: new LineCounter() }, limits)).toThrow(
    new YamlLimitError(message),
  );
  expect(readYamlDocuments("{a: b}", { lineCounter: new LineCounter() }, limits)).toHaveLength(1);
});

test("lines are counted", () => {
  const lines = new LineCounter();
  readYamlDocuments("a: 1\nb: 2\n", { lineCounter: lines });
  expect(lines.linePos(5)).toEqual({ line: 2, col: 1 });
});

test.each(["[", "{", "{a: ", "- ", "? "])("a text of %j again and again is refused", (piece) => {
  expect(() => read(piece.repeat(1_000_000))).toThrow(RangeError);
  expect(() => checkYamlDepth(piece.repeat(1_000_000))).toThrow("it is nested too deeply");
});

test("what people write is far from the limit", () => {
  const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  expect(() => checkYamlDepth(deep(MAX_YAML_DEPTH - 10))).not.toThrow();
  expect(() => checkYamlDepth(deep(MAX_YAML_DEPTH + 1))).toThrow(RangeError);
});
