import { expect, test } from "vitest";
import { VersionedList } from "../../../../src/control/compile/versioned-list.ts";

test("things stand in order of their names, and the list is the same while nothing changes", () => {
  const list = new VersionedList<string>();
  list.put("b", "B", "1");
  list.put("a", "A", "1");
  const before = list.list;
  expect(before).toEqual(["A", "B"]);
  list.put("a", "another of the same version", "1");
  expect(list.list).toBe(before);
});

test("the version is that of all, whatever the order they came in", () => {
  const [one, other] = [new VersionedList<string>(), new VersionedList<string>()];
  one.put("a", "A", "1");
  one.put("b", "B", "2");
  other.put("b", "B", "2");
  other.put("a", "A", "1");
  expect(one.version).toBe(other.version);
  other.put("a", undefined, undefined);
  expect(other.list).toEqual(["B"]);
  expect(one.version).not.toBe(other.version);
});
