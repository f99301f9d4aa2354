import { beforeEach, expect, test } from "vitest";
import type { MultiOp, Request } from "../../../../src/codecs/zookeeper/requests.ts";
import { Tree } from "../../../../src/registry-sync/embedded/tree.ts";
import { applyWrite, isWrite, type WriteContext } from "../../../../src/registry-sync/embedded/writes.ts";

const OPEN = [{ perms: 31, scheme: "world", id: "anyone" }];
const create = (path: string, flags = 0, op: "create" | "create2" | "createContainer" = "create") =>
  ({ op, path, data: null, acl: OPEN, flags }) as const;
let context: WriteContext;

beforeEach(() => {
  const tree = new Tree({ maxNodes: 100, maxBytes: 10_000 });
  context = { tree, session: 5n, identities: [], txn: { zxid: 9n, timeMs: 1 } };
});

test("writes are told from reads", () => {
  const read: Request = { op: "getData", path: "/", watch: false };
  expect([isWrite(create("/a")), isWrite({ op: "multi", ops: [] }), isWrite(read)]).toEqual([true, true, false]);
});

test.each([
  [0, "/a", 0n],
  [1, "/a", 5n],
  [2, "/a0000000000", 0n],
  [3, "/a0000000000", 5n],
])("a create with flags %i makes %s", (flags, path, owner) => {
  const { reply, changes } = applyWrite(create("/a", flags), context);
  expect(reply).toEqual({ op: "create", path });
  expect(changes).toEqual([{ type: "created", path }]);
  expect(context.tree.stat(path)?.ephemeralOwner).toBe(owner);
});

test.each([
  [5, "unimplemented"],
  [6, "unimplemented"],
  [9, "bad arguments"],
  [-1, "bad arguments"],
])("a create with flags %i is refused: %s", (flags, reason) => {
  expect(() => applyWrite(create("/a", flags), context)).toThrow(reason);
});

test("a multi does all and tells each as a 3.8 server does", () => {
  const ops: MultiOp[] = [
    create("/a"),
    create("/b", 0, "create2"),
    create("/c", 4, "createContainer"),
    { op: "setData", path: "/a", data: null, version: 0 },
    { op: "delete", path: "/b", version: 0 },
  ];
  const { reply, changes } = applyWrite({ op: "multi", ops }, context);
  expect(reply).toMatchObject({
    results: [
      { op: "create", path: "/a" },
      { op: "create", path: "/b" },
      { op: "create2" },
      { op: "setData" },
      { op: "delete" },
    ],
  });
  expect(changes.map(({ type, path }) => `${type} ${path}`)).toEqual([
    "created /a",
    "created /b",
    "created /c",
    "dataChanged /a",
    "deleted /b",
  ]);
});

test("a multi that fails does nothing, and names the culprit", () => {
  const ops: MultiOp[] = [create("/a"), { op: "check", path: "/", version: 4 }, create("/b")];
  const { reply, changes } = applyWrite({ op: "multi", ops }, context);
  expect(reply).toEqual({
    op: "multi",
    results: [
      { op: "error", err: 0 },
      { op: "error", err: -103 },
      { op: "error", err: -2 },
    ],
  });
  expect(changes).toEqual([]);
  expect(context.tree.stat("/a")).toBeUndefined();
});

test("a read in a multi of writes can't be made sense of, and nothing is done", () => {
  const ops: MultiOp[] = [create("/a"), { op: "getData", path: "/", watch: false }];
  expect(() => applyWrite({ op: "multi", ops }, context)).toThrow("marshalling error");
  expect(context.tree.stat("/a")).toBeUndefined();
});

test("leave is asked for: of the parent to create and delete, of the node to set", () => {
  applyWrite({ ...create("/a"), acl: [{ perms: 1, scheme: "world", id: "anyone" }] }, context);
  expect(() => applyWrite(create("/a/b"), context)).toThrow("no auth (-102) for /a/b");
  expect(() => applyWrite({ op: "setData", path: "/a", data: null, version: -1 }, context)).toThrow("no auth");
  expect(() => applyWrite({ op: "setACL", path: "/a", acl: OPEN, version: -1 }, context)).toThrow("no auth");
  applyWrite({ op: "delete", path: "/a", version: -1 }, context);
});
