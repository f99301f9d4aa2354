import { expect, test } from "vitest";
import { forgetOldest } from "../../../src/base/bounded.ts";

test("what was put in first is forgotten, and no more of it than is over", () => {
  const map = new Map([..."abcd"].map((key, at) => [key, at]));
  forgetOldest(map, 4);
  expect(map.size).toBe(4);
  map.delete("a");
  map.set("a", 9);
  forgetOldest(map, 2);
  expect([...map]).toEqual([
    ["d", 3],
    ["a", 9],
  ]);
  const set = new Set("xyz");
  forgetOldest(set, 0);
  expect(set.size).toBe(0);
});

test("who keeps more than the map takes things out by itself", () => {
  const set = new Set("abc");
  const gone: string[] = [];
  forgetOldest(set, 1, (key) => {
    gone.push(key);
    set.delete(key);
  });
  expect(gone).toEqual(["a", "b"]);
  expect([...set]).toEqual(["c"]);
});
