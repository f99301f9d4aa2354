import { beforeEach, describe, expect, test } from "vitest";
import { OPEN_ACL } from "../../../../src/codecs/zookeeper/records.ts";
import { Tree } from "../../../../src/registry-sync/embedded/tree.ts";

let tree: Tree;
let zxid: bigint;
const allow = () => {};

beforeEach(() => {
  tree = new Tree({ maxNodes: 20, maxBytes: 10_000 });
  zxid = 10n;
});

function txn() {
  return { zxid: ++zxid, timeMs: 1000 + Number(zxid) };
}

function make(
  path: string,
  more: { owner?: bigint; sequential?: boolean; container?: boolean; bytes?: number } = {},
): string {
  const { owner = 0n, sequential = false, container = false, bytes = 1 } = more;
  return tree.create({ path, data: new Uint8Array(bytes), acl: OPEN_ACL, owner, sequential, container }, txn(), allow);
}

test("a fresh tree has the nodes of a fresh server", () => {
  expect(tree.nodeCount).toBe(4);
  expect(tree.read("/").children).toEqual(["zookeeper"]);
  expect(tree.stat("/zookeeper")).toMatchObject({ cversion: -2, numChildren: 2 });
  expect(tree.stat("/zookeeper/config")).toMatchObject({ aversion: -1, version: 0 });
});

test("creating and removing children counts in the parent's Stat as on a server", () => {
  make("/a");
  make("/a/b");
  make("/a/c");
  tree.delete("/a/b", -1, txn(), allow);
  expect(tree.stat("/a")).toMatchObject({
    czxid: 11n,
    mzxid: 11n,
    pzxid: 14n,
    cversion: 3,
    numChildren: 1,
    version: 0,
  });
});

test("data has a version, a time and a length", () => {
  make("/a");
  expect(tree.setData("/a", Uint8Array.of(1, 2, 3), 0, txn(), allow)).toMatchObject({
    version: 1,
    czxid: 11n,
    mzxid: 12n,
    ctime: 1011n,
    mtime: 1012n,
    dataLength: 3,
  });
});

test("sequential names count creations, not what is left", () => {
  expect(make("/s-", { sequential: true })).toBe("/s-0000000000");
  tree.delete("/s-0000000000", -1, txn(), allow);
  expect(make("/s-", { sequential: true })).toBe("/s-0000000001");
});

describe("refusals", () => {
  const rows: readonly { readonly name: string; readonly run: () => unknown; readonly reason: string }[] = [
    { name: "a name without a slash", run: () => make("nop"), reason: "badArguments" },
    { name: "a relative part", run: () => make("/a/.."), reason: "badArguments" },
    { name: "a missing parent", run: () => make("/q/r"), reason: "noNode" },
    { name: "what is there already", run: () => make("/a"), reason: "nodeExists" },
    { name: "a child of an ephemeral", run: () => make("/e/x"), reason: "noChildrenForEphemerals" },
    { name: "removing a parent", run: () => tree.delete("/a", -1, txn(), allow), reason: "notEmpty" },
    { name: "removing the root", run: () => tree.delete("/", -1, txn(), allow), reason: "badArguments" },
    {
      name: "removing the server's own",
      run: () => tree.delete("/zookeeper/quota", -1, txn(), allow),
      reason: "badArguments",
    },
    { name: "removing another version", run: () => tree.delete("/a/b", 3, txn(), allow), reason: "badVersion" },
    { name: "setting another version", run: () => tree.setData("/a", null, 3, txn(), allow), reason: "badVersion" },
    { name: "setting what is not there", run: () => tree.setData("/x", null, -1, txn(), allow), reason: "noNode" },
    { name: "checking another version", run: () => tree.check("/a", 1, allow), reason: "badVersion" },
    { name: "too many bytes", run: () => make("/big", { bytes: 20_000 }), reason: "systemError" },
    {
      name: "too many nodes",
      run: () => Array.from({ length: 20 }, (_, index) => make(`/n${index}`)),
      reason: "systemError",
    },
  ];
  test.each(rows)("$name: $reason", ({ run, reason }) => {
    make("/a");
    make("/a/b");
    make("/e", { owner: 5n });
    let thrown: unknown;
    try {
      run();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ name: "ZooKeeperError", reason });
  });
});

test("what fails in a batch takes back all that went before it, bytes and counters too", () => {
  make("/a");
  make("/a/b", { owner: 5n });
  const before = { a: tree.stat("/a"), b: tree.stat("/a/b"), bytes: tree.bytes, nodes: tree.nodeCount };
  expect(() =>
    tree.atomically(() => {
      make("/a/new", { owner: 6n });
      tree.setData("/a", new Uint8Array(100), -1, txn(), allow);
      tree.delete("/a/b", -1, txn(), allow);
      make("/q/r");
    }),
  ).toThrow("no node");
  expect({ a: tree.stat("/a"), b: tree.stat("/a/b"), bytes: tree.bytes, nodes: tree.nodeCount }).toEqual(before);
  expect(tree.ephemeralsOf(5n)).toEqual(["/a/b"]);
  expect(tree.ephemeralsOf(6n)).toEqual([]);
});

test("a session's nodes go with it", () => {
  make("/e1", { owner: 5n });
  make("/e2", { owner: 5n });
  make("/e3", { owner: 6n });
  expect([...tree.dropSession(5n, txn())].sort()).toEqual(["/e1", "/e2"]);
  expect(tree.ephemeralOwners()).toEqual([6n]);
  expect(tree.ephemeralCount).toBe(1);
  expect(tree.stat("/")).toMatchObject({ pzxid: zxid });
});

test("a container is empty once it has had children and has none", () => {
  make("/c", { container: true });
  expect(tree.emptyContainers()).toEqual([]);
  make("/c/x");
  expect(tree.emptyContainers()).toEqual([]);
  tree.delete("/c/x", -1, txn(), allow);
  expect(tree.emptyContainers()).toEqual(["/c"]);
});

test("nodes below are counted at any depth, and no neighbours", () => {
  for (const path of ["/a", "/a/b", "/a/b/c", "/ab"]) make(path);
  expect(tree.countBelow("/a", allow)).toBe(2);
  expect(tree.countBelow("/", allow)).toBe(7);
});
