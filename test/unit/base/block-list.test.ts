import { expect, test } from "vitest";
import { BlockList, sameItems } from "../../../src/base/block-list.ts";
import fc from "../../support/fast-check.ts";

test("blocks stand in order of their keys, items in their own order", () => {
  const list = new BlockList<number>();
  list.replace("b", [3, 2]);
  list.replace("a", [9]);
  list.replace("c", [1]);
  expect(list.get()).toEqual([9, 3, 2, 1]);
});

test("a list handed out stays as it was", () => {
  const list = new BlockList<number>();
  list.replace("a", [1]);
  const before = list.get();
  list.replace("a", [2]);
  expect(before).toEqual([1]);
});

test("the same items are no change and keep the list's identity", () => {
  const list = new BlockList<number>();
  expect(list.replace("a", [1, 2])).toBe(true);
  const before = list.get();
  expect(list.replace("a", [1, 2])).toBe(false);
  expect(list.replace("nothing", [])).toBe(false);
  expect(list.get()).toBe(before);
});

test("any run of replacements gives what sorting all blocks gives", () => {
  const step = fc.tuple(fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz"), fc.array(fc.nat(9), { maxLength: 3 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const list = new BlockList<number>();
      const blocks = new Map<string, readonly number[]>();
      for (const [key, items] of steps) {
        list.replace(key, items);
        blocks.set(key, items);
        if (items.length === 1) continue;
        expect(list.get()).toEqual([...blocks].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, all]) => all));
      }
    }),
  );
});

test("lists are the same when their items are the very same", () => {
  const item = {};
  expect(sameItems([item], [item])).toBe(true);
  expect(sameItems([item], [{}])).toBe(false);
  expect(sameItems([item], [item, item])).toBe(false);
});
