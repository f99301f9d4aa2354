import { beforeEach, describe, expect, test } from "vitest";
import type { ServerOut } from "../../../../src/codecs/zookeeper/connection.ts";
import type { ConnectRequest } from "../../../../src/codecs/zookeeper/records.ts";
import type { Request } from "../../../../src/codecs/zookeeper/requests.ts";
import { type Peer, Registry } from "../../../../src/registry-sync/embedded/registry.ts";
import { testLimits } from "../../../support/simulated-registry.ts";

class TestPeer implements Peer {
  readonly address = "10.0.0.1";
  readonly told: ServerOut[] = [];
  isEnded = false;
  send(out: ServerOut): void {
    this.told.push(out);
  }
  end(): void {
    this.isEnded = true;
  }
}

const start = 1_700_000_000_000;
const OPEN = [{ perms: 31, scheme: "world", id: "anyone" }];
const hello: ConnectRequest = {
  protocolVersion: 0,
  lastZxidSeen: 0n,
  timeoutMs: 4000,
  sessionId: 0n,
  password: new Uint8Array(16),
  readOnly: false,
};
let registry: Registry;
let nowMs: number;

beforeEach(() => {
  nowMs = start;
  let count = 0;
  registry = new Registry({ ...testLimits, maxSessions: 3 }, nowMs, (bytes) => new Uint8Array(bytes).fill(++count));
});

function open(request = hello): TestPeer {
  const peer = new TestPeer();
  registry.connect(peer, request, nowMs);
  return peer;
}

function sessionOf(peer: TestPeer) {
  const [first] = peer.told;
  if (first.type !== "connected") throw new Error("not connected");
  return first.response;
}

function ask(peer: TestPeer, request: Request): ServerOut | undefined {
  registry.handle(peer, { type: "request", xid: 7, request }, nowMs);
  return peer.told.at(-1);
}

const create = (path: string, flags = 0): Request => ({ op: "create", path, data: null, acl: OPEN, flags });

describe("a session", () => {
  test("is granted with a time-out in bounds and uses up a change number", () => {
    expect(sessionOf(open())).toMatchObject({ timeoutMs: 4000, readOnly: false });
    expect(registry.zxid).toBe(1n);
  });

  test("is not read-only told to a client that did not ask", () => {
    expect(sessionOf(open({ ...hello, readOnly: undefined })).readOnly).toBeUndefined();
  });

  test("is taken up by its newer connection, which ends the older and its watches", () => {
    const old = open();
    const { sessionId, password } = sessionOf(old);
    ask(old, { op: "getChildren", path: "/", watch: true });
    const young = open({ ...hello, sessionId, password });
    expect(old.isEnded).toBe(true);
    expect(sessionOf(young).sessionId).toBe(sessionId);
    expect(registry.watches.count).toBe(0);
    registry.gone(old);
    expect([...registry.attached()]).toEqual([[young, sessionId]]);
  });

  test("that is unknown is told so by zeros and a close", () => {
    const peer = open({ ...hello, sessionId: 99n });
    expect(sessionOf(peer)).toMatchObject({ timeoutMs: 0, sessionId: 0n, password: new Uint8Array(16) });
    expect(peer.isEnded).toBe(true);
  });

  test("of a client that has seen more than there is is refused without a word", () => {
    const peer = open({ ...hello, lastZxidSeen: 5n });
    expect([peer.told, peer.isEnded]).toEqual([[], true]);
  });

  test("over the limit is refused without a word", () => {
    const peers = Array.from({ length: 4 }, () => open());
    expect(peers.map(({ isEnded }) => isEnded)).toEqual([false, false, false, true]);
  });

  test("that expires takes its nodes along, tells who watches, and ends its connection", () => {
    const peer = open();
    ask(peer, create("/e", 1));
    nowMs += 2000;
    const other = open();
    ask(other, { op: "exists", path: "/e", watch: true });
    nowMs += 1999;
    registry.tick(nowMs);
    expect(registry.tree.stat("/e")).toBeDefined();
    nowMs += 1;
    registry.tick(nowMs);
    expect(registry.tree.stat("/e")).toBeUndefined();
    expect(other.told.at(-1)).toEqual({ type: "event", event: { type: 2, state: 3, path: "/e" } });
    expect([peer.isEnded, other.isEnded]).toEqual([true, false]);
  });

  test("lives on without its connection, and its pings keep it", () => {
    const peer = open();
    ask(peer, create("/e", 1));
    nowMs += 3000;
    ask(peer, { op: "ping" });
    registry.gone(peer);
    nowMs += 3000;
    registry.tick(nowMs);
    expect(registry.tree.stat("/e")).toBeDefined();
  });

  test("that is closed is answered after its nodes are gone", () => {
    const peer = open();
    ask(peer, create("/e", 1));
    expect(ask(peer, { op: "closeSession" })).toEqual({
      type: "reply",
      header: { xid: 7, zxid: 3n, err: 0 },
      reply: { op: "closeSession" },
    });
    expect([registry.tree.ephemeralCount, peer.isEnded]).toEqual([0, true]);
  });
});

