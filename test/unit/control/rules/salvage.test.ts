import { expect, test } from "vitest";
import { LineCounter, parseDocument } from "yaml";
import { listOf, text, whole } from "../../../../src/control/rules/kinds/istio-values.ts";
import { object } from "../../../../src/control/rules/kinds/shapes.ts";
import { salvage } from "../../../../src/control/rules/salvage.ts";

const inner = object({ name: { shape: text, required: true }, size: { shape: whole(1, 9) } });
const shape = object({
  list: { shape: listOf(text) },
  inner: { shape: inner },
  all: { shape: listOf(inner), as: "every" },
});

function read(yaml: string, budget = 1_000) {
  const lines = new LineCounter();
  const report = () => expect.unreachable("nothing is reported");
  const context = { file: "a.yaml", lines, report, budget };
  const { value, wrong } = salvage(parseDocument(yaml, { lineCounter: lines }).contents, shape, context);
  return {
    value: JSON.parse(JSON.stringify(value, (key, one) => (key === "at" ? undefined : one))),
    wrong: [...wrong],
  };
}

test("fields that are right are read, and of lists and objects with a fault what is right in them", () => {
  expect(read("{list: [a, 5, b], inner: {name: n, size: 10}, all: [{name: x}, {size: 2}, 7]}")).toEqual({
    value: { list: ["a", "b"], inner: { name: "n" }, every: [{ name: "x" }, { size: 2 }, {}] },
    wrong: ["list", "inner", "all"],
  });
  expect(read("{list: [a], inner: {name: n}}")).toEqual({ value: { list: ["a"], inner: { name: "n" } }, wrong: [] });
});

test("fields that are not known are wrong, and what is no object has none", () => {
  expect(read("{lists: [a], 5: 6}")).toEqual({ value: {}, wrong: ["lists", "5"] });
  expect(read("text")).toEqual({ value: {}, wrong: [] });
  expect(read("")).toEqual({ value: {}, wrong: [] });
});

test("no more is read than may be", () => {
  expect(read("{list: [a], inner: {name: n}}", 2)).toEqual({ value: { list: ["a"], inner: {} }, wrong: ["inner"] });
});
