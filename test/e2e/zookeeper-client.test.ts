import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ERRORS } from "../../src/codecs/zookeeper/constants.ts";
import { createEmbeddedRegistry } from "../../src/registry-sync/embedded/server.ts";
import { parseZooKeeperAddress } from "../../src/registry-sync/sources/zookeeper/address.ts";
import { createZooKeeperClient, type ZooKeeperClient } from "../../src/registry-sync/sources/zookeeper/client.ts";
import { DEFAULT_ROOTS, dubboPlan } from "../../src/registry-sync/sources/zookeeper/dubbo-plan.ts";
import type { SessionOptions, SessionState } from "../../src/registry-sync/sources/zookeeper/session.ts";
import { type TreeWatch, watchTree } from "../../src/registry-sync/sources/zookeeper/tree-watch.ts";
import { eventually, sleep } from "../support/process.ts";
import { startRelay } from "../support/relay.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";

// The client of the sync against a real 3.8 server whose sessions live for 1 to 10 s, with a relay between that can be told to fail.
let real: ZooKeeper;
let direct: ZooKeeperClient;
const providers = "/dubbo/com.acme.Order/providers";

function open(options: Partial<SessionOptions> = {}): ZooKeeperClient {
  const client = createZooKeeperClient({ servers: [real], sessionTimeoutMs: 3000, ...options });
  onTestFinished(() => client.close());
  return client;
}

function statesOf(client: ZooKeeperClient): SessionState[] {
  const states: SessionState[] = [];
  client.onState((state) => states.push(state));
  return states;
}

async function watching(client: ZooKeeperClient): Promise<TreeWatch> {
  const live = watchTree(client.session, { roots: Object.values(DEFAULT_ROOTS), plan: dubboPlan(DEFAULT_ROOTS) });
  onTestFinished(() => live.close());
  await live.ready;
  return live;
}

const namesIn = (live: TreeWatch) => [...(live.tree.get(providers)?.children ?? [])].sort();

async function removeAll(path: string): Promise<void> {
  for (const name of (await direct.getChildren(path)).children) await removeAll(`${path}/${name}`);
  await direct.delete(path);
}

beforeAll(async () => {
  real = await startZooKeeper("127.0.0.1", 21831, { extendedTypes: false });
  direct = createZooKeeperClient({ servers: [real], sessionTimeoutMs: 10_000 });
  await direct.connected();
  for (const path of ["/dubbo", "/dubbo/com.acme.Order", providers]) await direct.create(path);
});

afterAll(async () => {
  await direct?.close();
  await real?.stop();
});

describe("the live copy of the tree", () => {
  test("follows nodes that come and go, by recursive watches", async () => {
    const live = await watching(open());
    expect(live.isRecursive).toBe(true);
    await direct.create(`${providers}/p1`);
    await direct.create("/dubbo/new.Service");
    await direct.create("/dubbo/new.Service/providers");
    await direct.create("/dubbo/new.Service/providers/q");
    await eventually("the nodes are seen", async () =>
      live.tree.get("/dubbo/new.Service/providers")?.children?.has("q"),
    );
    expect(namesIn(live)).toEqual(["p1"]);
    await removeAll("/dubbo/new.Service");
    await direct.delete(`${providers}/p1`);
    await eventually("the nodes are gone", async () => namesIn(live).length === 0);
    expect(live.tree.has("/dubbo/new.Service")).toBe(false);
    expect(live.tree.has("/dubbo/new.Service/providers")).toBe(false);
  });

  test("keeps what it has while the server is gone, and then sees what was missed", async () => {
    const relay = await startRelay("127.0.0.1", 21832, real.host, real.port);
    onTestFinished(() => relay.stop());
    await direct.create(`${providers}/kept`);
    const client = open({ servers: [relay] });
    const states = statesOf(client);
    const live = await watching(client);
    const sizes: number[] = [];
    live.onChange(() => sizes.push(namesIn(live).length));
    await relay.close();
    await eventually("the loss is seen", async () => states.includes("suspended"));
    expect(namesIn(live)).toEqual(["kept"]);
    await direct.create(`${providers}/late`);
    await direct.delete(`${providers}/kept`);
    await direct.create(`${providers}/later`);
    await relay.open();
    await eventually("the change is seen", async () => namesIn(live).join() === "late,later");
    expect(sizes).not.toContain(0);
    for (const name of namesIn(live)) await direct.delete(`${providers}/${name}`);
  });

  test("is never empty when the session expires, and is read anew", async () => {
    const relay = await startRelay("127.0.0.1", 21833, real.host, real.port);
    onTestFinished(() => relay.stop());
    await direct.create(`${providers}/kept`);
    const client = open({ servers: [relay], sessionTimeoutMs: 1000 });
    const states = statesOf(client);
    const live = await watching(client);
    const before = client.session.sessionId;
    const sizes: number[] = [];
    live.onChange(() => sizes.push(namesIn(live).length));
    await relay.close();
    await sleep(2500);
    await direct.create(`${providers}/late`);
    await relay.open();
    await eventually("the session is new", async () => states.at(-1) === "connected");
    expect(states).toEqual(["connected", "suspended", "expired", "connected"]);
    expect(client.session.sessionId).not.toBe(before);
    await eventually("the change is seen", async () => namesIn(live).join() === "kept,late");
    await direct.create(`${providers}/last`);
    await eventually("watches stand again", async () => namesIn(live).join() === "kept,last,late");
    expect(sizes).not.toContain(0);
    for (const name of namesIn(live)) await direct.delete(`${providers}/${name}`);
  });

  test("takes a directory of more than the 1 MiB that servers read", async () => {
    const names = Array.from({ length: 800 }, (_, index) => `${"x".repeat(1700)}${index}`);
    await Promise.all(names.map((name) => direct.create(`${providers}/${name}`)));
    const live = await watching(open());
    expect(namesIn(live)).toHaveLength(800);
    await Promise.all(names.map((name) => direct.delete(`${providers}/${name}`)));
    await eventually("all are gone", async () => namesIn(live).length === 0);
  });
});

