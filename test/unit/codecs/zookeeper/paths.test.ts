import { expect, test } from "vitest";
import { childPath, nodeName, parentPath, pathFault } from "../../../../src/codecs/zookeeper/paths.ts";

const rows: readonly (readonly [string, string | undefined])[] = [
  ["/", undefined],
  ["/a", undefined],
  ["/a/.b/c..", undefined],
  ["/dubbo/é中", undefined],
  ["", "path is empty"],
  ["a", "path does not start with a slash"],
  ["/a/", "path ends with a slash"],
  ["/a//b", "path has an empty part"],
  ["/a/./b", "path has a relative part"],
  ["/a/..", "path has a relative part"],
  ["/a\u0000", "path has a forbidden character"],
  ["/a\u001f", "path has a forbidden character"],
  ["/a\u007f", "path has a forbidden character"],
  // Seen: a 3.8 server refuses what is outside the basic plane.
  ["/a😀", "path has a forbidden character"],
];

test.each(rows)("%j: %s", (path, fault) => {
  expect(pathFault(path)).toBe(fault);
});

test("parents, names and children fit together", () => {
  expect([parentPath("/a/b"), parentPath("/a"), parentPath("/")]).toEqual(["/a", "/", "/"]);
  expect([nodeName("/a/b"), nodeName("/")]).toEqual(["b", ""]);
  expect([childPath("/", "a"), childPath("/a", "b")]).toEqual(["/a", "/a/b"]);
});
