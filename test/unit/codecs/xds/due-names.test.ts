import { describe, expect, test } from "vitest";
import { DueNames } from "../../../../src/codecs/xds/due-names.ts";
import type { ServedList } from "../../../../src/codecs/xds/served.ts";

const listOf = (...names: string[]): ServedList => names.map((name) => ({ name, version: "1", resource: {} }));

describe("names that a client is to be told of", () => {
  test("all of a list are given as that list", () => {
    const due = new DueNames();
    const list = listOf("a", "b");
    due.addAll(list);
    expect([due.size, due.list()]).toEqual([2, ["a", "b"]]);
    expect(due.takeAll(2)).toBe(list);
    expect([due.size, due.takeAll(2)]).toEqual([0, undefined]);
  });

  test("a list that took another's place is due in its stead", () => {
    const due = new DueNames();
    const [before, next] = [listOf("a"), listOf("a", "b")];
    due.addAll(before);
    expect(due.moveAll(listOf("a"), next)).toBe(false);
    expect(due.moveAll(before, next)).toBe(true);
    expect(due.takeAll(9)).toBe(next);
  });

  test("a list that is too long for one response goes out in parts", () => {
    const due = new DueNames();
    due.addAll(listOf("a", "b", "c"));
    expect(due.takeAll(2)).toBeUndefined();
    expect([due.take(2), due.take(2), due.take(2)]).toEqual([["a", "b"], ["c"], []]);
  });

  test("what a client has of a list is not due", () => {
    const due = new DueNames();
    const list = listOf("a", "b", "c");
    due.addAll(list);
    due.deleteAll(list, Uint8Array.of(0, 0, 0));
    expect(due.takeAll(9)).toBe(list);
    due.addAll(list);
    due.deleteAll(list, Uint8Array.of(1, 0, 1));
    expect(due.list()).toEqual(["b"]);
    due.add("z");
    due.deleteAll(list, Uint8Array.of(1, 1, 0));
    expect([due.list(), due.takeAll(9)]).toEqual([["z"], undefined]);
  });

  test("names come to a list and go from it", () => {
    const due = new DueNames();
    due.add("z");
    due.addAll(listOf("a", "z"));
    due.add("b");
    due.delete("a");
    expect(due.list()).toEqual(["z", "b"]);
    due.clear();
    due.addAll(listOf("a", "b", "c"));
    due.delete("b");
    due.delete("x");
    expect([due.takeAll(9), due.list()]).toEqual([undefined, ["a", "c"]]);
    due.keep((name) => name === "c");
    expect(due.take(9)).toEqual(["c"]);
    due.delete("c");
    due.addAll([]);
    expect(due.size).toBe(0);
  });
});
