import { expect, test } from "vitest";
import { VersionSet } from "../../../src/model/version-set.ts";

const names = Array.from({ length: 2_000 }, (_, index) => `com.acme.service${index}`);

function setOf(list: readonly string[], versionOf: (name: string) => string = (name) => `of ${name}`): VersionSet {
  const set = new VersionSet();
  for (const name of list) set.set(name, versionOf(name));
  return set;
}

test("the order in which things come does not count", () => {
  expect(setOf(names).version).toBe(setOf(names.toReversed()).version);
  expect(setOf(names).version).toMatch(/^[0-9a-f]{16}$/);
});

test.each([
  { name: "another version of one", set: () => setOf(names, (name) => (name.endsWith("77") ? "other" : `of ${name}`)) },
  { name: "one less", set: () => setOf(names.slice(1)) },
  { name: "one more", set: () => setOf([...names, "one more"]) },
  { name: "two that have each other's version", set: () => setOf(names, (name) => `of ${swapped(name)}`) },
  { name: "nothing at all", set: () => setOf([]) },
])("$name makes another version", ({ set }) => {
  expect(set().version).not.toBe(setOf(names).version);
});

function swapped(name: string): string {
  if (name === names[0]) return names[1]!;
  return name === names[1] ? names[0]! : name;
}

test("what changed and changed back leaves the version as it was", () => {
  const set = setOf(names);
  const before = set.version;
  set.set(names[5]!, "other");
  set.delete(names[6]!);
  set.set("new", "1");
  expect(set.version).not.toBe(before);
  set.set(names[5]!, `of ${names[5]}`);
  set.set(names[6]!, `of ${names[6]}`);
  set.delete("new");
  expect(set.version).toBe(before);
});