describe("one-shot watches", () => {
  test("are set again in pieces under 128 KiB, far over the server's limit together", async () => {
    const relay = await startRelay("127.0.0.1", 21834, real.host, real.port);
    onTestFinished(() => relay.stop());
    const client = open({ servers: [relay], sessionTimeoutMs: 8000 });
    await client.connected();
    const paths = Array.from({ length: 900 }, (_, index) => `${providers}/${"w".repeat(1400)}${index}`);
    await Promise.all(paths.map((path) => client.exists(path, true)));
    const told: string[] = [];
    client.onEvent(({ path }) => told.push(path));
    const states = statesOf(client);
    relay.reset();
    await eventually("the client is back", async () => states.join() === "suspended,connected");
    await direct.create(paths[0]);
    await direct.create(paths[899]);
    await eventually("both are told", async () => told.length === 2);
    await sleep(500);
    expect(states).toEqual(["suspended", "connected"]);
    await direct.delete(paths[0]);
    await direct.delete(paths[899]);
  });

  test("serve where the server has no recursive ones, and follow all the same", async () => {
    const registry = await createEmbeddedRegistry({ host: "127.0.0.1", port: 0, tickMs: 500 });
    onTestFinished(() => registry.close());
    const writer = createZooKeeperClient({ servers: [registry] });
    onTestFinished(() => writer.close());
    await writer.connected();
    const client = open({ servers: [registry] });
    // What a server before 3.6 does with an operation that it does not know.
    const handle = registry.registry.handle.bind(registry.registry);
    registry.registry.handle = (peer, event, nowMs) => {
      if (event.type === "request" && event.request.op === "addWatch") {
        handle(peer, { type: "malformed", xid: event.xid, op: 99, reason: "" }, nowMs);
      } else handle(peer, event, nowMs);
    };
    const live = await watching(client);
    expect(live.isRecursive).toBe(false);
    for (const path of ["/dubbo", "/dubbo/com.acme.Order", providers, `${providers}/a`, `${providers}/b`]) {
      await writer.create(path);
      await sleep(20);
    }
    await eventually("all are seen", async () => namesIn(live).join() === "a,b");
    await writer.delete(`${providers}/a`);
    await eventually("the removal is seen", async () => namesIn(live).join() === "b");
  });
});

describe("a connection", () => {
  test("that swallows everything is noticed within two thirds of the time-out", async () => {
    const relay = await startRelay("127.0.0.1", 21835, real.host, real.port);
    onTestFinished(() => relay.stop());
    const client = open({ servers: [relay], sessionTimeoutMs: 3000 });
    await client.connected();
    const states = statesOf(client);
    const startedMs = Date.now();
    relay.blackHole();
    await eventually("the loss is seen", async () => states.includes("suspended"));
    expect(Date.now() - startedMs).toBeLessThan(2800);
    await relay.close();
    relay.heal();
    await relay.open();
    await eventually("the client is back", async () => states.at(-1) === "connected");
  });

  test("goes to another server of the list when one is out", async () => {
    const relay = await startRelay("127.0.0.1", 21836, real.host, real.port);
    onTestFinished(() => relay.stop());
    const client = open({
      servers: [relay, { host: "127.0.0.1", port: 1 }, real],
      sessionTimeoutMs: 4000,
      /* keeps the order */ random: () => 0.99,
    });
    await client.connected();
    const { sessionId } = client.session;
    const states = statesOf(client);
    await relay.close();
    await eventually("another is found", async () => states.join() === "suspended,connected");
    expect((await client.exists("/"))?.czxid).toBe(0n);
    expect(client.session.sessionId).toBe(sessionId);
  });

  test("fails what it had not answered, and takes nothing while it is gone", async () => {
    const relay = await startRelay("127.0.0.1", 21837, real.host, real.port);
    onTestFinished(() => relay.stop());
    const client = open({ servers: [relay] });
    await client.connected();
    relay.blackHole();
    const asked = client.getData("/");
    asked.catch(() => {});
    await sleep(100);
    await relay.close();
    await expect(asked).rejects.toThrow("lost");
    await expect(client.getData("/")).rejects.toThrow("zookeeper client is suspended");
  });
});

