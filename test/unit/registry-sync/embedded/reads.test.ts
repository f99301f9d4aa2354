import { beforeEach, expect, test } from "vitest";
import { digestIdentity } from "../../../../src/registry-sync/embedded/acl.ts";
import { answerRead, type LookRequest, type ReadContext } from "../../../../src/registry-sync/embedded/reads.ts";
import { Tree } from "../../../../src/registry-sync/embedded/tree.ts";

const bob = digestIdentity(Buffer.from("bob:secret"));
const world = { perms: 31, scheme: "world", id: "anyone" };
const watched: string[] = [];
let tree: Tree;

function ask(request: LookRequest, identities: ReadContext["identities"] = []) {
  const watchData = (path: string) => watched.push(`data ${path}`);
  const watchChildren = (path: string) => watched.push(`children ${path}`);
  return answerRead(request, { tree, session: 5n, identities, watchData, watchChildren });
}

beforeEach(() => {
  watched.length = 0;
  tree = new Tree({ maxNodes: 100, maxBytes: 10_000 });
  const make = (path: string, acl: readonly { perms: number; scheme: string; id: string }[], owner = 0n) =>
    tree.create(
      { path, data: Uint8Array.of(1), acl, owner, sequential: false, container: false },
      { zxid: 1n, timeMs: 1 },
      () => {},
    );
  make("/a", [world]);
  make("/a/e", [world], 5n);
  make("/mine", [{ perms: 31, ...bob }]);
  make("/seen", [
    { perms: 31, ...bob },
    { ...world, perms: 1 },
  ]);
});

test("reads leave the watches that they ask for", () => {
  expect(ask({ op: "getData", path: "/a", watch: true })).toMatchObject({
    data: Uint8Array.of(1),
    stat: { numChildren: 1 },
  });
  expect(ask({ op: "getChildren2", path: "/a", watch: true })).toMatchObject({ children: ["e"] });
  ask({ op: "getChildren", path: "/", watch: false });
  expect(() => ask({ op: "getData", path: "/no", watch: true })).toThrow("no node");
  expect(watched).toEqual(["data /a", "children /a"]);
});

test("exists leaves a watch also where there is no node", () => {
  expect(() => ask({ op: "exists", path: "/no", watch: true })).toThrow("no node");
  expect(watched).toEqual(["data /no"]);
});

test("what others may not read is kept from them, but not that it exists", () => {
  for (const op of ["getData", "getChildren"] as const) {
    expect(() => ask({ op, path: "/mine", watch: true })).toThrow("no auth");
    ask({ op, path: "/mine", watch: false }, [bob]);
  }
  expect(() => ask({ op: "getACL", path: "/mine" })).toThrow("no auth");
  expect(() => ask({ op: "getAllChildrenNumber", path: "/mine" })).toThrow("no auth");
  expect(ask({ op: "exists", path: "/mine", watch: false })).toMatchObject({ op: "exists" });
  expect(watched).toEqual([]);
});

test("hashes of passwords are told to those who may administer alone", () => {
  expect(ask({ op: "getACL", path: "/seen" })).toMatchObject({ acl: [{ id: "bob:x" }, { id: "anyone" }] });
  expect(ask({ op: "getACL", path: "/seen" }, [bob])).toMatchObject({ acl: [{ id: bob.id }, { id: "anyone" }] });
});

test.each([
  ["/", ["/a/e"]],
  ["", ["/a/e"]],
  ["/a", ["/a/e"]],
  ["/b", []],
])("the session's ephemerals under %j are %j", (path, paths) => {
  expect(ask({ op: "getEphemerals", path })).toEqual({ op: "getEphemerals", paths });
});

test("one is told who one is, without the hash", () => {
  expect(ask({ op: "whoAmI" }, [bob, { scheme: "ip", id: "::1" }])).toEqual({
    op: "whoAmI",
    clients: [
      { scheme: "digest", user: "bob" },
      { scheme: "ip", user: "::1" },
    ],
  });
});

test("many reads in one fail each for itself", () => {
  const ops = ["/a", "/mine", "/no"].map((path) => ({ op: "getData", path, watch: false }) as const);
  expect(ask({ op: "multiRead", ops })).toMatchObject({
    results: [{ op: "getData" }, { op: "error", err: -102 }, { op: "error", err: -101 }],
  });
  expect(() => ask({ op: "multiRead", ops: [{ op: "delete", path: "/a", version: -1 }] })).toThrow("marshalling error");
});
