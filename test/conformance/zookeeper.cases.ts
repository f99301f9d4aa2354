import type { Request } from "../../src/codecs/zookeeper/requests.ts";

/**
 * What any server of the ZooKeeper protocol must answer alike: a real one, the embedded registry, a facade before either. Each case
 * runs under a fresh node, named `$` in its paths. A step is one request in the name of client `a`, `b` or `c`; clients open on
 * first use. `zookeeper-transcript.ts` runs the list and writes down all that the clients are told.
 */
export interface ConformanceCase {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** A request, or the end of a client's session. */
export type Step = readonly [client: "a" | "b" | "c", what: Request | "close"];

const world = [{ perms: 31, scheme: "world", id: "anyone" }];
const bytes = (text: string) => new TextEncoder().encode(text);
const create = (path: string, flags = 0, data: Uint8Array | null = bytes("x"), acl = world): Request => ({
  op: "create",
  path,
  data,
  acl,
  flags,
});
const get = (path: string, watch = false): Request => ({ op: "getData", path, watch });
const exists = (path: string, watch = false): Request => ({ op: "exists", path, watch });
const children = (path: string, watch = false): Request => ({ op: "getChildren2", path, watch });
const set = (path: string, text: string, version = -1): Request => ({
  op: "setData",
  path,
  data: bytes(text),
  version,
});
const remove = (path: string, version = -1): Request => ({ op: "delete", path, version });
const addWatch = (path: string, mode: number): Request => ({ op: "addWatch", path, mode });
const auth = (user: string): Request => ({ op: "auth", type: 0, scheme: "digest", auth: bytes(user) });
const aclOf = (perms: number, scheme: string, id: string) => [{ perms, scheme, id }];

/** The list. */
export const zooKeeperCases: readonly ConformanceCase[] = [
  {
    name: "nodes and their Stats",
    steps: [
      ["a", create("$/n")],
      ["a", exists("$/n")],
      ["a", get("$/n")],
      ["a", set("$/n", "longer")],
      ["a", exists("$/n")],
      ["a", create("$/n/c")],
      ["a", create("$/n/d")],
      ["a", remove("$/n/c")],
      ["a", exists("$/n")],
      ["a", children("$/n")],
      ["a", { op: "getChildren", path: "$/n", watch: false }],
      ["a", { op: "setData", path: "$/n", data: null, version: 1 }],
      ["a", get("$/n")],
      ["a", { op: "setData", path: "$/n", data: new Uint8Array(0), version: -1 }],
      ["a", get("$/n")],
      ["a", { op: "create2", path: "$/two", data: bytes("y"), acl: world, flags: 0 }],
      ["a", { op: "sync", path: "$/n" }],
    ],
  },
  {
    name: "what is refused",
    steps: [
      ["a", create("$/n")],
      ["a", create("$/n")],
      ["a", create("$/q/r")],
      ["a", create("$/n/")],
      ["a", create("nop")],
      ["a", create("a/b")],
      ["a", create("$/n//x")],
      ["a", create("$/n/./x")],
      ["a", create("$/n/\u0001")],
      ["a", create("$/n/x", 9)],
      ["a", get("$/nope")],
      ["a", children("$/nope")],
      ["a", children("$/n/")],
      ["a", set("$/nope", "x")],
      ["a", set("$/n", "x", 7)],
      ["a", remove("$/nope")],
      ["a", remove("$/n", 7)],
      ["a", remove("$")],
      ["a", remove("/")],
      ["a", remove("/zookeeper")],
      ["a", { op: "setData", path: "/zookeeper/config", data: bytes("x"), version: -1 }],
      ["a", { op: "reconfig", joiningServers: "x", leavingServers: null, newMembers: null, curConfigId: -1n }],
    ],
  },
  {
    name: "sequential names count what was ever created",
    steps: [
      ["a", create("$/s-", 2)],
      ["a", create("$/s-", 2)],
      ["a", remove("$/s-0000000001")],
      ["a", create("$/s-", 3)],
      ["a", create("$/", 2)],
      ["a", children("$")],
    ],
  },
  {
    name: "ephemeral nodes have no children and go with their session",
    steps: [
      ["a", children("$", true)],
      ["b", create("$/e", 1)],
      ["b", create("$/e/x")],
      ["a", exists("$/e", true)],
      ["b", { op: "getEphemerals", path: "$" }],
      ["b", { op: "getEphemerals", path: "$/x" }],
      ["a", children("$", true)],
      ["b", "close"],
      ["a", exists("$/e")],
      ["a", exists("$")],
    ],
  },
  {
    name: "containers and nodes with a time to live",
    steps: [
      ["a", { op: "createContainer", path: "$/c", data: bytes("x"), acl: world, flags: 4 }],
      ["a", exists("$/c")],
      ["a", create("$/c/x")],
      ["a", { op: "createTTL", path: "$/t", data: bytes("x"), acl: world, flags: 5, ttlMs: 60_000n }],
      ["a", create("$/t", 6)],
    ],
  },
  {
    name: "one-shot watches fire once",
    steps: [
      ["a", exists("$/n", true)],
      ["a", exists("$/n", true)],
      ["a", children("$", true)],
      ["b", create("$/n")],
      ["b", set("$/n", "1")],
      ["a", get("$/n", true)],
      ["a", exists("$/n", true)],
      ["a", children("$/n", true)],
      ["b", set("$/n", "2")],
      ["b", set("$/n", "3")],
      ["a", get("$/n", true)],
      ["a", children("$", true)],
      ["b", create("$/n/c")],
      ["a", children("$/n", true)],
      ["b", remove("$/n/c")],
      ["b", remove("$/n")],
    ],
  },
  {
    name: "who watches data and children of a node is told once that it went",
    steps: [
      ["b", create("$/n")],
      ["a", get("$/n", true)],
      ["a", children("$/n", true)],
      ["c", children("$/n", true)],
      ["b", remove("$/n")],
    ],
  },
  {
    name: "persistent watches stay",
    steps: [
      ["a", addWatch("$/n", 0)],
      ["b", create("$/n")],
      ["b", set("$/n", "1")],
      ["b", set("$/n", "2")],
      ["b", create("$/n/c")],
      ["b", set("$/n/c", "3")],
      ["b", remove("$/n/c")],
      ["b", remove("$/n")],
      ["b", create("$/n")],
      ["a", { op: "checkWatches", path: "$/n", type: 3 }],
      ["a", { op: "removeWatches", path: "$/n", type: 3 }],
      ["a", { op: "removeWatches", path: "$/n", type: 3 }],
      ["b", set("$/n", "4")],
    ],
  },
  {
    name: "recursive watches tell of everything below, but of no list of children",
    steps: [
      ["a", addWatch("$", 1)],
      ["b", create("$/n")],
      ["b", create("$/n/c")],
      ["b", create("$/n/c/d", 1)],
      ["b", set("$/n/c", "1")],
      ["b", set("$", "2")],
      ["b", "close"],
      ["c", remove("$/n/c")],
      ["c", remove("$/n")],
      ["a", addWatch("$", 7)],
    ],
  },
  {
    name: "removing watches by kind",
    steps: [
      ["b", create("$/n")],
      ["a", get("$/n", true)],
      ["a", children("$/n", true)],
      ["a", { op: "checkWatches", path: "$/n", type: 1 }],
      ["a", { op: "removeWatches", path: "$/n", type: 1 }],
      ["a", { op: "checkWatches", path: "$/n", type: 1 }],
      ["a", { op: "checkWatches", path: "$/n", type: 2 }],
      ["a", { op: "removeWatches", path: "$/n", type: 9 }],
      ["b", create("$/n/c")],
      ["b", set("$/n", "1")],
    ],
  },
  {
    name: "watches set again tell what was missed",
    steps: [
      ["b", create("$/n")],
      [
        "a",
        {
          op: "setWatches",
          relativeZxid: 0n,
          data: ["$/n", "$/nope"],
          exist: ["$/n", "$/no"],
          child: ["$/n", "$/nope"],
          persistent: [],
          recursive: [],
        },
      ],
      [
        "a",
        {
          op: "setWatches2",
          relativeZxid: 1n << 40n,
          data: ["$/n", "$/nope"],
          exist: ["$/n", "$/no"],
          child: ["$/n", "$/nope"],
          persistent: ["$"],
          recursive: ["$/r"],
        },
      ],
      ["b", create("$/no")],
      ["b", create("$/n/c")],
      ["b", set("$/n", "1")],
      ["b", create("$/r")],
      ["b", create("$/r/s")],
    ],
  },
  {
    name: "a multi does all, and tells of each",
    steps: [
      ["a", addWatch("$", 1)],
      [
        "b",
        {
          op: "multi",
          ops: [
            { op: "create", path: "$/m1", data: bytes("1"), acl: world, flags: 0 },
            { op: "create2", path: "$/m2", data: bytes("1"), acl: world, flags: 0 },
            { op: "check", path: "$", version: -1 },
            { op: "setData", path: "$/m1", data: bytes("zz"), version: 0 },
            { op: "delete", path: "$/m1", version: 1 },
            { op: "createContainer", path: "$/m3", data: bytes("1"), acl: world, flags: 4 },
            { op: "create", path: "$/s-", data: null, acl: world, flags: 2 },
          ],
        },
      ],
      ["b", children("$")],
      ["b", { op: "multi", ops: [] }],
    ],
  },
  {
    name: "a multi that fails does nothing and tells nobody",
    steps: [
      ["b", create("$/n")],
      ["a", addWatch("$", 1)],
      [
        "b",
        {
          op: "multi",
          ops: [
            { op: "create", path: "$/m", data: bytes("1"), acl: world, flags: 0 },
            { op: "setData", path: "$/n", data: bytes("zz"), version: -1 },
            { op: "delete", path: "$/n", version: -1 },
            { op: "check", path: "$", version: 99 },
            { op: "create", path: "$/m2", data: bytes("1"), acl: world, flags: 0 },
          ],
        },
      ],
      ["b", children("$")],
      ["b", get("$/n")],
      ["b", create("$/s-", 2)],
    ],
  },
  {
    name: "many reads in one",
    steps: [
      ["a", create("$/n")],
      [
        "a",
        {
          op: "multiRead",
          ops: [
            { op: "getData", path: "$/n", watch: false },
            { op: "getChildren", path: "$", watch: false },
            { op: "getData", path: "$/nope", watch: false },
          ],
        },
      ],
    ],
  },
  {
    name: "ACLs are resolved, checked and told",
    steps: [
      ["a", create("$/x", 0, null, [])],
      ["a", create("$/x", 0, null, aclOf(31, "auth", ""))],
      ["a", create("$/x", 0, null, aclOf(31, "foo", "x"))],
      ["a", create("$/x", 0, null, aclOf(31, "digest", "x"))],
      ["a", create("$/x", 0, null, aclOf(31, "ip", "1.2.3"))],
      ["a", auth("bob:secret")],
      ["a", { op: "whoAmI" }],
      ["a", create("$/mine", 0, bytes("m"), aclOf(31, "auth", ""))],
      ["a", { op: "getACL", path: "$/mine" }],
      ["b", get("$/mine")],
      ["b", set("$/mine", "x")],
      ["b", children("$/mine")],
      ["b", create("$/mine/c")],
      ["b", { op: "getACL", path: "$/mine" }],
      ["b", exists("$/mine")],
      ["b", { op: "multiRead", ops: [{ op: "getData", path: "$/mine", watch: false }] }],
      ["b", auth("bob:secret")],
      ["b", get("$/mine")],
      ["a", { op: "setACL", path: "$/mine", acl: world, version: 4 }],
      [
        "a",
        { op: "setACL", path: "$/mine", acl: [...aclOf(1, "world", "anyone"), ...aclOf(31, "auth", "")], version: 0 },
      ],
      ["c", get("$/mine")],
      ["c", { op: "getACL", path: "$/mine" }],
      ["c", set("$/mine", "x")],
      ["c", remove("$/mine")],
      ["a", create("$/local", 0, null, aclOf(31, "ip", "0.0.0.0/0"))],
      ["c", get("$/local")],
      ["a", create("$/far", 0, null, aclOf(31, "ip", "192.0.2.0/24"))],
      ["c", get("$/far")],
      ["a", { op: "getACL", path: "/zookeeper/config" }],
    ],
  },
  {
    name: "counts and the nodes of the server",
    steps: [
      ["a", create("$/n")],
      ["a", create("$/n/c")],
      ["a", { op: "getAllChildrenNumber", path: "$" }],
      ["a", { op: "getAllChildrenNumber", path: "$/nope" }],
      ["a", get("/zookeeper/config")],
      ["a", get("/zookeeper/quota")],
      ["a", { op: "getChildren", path: "/zookeeper", watch: false }],
      ["a", { op: "getACL", path: "/zookeeper/quota" }],
      ["a", { op: "sasl", token: new Uint8Array(0) }],
    ],
  },
];