test("an event is told before the reply that shows the change", () => {
  const peer = open();
  ask(peer, { op: "getChildren", path: "/", watch: true });
  ask(peer, create("/a"));
  expect(peer.told.slice(-2).map(({ type }) => type)).toEqual(["event", "reply"]);
});

test("failed writes use up a change number too, failed reads do not", () => {
  const peer = open();
  expect(ask(peer, create("/q/r"))).toMatchObject({ header: { zxid: 2n, err: -101 } });
  expect(ask(peer, { op: "getData", path: "/q", watch: false })).toMatchObject({ header: { zxid: 2n, err: -101 } });
});

test("what can't be read is answered -5; an operation that is not known -6, with a close", () => {
  const peer = open();
  registry.handle(peer, { type: "malformed", xid: 3, op: 1, reason: "" }, nowMs);
  expect(peer.told.at(-1)).toMatchObject({ header: { xid: 3, zxid: 2n, err: -5 } });
  registry.handle(peer, { type: "malformed", xid: 4, op: 99, reason: "" }, nowMs);
  expect(peer.told.at(-1)).toMatchObject({ header: { xid: 4, zxid: -1n, err: -6 } });
  expect(peer.isEnded).toBe(true);
});

test("a wrong kind of credentials is refused with a close", () => {
  const peer = open();
  expect(ask(peer, { op: "auth", type: 0, scheme: "foo", auth: null })).toMatchObject({
    header: { xid: -4, err: -115 },
  });
  expect(peer.isEnded).toBe(true);
});

test("credentials over and over do not pile up", () => {
  const peer = open();
  for (let index = 0; index < 100; index++) {
    ask(peer, { op: "auth", type: 0, scheme: "digest", auth: Buffer.from(`u${index}:p`) });
  }
  const told = ask(peer, { op: "whoAmI" });
  expect(told?.type === "reply" && told.reply?.op === "whoAmI" && told.reply.clients.length).toBe(32);
});

test("a container without children goes at the next check", () => {
  const peer = open();
  ask(peer, { op: "createContainer", path: "/c", data: null, acl: OPEN, flags: 4 });
  ask(peer, create("/c/x"));
  ask(peer, { op: "delete", path: "/c/x", version: -1 });
  registry.tick(start + 59_999);
  expect(registry.tree.stat("/c")).toBeDefined();
  registry.tick(start + 60_000);
  expect(registry.tree.stat("/c")).toBeUndefined();
});

test("requests of a connection that has no session are not heard", () => {
  const peer = new TestPeer();
  registry.handle(peer, { type: "request", xid: 1, request: create("/a") }, nowMs);
  expect(peer.told).toEqual([]);
  expect(registry.tree.stat("/a")).toBeUndefined();
});
