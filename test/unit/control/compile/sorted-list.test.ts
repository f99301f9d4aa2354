import { expect, test } from "vitest";
import type { NamedResource } from "../../../../src/codecs/xds/resources.ts";
import { listVersion } from "../../../../src/codecs/xds/served.ts";
import { type KnownLists, SortedList } from "../../../../src/control/compile/sorted-list.ts";

const one = (name: string, version = "1"): NamedResource => ({ name, version, resource: { name } as never });
function listOf(names: readonly string[], known?: KnownLists): SortedList<NamedResource> {
  const list = new SortedList<NamedResource>(known);
  for (const name of names) list.put(name, one(name));
  return list;
}
const names = (list: SortedList<NamedResource>) => list.list.map(({ name }) => name);

test("resources stand in order of their names, and the list is the same while nothing changes", () => {
  const list = listOf(["b", "a"]);
  const before = list.list;
  expect(names(list)).toEqual(["a", "b"]);
  list.put("a", one("a"));
  list.put("c", undefined);
  expect(list.list).toBe(before);
});

test("one is changed and taken away alone; many at once give the same", () => {
  const many = Array.from({ length: 60 }, (_, i) => `n${String(i).padStart(2, "0")}`);
  const list = listOf(many);
  const before = list.list;
  list.put("n07", one("n07", "2"));
  list.put("n08", undefined);
  list.put("n08a", one("n08a"));
  expect(names(list)).toEqual([...many.slice(0, 8), "n08a", ...many.slice(9)]);
  expect(list.list.filter((each) => !before.includes(each)).map(({ name }) => name)).toEqual(["n07", "n08a"]);
  for (const name of [...many.slice(0, 40), "n08a"]) list.put(name, undefined);
  expect(names(list)).toEqual(many.slice(40));
});

test("the version is that of the content, whatever came before, and is the list's", () => {
  const [some, other] = [listOf(["a", "b", "c"]), listOf(["c", "a"])];
  expect(some.version).not.toBe(other.version);
  some.put("b", undefined);
  expect(some.version).toBe(other.version);
  expect(listVersion(some.list)).toBe(some.version);
  some.put("a", one("a", "2"));
  expect(some.version).not.toBe(other.version);
});

test("lists of the same content are one list", () => {
  const known: KnownLists = new Map();
  expect(listOf(["a", "b"], known).list).toBe(listOf(["b", "a"], known).list);
  expect(listOf(["a"], known).list).not.toBe(listOf(["b"], known).list);
});
