import { beforeEach, describe, expect, test } from "vitest";
import type { WatcherEvent } from "../../../../../src/codecs/zookeeper/records.ts";
import {
  type Outcome,
  type SessionOptions,
  type SessionState,
  ZooKeeperSession,
} from "../../../../../src/registry-sync/sources/zookeeper/session.ts";
import { SimulatedRegistry } from "../../../../support/simulated-registry.ts";

const OPEN = [{ perms: 31, scheme: "world", id: "anyone" }];
let home: SimulatedRegistry;
let logged: string[];

beforeEach(() => {
  home = new SimulatedRegistry();
  logged = [];
});

function open(options: Partial<SessionOptions> = {}): { session: ZooKeeperSession; states: SessionState[] } {
  const note = (level: string) => (text: string, fields?: object) =>
    logged.push(`${level} ${text} ${JSON.stringify(fields)}`);
  const log = { debug: () => {}, info: note("info"), warn: note("warn"), error: note("error"), child: () => log };
  const session = new ZooKeeperSession({
    servers: [{ host: "h1", port: 1 }],
    sessionTimeoutMs: 3000,
    clock: home.clock,
    random: () => 0.5,
    openLink: home.openLink,
    log,
    ...options,
  });
  const states: SessionState[] = [];
  session.onState((state) => states.push(state));
  return { session, states };
}

async function ask(session: ZooKeeperSession, request: Parameters<ZooKeeperSession["submit"]>[0]): Promise<Outcome> {
  let outcome: Outcome | undefined;
  session.submit(request, (done) => {
    outcome = done;
  });
  for (let round = 0; round < 20 && outcome === undefined; round++) await home.advance(10);
  return outcome!;
}

const create = (path: string) => ({ op: "create", path, data: null, acl: OPEN, flags: 0 }) as const;

test("a session connects, asks, and is told its errors by name and path", async () => {
  const { session, states } = open({ chroot: "/c" });
  await home.advance(50);
  expect(states).toEqual(["connected"]);
  expect(session.sessionTimeoutMs).toBe(3000);
  expect(await ask(session, { op: "getData", path: "/x", watch: false })).toMatchObject({
    error: { message: "zookeeper answered no node (-101) for /x" },
  });
});

test("replies and events come in the order of the wire", async () => {
  const { session } = open();
  await home.advance(50);
  const order: string[] = [];
  session.onEvent(({ type, path }: WatcherEvent) => order.push(`event ${type} ${path}`));
  session.submit({ op: "getChildren", path: "/", watch: true }, () => order.push("children"));
  session.submit(create("/a"), () => order.push("create"));
  session.submit({ op: "getChildren", path: "/", watch: false }, () => order.push("children again"));
  await home.advance(50);
  expect(order).toEqual(["children", "event 4 /", "create", "children again"]);
});

test("no more requests are on the wire than may be, all are answered, and too many are refused", async () => {
  const { session } = open({ maxOutstanding: 4, maxQueued: 90 });
  await home.advance(50);
  const outcomes: Outcome[] = [];
  for (let index = 0; index < 100; index++) session.submit(create(`/n${index}`), (outcome) => outcomes.push(outcome));
  expect(outcomes.map(({ error }) => error?.message)).toEqual(Array(6).fill("over 90 zookeeper requests wait already"));
  await home.advance(1000);
  expect(outcomes).toHaveLength(100);
  expect(outcomes.filter(({ error }) => error === undefined)).toHaveLength(94);
});

