import { expect, test } from "vitest";
import { LineCounter, parseAllDocuments } from "yaml";
import { checkYamlDepth, MAX_YAML_DEPTH, readYamlDocuments } from "../../../src/base/yaml-documents.ts";

const read = (text: string) => readYamlDocuments(text, { lineCounter: new LineCounter(), uniqueKeys: true });

test.each(["", "a: 1", "a: 1\n---\n- b\n- {c: [d]}\n", "# only a note\n", "a: [\nb", "a: 1\na: 2"])(
  "%j is read as the package reads it",
  (text) => {
    const all = parseAllDocuments(text, { prettyErrors: false, uniqueKeys: true });
    const told = (documents: readonly { toJSON(): unknown; errors: readonly Error[] }[]) =>
      documents.map((one) => [one.errors.map(({ message }) => message), one.errors.length > 0 ? 0 : one.toJSON()]);
    expect(told(read(text))).toEqual(told(Array.isArray(all) ? all : []));
  },
);

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
