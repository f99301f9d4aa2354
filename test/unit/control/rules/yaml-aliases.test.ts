import { expect, test } from "vitest";
import { isMap, parseDocument } from "yaml";
import { resolveAliases } from "../../../../src/control/rules/yaml-aliases.ts";

/** The document once its aliases are resolved, as a value, and what was wrong. */
function resolved(text: string): { value: unknown; faults: string[] } {
  const document = parseDocument(text);
  const faults: string[] = [];
  const contents = resolveAliases(document.contents, (_, problem) => faults.push(problem));
  return { value: isMap(contents) ? contents.toJSON() : contents, faults };
}

test.each([
  ["an alias", "a: &x {b: 1}\nc: *x", { a: { b: 1 }, c: { b: 1 } }],
  ["an anchor that is set again", "a: &x 1\nb: *x\nc: &x 2\nd: *x", { a: 1, b: 1, c: 2, d: 2 }],
  ["a merge", "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", { a: { b: 1, c: 2 }, d: { c: 3, b: 1 } }],
  ["a merge behind the keys", "a: &x {b: 1, c: 2}\nd: {c: 3, <<: *x}", { a: { b: 1, c: 2 }, d: { c: 3, b: 1 } }],
  ["a merge of several", "d: {<<: [{b: 1}, {b: 2, c: 2}]}", { d: { b: 1, c: 2 } }],
  [
    "a merge of what merges",
    "a: &x {b: 1}\nc: &y {<<: *x, d: 2}\ne: {<<: *y}",
    {
      a: { b: 1 },
      c: { d: 2, b: 1 },
      e: { d: 2, b: 1 },
    },
  ],
  ["a key in quotes", 'a: {"<<": {b: 1}}', { a: { "<<": { b: 1 } } }],
])("%s", (_, text, value) => {
  expect(resolved(text)).toEqual({ value, faults: [] });
});

test.each([
  ["a: {<<: 5}", "<< merges objects alone: *name, or a list of such"],
  ["a: {<<: [{b: 1}, 5]}", "<< merges objects alone: *name, or a list of such"],
  ["a: {<<: *none}", "<< merges objects alone: *name, or a list of such"],
  ["a: &x {<<: *x}", "<< merges the object that it stands in"],
  ["a: &x {b: {<<: *x}}", "<< merges the object that it stands in"],
])("%s is wrong", (text, fault) => {
  expect(resolved(text).faults).toEqual([fault]);
});

test("maps that merge one another many times over are given up, once, and soon", () => {
  const began = performance.now();
  const wide = Array.from({ length: 1_000 }, (_, i) => `k${i}: 1`).join(", ");
  const text = `a: &a {${wide}}\nb: [${Array.from({ length: 2_000 }, () => "{<<: *a}").join(", ")}]`;
  expect(resolved(text).faults).toEqual(["<< merges more than 100000 keys in one document"]);
  const doubling = Array.from({ length: 60 }, (_, i) => `a${i + 1}: &a${i + 1} {<<: [*a${i}, *a${i}], k${i}: 1}`);
  expect(resolved(["a0: &a0 {b: 1}", ...doubling].join("\n")).faults).toEqual([]);
  expect(performance.now() - began).toBeLessThan(5_000);
});