describe("a server that goes", () => {
  test("is noticed when it swallows everything, by its silence", async () => {
    const { states } = open();
    await home.advance(50);
    home.isSwallowing = true;
    await home.advance(1900);
    expect(states).toEqual(["connected"]);
    await home.advance(200);
    expect(states).toEqual(["connected", "suspended"]);
  });

  test("and comes back finds the session and its watches as they were", async () => {
    const { session, states } = open();
    await home.advance(50);
    await ask(session, { op: "getChildren", path: "/", watch: true });
    const id = session.sessionId;
    const told: string[] = [];
    session.onEvent(({ type, path }) => told.push(`${type} ${path}`));
    home.isUp = false;
    home.registry.tree.create(
      { path: "/missed", data: null, acl: OPEN, owner: 0n, sequential: false, container: false },
      { zxid: 1000n, timeMs: 1 },
      () => {},
    );
    await home.advance(500);
    expect(told).toEqual([]);
    home.isUp = true;
    await home.advance(2000);
    expect([states, session.sessionId, told]).toEqual([["connected", "suspended", "connected"], id, ["4 /"]]);
  });

  test("for longer than the session lives costs the session, and a new one takes over its watches", async () => {
    const { session, states } = open();
    await home.advance(50);
    await ask(session, { op: "exists", path: "/later", watch: true });
    const id = session.sessionId;
    home.isUp = false;
    await home.advance(4000);
    home.isUp = true;
    await home.advance(15_000);
    expect(states).toEqual(["connected", "suspended", "expired", "connected"]);
    expect(session.sessionId).not.toBe(id);
    const told: string[] = [];
    session.onEvent(({ type, path }) => told.push(`${type} ${path}`));
    await ask(session, create("/later"));
    expect(told).toEqual(["1 /later"]);
  });

  test("fails what it had not answered, and what is asked of nobody", async () => {
    const { session } = open();
    await home.advance(50);
    home.isSwallowing = true;
    const outcomes: (string | undefined)[] = [];
    session.submit(create("/a"), ({ error }) => outcomes.push(error?.message));
    await home.advance(50);
    home.isUp = false;
    session.submit(create("/b"), ({ error }) => outcomes.push(error?.message));
    expect(outcomes).toEqual(["zookeeper connection to h1:1 lost: cut off", "zookeeper client is suspended"]);
  });

  test("is tried with growing pauses, and logged once", async () => {
    const tries: number[] = [];
    const { states } = open({
      openLink: (options) => {
        tries.push(home.clock.now());
        return home.openLink(options);
      },
    });
    await home.advance(50);
    home.isUp = false;
    await home.advance(60_000);
    expect(states).toEqual(["connected", "suspended"]);
    expect(tries.length).toBeGreaterThan(6);
    expect(tries.length).toBeLessThan(20);
    const pauses = tries.slice(2).map((at, index) => at - tries[index + 1]);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(10_010);
    expect(logged.filter((line) => line.startsWith("warn"))).toHaveLength(1);
  });
});

test("a server that forgot everything is taken for a new one when no session can be left", async () => {
  const { session, states } = open();
  await home.advance(50);
  for (let index = 0; index < 5; index++) await ask(session, create(`/n${index}`));
  home.isUp = false;
  home.registry = new SimulatedRegistry().registry;
  home.isUp = true;
  await home.advance(30_000);
  expect(states).toEqual(["connected", "suspended", "expired", "connected"]);
});

describe("a password", () => {
  test("is proven before anybody is told that the session is connected, and never logged", async () => {
    const { session } = open({ auth: { username: "bob", password: "hush" } });
    await home.advance(50);
    expect(await ask(session, { op: "whoAmI" })).toMatchObject({
      reply: { clients: [{ user: "bob" }, { scheme: "ip" }] },
    });
    expect(await ask(session, { op: "auth", type: 0, scheme: "digest", auth: Buffer.from("eve:x") })).toEqual({
      reply: { op: "auth" },
    });
    home.isUp = false;
    await home.advance(100);
    expect(logged.join()).not.toContain("hush");
  });
});

test("a closed session leaves the server and fails everything after", async () => {
  const { session, states } = open();
  await home.advance(50);
  const closing = session.close();
  await home.advance(50);
  await closing;
  expect([states.at(-1), home.registry.sessions.count]).toEqual(["closed", 0]);
  expect((await ask(session, create("/a"))).error?.message).toBe("zookeeper client is closed");
  await home.advance(60_000);
  expect(home.registry.sessions.count).toBe(0);
});

test("waiting for a connection ends with its time or with the client", async () => {
  home.isUp = false;
  const { session } = open();
  const waiting = session.connected(1000).catch((error: Error) => error.message);
  await home.advance(1100);
  expect(await waiting).toBe("no zookeeper server answered within 1000 ms");
  const longer = session.connected().catch((error: Error) => error.message);
  await session.close();
  expect(await longer).toBe("zookeeper client is closed");
});
