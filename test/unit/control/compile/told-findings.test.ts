import { expect, test } from "vitest";
import { ToldFindings } from "../../../../src/control/compile/told-findings.ts";
import type { Finding } from "../../../../src/model/entry.ts";

const finding = (message: string): Finding => ({ code: "TR0701", severity: "warning", message, at: "x" });

test("what is true of several clients is told once, and of each what is true of it alone", () => {
  const told = new ToldFindings();
  const world = {};
  const [a, b, c] = [finding("a"), finding("b"), finding("c")];
  told.tell(world, [a, b], []);
  told.tell(world, [finding("b"), c]);
  expect(told.of(world)).toEqual([a, b, c]);
});

test("what was said in another world counts no more, though it be the same list", () => {
  const told = new ToldFindings();
  const [before, after] = [{}, {}];
  const list = [finding("a")];
  told.tell(before, list);
  expect(told.of(after)).toEqual([]);
  told.tell(after, list, list);
  expect([told.of(before), told.of(after), told.of(undefined)]).toEqual([[], list, []]);
});

test("no more is told than somebody reads", () => {
  const told = new ToldFindings();
  const world = {};
  told.tell(
    world,
    Array.from({ length: 2_000 }, (_, i) => finding(`${i}`)),
  );
  expect(told.of(world)).toHaveLength(1_000);
});