describe("a server", () => {
  test("that is killed and started again finds its clients with their sessions", async () => {
    const client = open({ sessionTimeoutMs: 10_000 });
    await client.connected();
    const { sessionId } = client.session;
    await client.create("/dubbo/mine", null, { mode: "ephemeral" });
    const live = await watching(client);
    const states = statesOf(client);
    await real.restart();
    await eventually("the client is back", async () => states.at(-1) === "connected");
    await eventually("the other client is back", async () => direct.session.state === "connected");
    expect(client.session.sessionId).toBe(sessionId);
    expect((await direct.exists("/dubbo/mine"))?.ephemeralOwner).toBe(sessionId);
    await direct.create(`${providers}/again`);
    await eventually("watches stand again", async () => namesIn(live).join() === "again");
    await direct.delete(`${providers}/again`);
  });

  test("that was wiped is taken for a new one once no session can be left", async () => {
    const first = await createEmbeddedRegistry({ host: "127.0.0.1", port: 0, tickMs: 250 });
    const client = open({ servers: [{ host: "127.0.0.1", port: first.port }], sessionTimeoutMs: 500 });
    await client.connected();
    for (let index = 0; index < 20; index++) await client.create(`/n${index}`);
    const states = statesOf(client);
    await first.close();
    const second = await createEmbeddedRegistry({ host: "127.0.0.1", port: first.port, tickMs: 250 });
    onTestFinished(() => second.close());
    await eventually("a new session stands", async () => states.at(-1) === "connected");
    expect(states).toEqual(["suspended", "expired", "connected"]);
  });
});

describe("a client", () => {
  test("with a chroot sees and makes everything below it", async () => {
    await direct.create("/prefix");
    const { chroot } = parseZooKeeperAddress("zookeeper://h:1/prefix/");
    const client = open({ chroot });
    await client.connected();
    const told: string[] = [];
    client.onEvent(({ path }) => told.push(path));
    expect(await client.exists("/a", true)).toBeUndefined();
    expect(await client.create("/a")).toBe("/a");
    expect((await client.getChildren("/", true)).children).toEqual(["a"]);
    expect(await client.create("/s-", null, { mode: "ephemeralSequential" })).toBe("/s-0000000001");
    expect(
      await client.multi([
        { op: "create", path: "/m", data: null, acl: [{ perms: 31, scheme: "world", id: "anyone" }], flags: 0 },
      ]),
    ).toEqual([{ op: "create", path: "/m" }]);
    await eventually("both are told", async () => told.join() === "/a,/");
    await expect(client.getData("/nope")).rejects.toThrow("no node (-101) for /nope");
    expect((await direct.getChildren("/prefix")).children).toHaveLength(3);
  });

  test("with a user and a password reads what others may not, also on its next connection", async () => {
    const relay = await startRelay("127.0.0.1", 21838, real.host, real.port);
    onTestFinished(() => relay.stop());
    const client = open({ servers: [relay], auth: { username: "bob", password: "secret" }, sessionTimeoutMs: 8000 });
    await client.connected();
    await client.create("/secret", Buffer.from("s"), { acl: [{ perms: 31, scheme: "auth", id: "" }] });
    await expect(direct.getData("/secret")).rejects.toMatchObject({ code: ERRORS.noAuth });
    const states = statesOf(client);
    relay.reset();
    await eventually("the client is back", async () => states.at(-1) === "connected");
    expect(Buffer.from((await client.getData("/secret")).data ?? []).toString()).toBe("s");
  });

  test("waits for a server that is not there yet, and ends when it is told to", async () => {
    const client = open({ servers: [{ host: "127.0.0.1", port: 1 }] });
    await expect(client.connected(300)).rejects.toThrow("no zookeeper server answered within 300 ms");
    const waiting = client.connected();
    waiting.catch(() => {});
    await client.close();
    await expect(waiting).rejects.toThrow("closed");
    await expect(client.getData("/")).rejects.toThrow("zookeeper client is closed");
  });
});
