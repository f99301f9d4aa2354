import { describe, expect, test } from "vitest";
import { diffLists, indexOf, listVersion, type ServedList } from "../../../../src/codecs/xds/served.ts";

/** `a1` is the resource `a` of version 1. */
const list = (text: string): ServedList =>
  text.split(" ").flatMap((one) => (one === "" ? [] : [{ name: one[0]!, version: one.slice(1), resource: {} }]));
const print = (resources: ServedList): string => resources.map(({ name, version }) => name + version).join(" ");

describe("lists of resources", () => {
  const rows: readonly (readonly [string, string, string, string, string])[] = [
    ["nothing changed", "a1 b1", "a1 b1", "", ""],
    ["one of another version", "a1 b1 c1", "a1 b2 c1", "b2", ""],
    ["one more at each end", "b1", "a1 b1 c1", "a1 c1", ""],
    ["one less at each end", "a1 b1 c1", "b1", "", "a1 c1"],
    ["all others", "a1 c1", "b1 d1", "b1 d1", "a1 c1"],
    ["from nothing", "", "a1", "a1", ""],
    ["to nothing", "a1", "", "", "a1"],
  ];
  test.each(rows)("%s", (_name, before, next, changed, removed) => {
    const diff = diffLists(list(before), list(next));
    expect([print(diff.changed), print(diff.removed)]).toEqual([changed, removed]);
  });

  test("two clients on the same way share one comparison", () => {
    const [one, other] = [list("a1"), list("a2")];
    expect(diffLists(one, other)).toBe(diffLists(one, other));
    expect(print(diffLists(one, list("a3")).changed)).toBe("a3");
    expect(print(diffLists(one, other).changed)).toBe("a2");
  });

  test("a list's version is that of its names and versions", () => {
    expect(listVersion(list("a1 b1"))).toBe(listVersion(list("a1 b1")));
    expect(listVersion(list("a1 b1"))).not.toBe(listVersion(list("a1 b2")));
    expect(listVersion(list("a1"))).not.toBe(listVersion(list("")));
  });

  test("a resource is found by its name", () => {
    const all = list("a1 b2");
    expect(indexOf(all).get("b")?.version).toBe("2");
    expect(indexOf(all).get("c")).toBeUndefined();
    expect(indexOf(all)).toBe(indexOf(all));
  });
});
