import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_ROOTS, dubboPlan } from "../../../../../src/registry-sync/sources/zookeeper/dubbo-plan.ts";
import { ZooKeeperSession } from "../../../../../src/registry-sync/sources/zookeeper/session.ts";
import {
  type TreeWatch,
  type TreeWatchOptions,
  watchTree,
} from "../../../../../src/registry-sync/sources/zookeeper/tree-watch.ts";
import { SimulatedRegistry } from "../../../../support/simulated-registry.ts";

const OPEN = [{ perms: 31, scheme: "world", id: "anyone" }];
let home: SimulatedRegistry;
let reader: ZooKeeperSession;
let writer: ZooKeeperSession;
let asked: string[];
let isOld: boolean;

beforeEach(async () => {
  home = new SimulatedRegistry();
  asked = [];
  isOld = false;
  const options = {
    servers: [{ host: "h", port: 1 }],
    sessionTimeoutMs: 3000,
    clock: home.clock,
    openLink: home.openLink,
  };
  reader = new ZooKeeperSession({ ...options, random: () => 0 });
  writer = new ZooKeeperSession({ ...options, sessionTimeoutMs: 10_000 });
  await home.advance(50);
  const handle = home.registry.handle.bind(home.registry);
  home.registry.handle = (peer, event, nowMs) => {
    if (event.type === "request" && "path" in event.request && event.request.op !== "create") {
      asked.push(`${event.request.op} ${event.request.path}`);
    }
    // A server before 3.6 does not know the operation, and closes.
    if (isOld && event.type === "request" && event.request.op === "addWatch") {
      handle(peer, { type: "malformed", xid: event.xid, op: 99, reason: "" }, nowMs);
    } else handle(peer, event, nowMs);
  };
});

afterEach(() => {
  asked.length = 0;
});

async function make(...paths: string[]): Promise<void> {
  for (const path of paths) {
    writer.submit({ op: "create", path, data: Buffer.from("d"), acl: OPEN, flags: 0 }, ({ error }) => {
      if (error !== undefined) throw error;
    });
  }
  await home.advance(20);
}

async function remove(...paths: string[]): Promise<void> {
  for (const path of paths) writer.submit({ op: "delete", path, version: -1 }, () => {});
  await home.advance(20);
}

function watch(options: Partial<TreeWatchOptions> = {}): { live: TreeWatch; told: string[][] } {
  const roots = Object.values(DEFAULT_ROOTS);
  const live = watchTree(reader, { roots, plan: dubboPlan(DEFAULT_ROOTS), clock: home.clock, ...options });
  const told: string[][] = [];
  live.onChange((changed) => told.push([...changed].sort()));
  return { live, told };
}

const providers = "/dubbo/a.B/providers";

test("the first notice carries everything, and only when all was read", async () => {
  await make("/dubbo", "/dubbo/a.B", providers, `${providers}/p1`, "/services");
  const { live, told } = watch();
  expect([live.tree.size, told]).toEqual([0, []]);
  await home.advance(100);
  await live.ready;
  expect(told).toEqual([["/dubbo", "/dubbo/a.B", providers, "/services"]]);
  expect([...(live.tree.get(providers)?.children ?? [])]).toEqual(["p1"]);
});

test("roots that are not there yet are seen when they come", async () => {
  const { live } = watch();
  await home.advance(100);
  await live.ready;
  await make("/dubbo", "/dubbo/a.B", providers, `${providers}/p1`);
  await home.advance(100);
  expect([...(live.tree.get(providers)?.children ?? [])]).toEqual(["p1"]);
});

test("with recursive watches a provider that comes or goes costs no read at all", async () => {
  await make("/dubbo", "/dubbo/a.B", providers, `${providers}/p1`);
  const { live, told } = watch();
  await home.advance(100);
  asked.length = 0;
  await make(`${providers}/p2`);
  await remove(`${providers}/p1`);
  await home.advance(100);
  expect(live.isRecursive).toBe(true);
  expect([...(live.tree.get(providers)?.children ?? [])]).toEqual(["p2"]);
  expect(asked).toEqual([`delete ${providers}/p1`]);
  expect(new Set(told.slice(1).flat())).toEqual(new Set([providers]));
});

