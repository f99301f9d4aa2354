import { expect, test } from "vitest";
import { isTarget, keyText, memberAt, parsePath, printPath } from "../../../../src/codecs/fastjson2/paths.ts";
import { listValue, mapValue, objectValue } from "../../../../src/codecs/value.ts";

test.each([
  ["$", []],
  ["$.a[0].b", ["a", 0, "b"]],
  ["$.a\\.b", ["a.b"]],
])("%s is a path, both ways", (path, steps) => {
  expect(parsePath(path)).toEqual(steps);
  expect(printPath(steps)).toBe(path);
});

test.each(["", "a", "$a", "$[x]", "$[1", "$[-1]"])("%s is none", (path) => {
  expect(parsePath(path)).toBeUndefined();
});

test("a step leads to a member, the last where names repeat, and costs what is looked at", () => {
  const budget = { steps: 10 };
  const map = mapValue([
    ["a", 1],
    [2, "two"],
    ["a", 3],
  ]);
  expect([memberAt(map, "a", budget), memberAt(map, "2", budget), memberAt(map, "x", budget)]).toEqual([
    3,
    "two",
    undefined,
  ]);
  expect(budget.steps).toBe(4);
  expect(memberAt(listValue([7]), 0, budget)).toBe(7);
  expect(memberAt(objectValue("A", [["f", 8]]), "f", budget)).toBe(8);
  expect(memberAt(objectValue("A", [["f", 8]]), "f", { steps: 0 })).toBeUndefined();
});

test("only containers are meant by references, and only plain keys stand in paths", () => {
  expect([isTarget(listValue([])), isTarget("a"), isTarget(null)]).toEqual([true, false, false]);
  expect([keyText("a"), keyText(1n), keyText(null)]).toEqual(["a", "1", undefined]);
});
