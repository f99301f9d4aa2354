import { beforeEach, expect, test } from "vitest";
import type { Change } from "../../../../src/registry-sync/embedded/tree.ts";
import { Watches } from "../../../../src/registry-sync/embedded/watches.ts";

let watches: Watches<string>;

beforeEach(() => {
  watches = new Watches(3);
});

function fire(type: Change["type"], path: string): string[] {
  return watches.fire({ type, path }).map(({ watcher, type: told, path: at }) => `${watcher} ${told} ${at}`);
}

test("a data watch fires once, for creation, change or removal", () => {
  for (const type of ["created", "dataChanged", "deleted"] as const) {
    watches.addData("/a", "x");
    watches.addData("/a", "x");
    expect(fire(type, "/a")).toEqual([`x ${{ created: 1, dataChanged: 3, deleted: 2 }[type]} /a`]);
    expect(fire(type, "/a")).toEqual([]);
  }
});

test("a child watch fires once for a child that comes or goes, not for its data", () => {
  watches.addChildren("/", "x");
  expect(fire("dataChanged", "/a")).toEqual([]);
  expect(fire("created", "/a")).toEqual(["x 4 /"]);
  expect(fire("deleted", "/a")).toEqual([]);
});

test("who watches data and children is told of a removal once", () => {
  watches.addData("/a", "x");
  watches.addChildren("/a", "x");
  watches.addChildren("/a", "y");
  expect(fire("deleted", "/a")).toEqual(["x 2 /a", "y 2 /a"]);
  expect(watches.count).toBe(0);
});

test("a persistent watch stays and sees both kinds", () => {
  watches.addPersistent("/a", "x", false);
  expect(fire("dataChanged", "/a")).toEqual(["x 3 /a"]);
  expect(fire("created", "/a/b")).toEqual(["x 4 /a"]);
  expect(fire("dataChanged", "/a/b")).toEqual([]);
  expect(fire("deleted", "/a")).toEqual(["x 2 /a"]);
  expect(fire("created", "/a")).toEqual(["x 1 /a"]);
});

test("a recursive watch sees everything below, and no lists of children", () => {
  watches.addPersistent("/a", "x", true);
  expect(fire("created", "/a/b/c")).toEqual(["x 1 /a/b/c"]);
  expect(fire("dataChanged", "/a")).toEqual(["x 3 /a"]);
  expect(fire("deleted", "/a/b/c")).toEqual(["x 2 /a/b/c"]);
  expect(fire("created", "/ab")).toEqual([]);
  watches.addPersistent("/", "y", true);
  expect(fire("created", "/z")).toEqual(["y 1 /z"]);
});

test("a one-shot watch beside a persistent one leaves it standing", () => {
  watches.addPersistent("/a", "x", false);
  watches.addData("/a", "x");
  expect(fire("dataChanged", "/a")).toEqual(["x 3 /a"]);
  expect(fire("dataChanged", "/a")).toEqual(["x 3 /a"]);
});

test("watches are found and removed by kind", () => {
  watches.addData("/a", "x");
  watches.addChildren("/a", "x");
  expect([watches.has("/a", "x", 1), watches.has("/a", "x", 2), watches.has("/a", "y", 3)]).toEqual([
    true,
    true,
    false,
  ]);
  expect(watches.remove("/a", "x", 1)).toBe(true);
  expect(watches.remove("/a", "x", 1)).toBe(false);
  expect(fire("created", "/a/b")).toEqual([]);
  expect(watches.remove("/a", "x", 3)).toBe(true);
  expect(watches.count).toBe(0);
});

test("a watcher that is gone is told nothing, and leaves nothing", () => {
  watches.addData("/a", "x");
  watches.addPersistent("/", "x", true);
  watches.addData("/a", "y");
  watches.drop("x");
  expect(fire("dataChanged", "/a")).toEqual(["y 3 /a"]);
  expect(watches.count).toBe(0);
  expect(watches.byPath().size).toBe(0);
});

test("one watcher has no more paths than it may", () => {
  for (const path of ["/1", "/2", "/3", "/3"]) watches.addData(path, "x");
  expect(() => watches.addData("/4", "x")).toThrow("system error");
  watches.addData("/4", "y");
});