test("data is read where the plan wants it, and again when it changes", async () => {
  await make("/dubbo", "/dubbo/mapping", "/dubbo/mapping/a.B");
  const { live, told } = watch();
  await home.advance(100);
  writer.submit({ op: "setData", path: "/dubbo/mapping/a.B", data: Buffer.from("apps"), version: -1 }, () => {});
  await home.advance(100);
  expect(Buffer.from(live.tree.get("/dubbo/mapping/a.B")?.data ?? []).toString()).toBe("apps");
  expect(told.at(-1)).toEqual(["/dubbo/mapping/a.B"]);
});

test("on a server without recursive watches one-shot ones do the same", async () => {
  isOld = true;
  await make("/dubbo", "/dubbo/a.B", providers);
  const { live } = watch();
  await home.advance(2000);
  await live.ready;
  expect(live.isRecursive).toBe(false);
  for (const name of ["p1", "p2", "p3"]) await make(`${providers}/${name}`);
  await make("/services", "/services/app", "/services/app/i1");
  await remove(`${providers}/p2`);
  await home.advance(200);
  expect([...(live.tree.get(providers)?.children ?? [])]).toEqual(["p1", "p3"]);
  expect([...(live.tree.get("/services/app")?.children ?? [])]).toEqual(["i1"]);
  asked.length = 0;
  await make(`${providers}/p4`);
  await home.advance(100);
  expect(asked).toEqual([`getChildren ${providers}`]);
});

test.each([
  { name: "a lost connection", downMs: 500 },
  { name: "an expired session", downMs: 5000 },
])("$name never empties the tree, and what was missed is seen after", async ({ downMs }) => {
  await make("/dubbo", "/dubbo/a.B", providers, `${providers}/p1`, `${providers}/p2`, "/dubbo/c.D");
  const { live } = watch();
  await home.advance(100);
  const sizes: number[] = [];
  live.onChange(() => sizes.push(live.tree.get(providers)?.children?.size ?? 0));
  home.isUp = false;
  const txn = { zxid: home.registry.zxid, timeMs: 1 };
  home.registry.tree.delete(`${providers}/p1`, -1, txn, () => {});
  home.registry.tree.delete("/dubbo/c.D", -1, txn, () => {});
  await home.advance(downMs);
  expect(live.tree.get(providers)?.children?.size).toBe(2);
  home.isUp = true;
  await home.advance(15_000);
  expect(reader.state).toBe("connected");
  expect([...(live.tree.get(providers)?.children ?? [])]).toEqual(["p2"]);
  expect(live.tree.has("/dubbo/c.D")).toBe(false);
  expect(sizes).not.toContain(0);
  await make(`${providers}/p3`);
  await home.advance(100);
  expect([...(live.tree.get(providers)?.children ?? [])].sort()).toEqual(["p2", "p3"]);
});

test("a burst of changes is told in few notices, the first at once", async () => {
  await make("/dubbo", "/dubbo/a.B", providers);
  const { told } = watch({ quietMs: 50 });
  await home.advance(200);
  const before = told.length;
  await make(...Array.from({ length: 200 }, (_, index) => `${providers}/p${index}`));
  expect(told.length - before).toBe(1);
  await home.advance(200);
  expect(told.length - before).toBeLessThanOrEqual(4);
});

test("no more nodes are kept than may be", async () => {
  await make("/dubbo", ...Array.from({ length: 30 }, (_, index) => `/dubbo/i${index}`));
  const { live } = watch({ maxNodes: 10 });
  await home.advance(200);
  await live.ready;
  expect(live.tree.size).toBeLessThanOrEqual(10);
});

