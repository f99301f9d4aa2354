import { expect, test } from "vitest";
import { Needs } from "../../../../src/control/compile/needs.ts";

const need = (name: string, host = name) => ({ name, entry: undefined, host, subset: "" });

test("a cluster is needed until its last user leaves it", () => {
  const needs = new Needs();
  const touched = new Set<string>();
  needs.set("a", [need("x"), need("y")], [], touched);
  needs.set("b", [need("x", "newer")], [], touched);
  expect(needs.of("x")?.host).toBe("newer");
  needs.set("a", [], [], touched);
  expect([needs.of("x")?.host, needs.of("y")]).toEqual(["newer", undefined]);
  needs.set("b", [], [], touched);
  expect(needs.of("x")).toBeUndefined();
  expect([...touched]).toEqual(["x", "y"]);
});

test("who names a host depends on it", () => {
  const needs = new Needs();
  const dependants = (text: string) => {
    const found = new Set<string>();
    needs.addDependants(text, found);
    return [...found];
  };
  needs.set("a", [], ["x"], new Set());
  needs.set("b", [], ["x", "y"], new Set());
  expect([dependants("x"), dependants("y"), dependants("z")]).toEqual([["a", "b"], ["b"], []]);
  needs.set("b", [], [], new Set());
  expect([dependants("x"), dependants("y")]).toEqual([["a"], []]);
});