test.each([false, true])(
  "a node that is planned later is read then, and let go when it is not any more (an old server: %s)",
  async (old) => {
    isOld = old;
    const wanted = new Set(["/dubbo", "/dubbo/x"]);
    const plan = (path: string) => (wanted.has(path) ? { children: true, data: path.endsWith("/y") } : undefined);
    await make("/dubbo", "/dubbo/x", "/dubbo/x/y");
    const { live, told } = watch({ roots: ["/dubbo"], plan });
    await home.advance(old ? 5000 : 100);
    expect([...live.tree.keys()].sort()).toEqual(["/dubbo", "/dubbo/x"]);
    wanted.add("/dubbo/x/y").add("/dubbo/x/z");
    live.replan("/dubbo/x/y");
    live.replan("/dubbo/x/z");
    asked.length = 0;
    await home.advance(600);
    expect(asked).toEqual(["getChildren /dubbo/x/y", "getData /dubbo/x/y"]);
    expect(Buffer.from(live.tree.get("/dubbo/x/y")?.data ?? []).toString()).toBe("d");
    expect(told.at(-1)).toEqual(["/dubbo/x/y"]);
    await make("/dubbo/x/z");
    await home.advance(600);
    expect(live.tree.has("/dubbo/x/z")).toBe(true);
    wanted.delete("/dubbo/x/y");
    live.replan("/dubbo/x/y");
    await home.advance(600);
    expect(live.tree.has("/dubbo/x/y")).toBe(false);
    expect(told.at(-1)).toEqual(["/dubbo/x/y"]);
    live.close();
  },
);

test("a closed watch says nothing more", async () => {
  await make("/dubbo");
  const { live, told } = watch();
  await home.advance(100);
  live.close();
  await make("/dubbo/a.B");
  await home.advance(100);
  expect(told).toHaveLength(1);
});

describe("a node that the server denies reading", () => {
  const closed = (path: string) =>
    writer.submit({ op: "setACL", path, acl: [{ perms: 4, scheme: "world", id: "anyone" }], version: -1 }, () => {});
  const opened = (path: string) => home.registry.tree.setAcl(path, OPEN, -1, () => {});

  test("keeps a needed root from being taken for empty; it is tried again, for no event tells of an ACL", async () => {
    await make("/dubbo", "/dubbo/a.B", providers, `${providers}/p1`);
    closed("/dubbo");
    await home.advance(20);
    const denied: (readonly string[])[] = [];
    const { told } = watch({ needed: ["/dubbo"], onDenied: (paths) => denied.push(paths) });
    await home.advance(30_000);
    expect(told).toEqual([]);
    expect(denied).toEqual([["/dubbo"]]);
    opened("/dubbo");
    await home.advance(11_000);
    expect(told).toEqual([["/dubbo", "/dubbo/a.B", providers]]);
    expect(denied).toEqual([["/dubbo"], []]);
  });

  test("holds up nothing where it is not needed", async () => {
    await make("/dubbo", "/dubbo/a.B", providers, "/services");
    closed("/services");
    await home.advance(20);
    const denied: (readonly string[])[] = [];
    const { told } = watch({ needed: ["/dubbo"], onDenied: (paths) => denied.push(paths) });
    await home.advance(100);
    expect(told).toEqual([["/dubbo", "/dubbo/a.B", providers]]);
    expect(denied).toEqual([["/services"]]);
  });

  test("takes nothing from what was read before", async () => {
    await make("/dubbo", "/dubbo/a.B", providers, `${providers}/p1`);
    const { live } = watch({ needed: ["/dubbo"] });
    await home.advance(100);
    closed("/dubbo");
    closed(providers);
    home.isUp = false;
    await home.advance(500);
    home.isUp = true;
    await home.advance(5_000);
    expect([...(live.tree.get(providers)?.children ?? [])]).toEqual(["p1"]);
  });
});
