import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { ProtocolError } from "../../../../../src/base/errors.ts";
import { PacketSplitter, packetBody } from "../../../../../src/codecs/zookeeper/frame.ts";
import { peekRequest } from "../../../../../src/codecs/zookeeper/requests.ts";
import { Patience } from "../../../../../src/registry-sync/facades/patience.ts";
import { SessionCore } from "../../../../../src/registry-sync/facades/zookeeper/core.ts";
import { createCounters } from "../../../../../src/registry-sync/facades/zookeeper/counters.ts";
import { Listings } from "../../../../../src/registry-sync/facades/zookeeper/listings.ts";
import { SessionMemory } from "../../../../../src/registry-sync/facades/zookeeper/memory.ts";
import { replyPacket, requestPacket } from "../../../../../src/registry-sync/facades/zookeeper/packets.ts";
import { ANYBODY } from "../../../../../src/registry-sync/present/asker.ts";
import { createPresentContext } from "../../../../../src/registry-sync/present/context.ts";
import { IFACE, PROVIDERS, PROXIES } from "../../../../support/facade-link.ts";

const directory = { kind: "providers", path: PROVIDERS, name: IFACE } as const;

function core(): SessionCore {
  const clock = new ManualClock();
  const context = createPresentContext({ addresses: PROXIES });
  return new SessionCore({
    context: () => context,
    listings: new Listings(() => {}),
    memory: new SessionMemory(clock),
    patience: new Patience(clock),
    counters: createCounters(),
  });
}

function sent(one: SessionCore): { xid: number; type: number; path: string | undefined }[] {
  const splitter = new PacketSplitter(1 << 20);
  return one.takeToServer().flatMap((packet) => splitter.push(packet).map((whole) => peekRequest(packetBody(whole))));
}

const sync = (xid: number) => requestPacket(xid, { op: "sync", path: "/" });
const ok = (xid: number) => replyPacket({ xid, zxid: 0n, err: 0 });

describe("requests and replies", () => {
  test("replies are matched by order, so a client may use the xids that we use", () => {
    const one = core();
    const answered: string[] = [];
    one.forward(sync(-1_000_000), -1_000_000, () => answered.push("client"));
    one.inject({ op: "exists", path: "/x", watch: false }, () => answered.push("own"));
    one.forward(sync(-1_000_000), -1_000_000, () => answered.push("client again"));
    const xids = sent(one).map(({ xid }) => xid);
    expect(xids).toEqual([-1_000_000, -1_000_000, -1_000_000]);
    for (const xid of xids) one.onReply(ok(xid));
    expect(answered).toEqual(["client", "own", "client again"]);
  });

  test("our own requests are counted and their replies not passed on", () => {
    const one = core();
    one.inject({ op: "exists", path: "/x", watch: false }, () => {});
    one.onReply(ok(sent(one)[0]?.xid ?? 0));
    expect(one.outbox.take()).toEqual([]);
    expect(one.shared.counters.injected).toBe(1);
  });

  test("a reply out of order ends the connection", () => {
    const one = core();
    one.forward(sync(1), 1);
    expect(() => one.onReply(ok(2))).toThrow("zookeeper reply has xid 2 where xid 1 was due");
    expect(() => core().onReply(ok(2))).toThrow(ProtocolError);
  });

  test("many thousand leave nothing behind", () => {
    const one = core();
    for (let xid = 1; xid <= 5_000; xid++) {
      one.forward(sync(xid), xid);
      one.onReply(ok(xid));
    }
    expect(one.pendingCount).toBe(0);
    expect(one.outbox.take()).toHaveLength(5_000);
  });
});

describe("lists", () => {
  test("of a missing directory are empty, of one that may not be read unknown", () => {
    const one = core();
    const seen: (number | undefined)[] = [];
    for (const err of [-101, -102]) {
      one.list(directory, false, (listing) => seen.push(listing?.names.length));
      one.onReply(replyPacket({ xid: sent(one)[0]?.xid ?? 0, zxid: 0n, err }));
    }
    expect(seen).toEqual([0, undefined]);
  });
});

describe("recursive watches", () => {
  test("cover what stands at and below their path", () => {
    const one = core();
    expect(one.coveredRecursively("/a")).toBe(false);
    one.recursive.add("/a/b");
    expect(["/a/b", "/a/b/c/d"].every((path) => one.coveredRecursively(path))).toBe(true);
    expect(["/a", "/a/bc", "/"].some((path) => one.coveredRecursively(path))).toBe(false);
    one.recursive.add("/");
    expect(one.coveredRecursively("/x")).toBe(true);
  });

  test("bring directories below them under watch, others not", () => {
    const one = core();
    expect(one.trackedAt(PROVIDERS)).toBeUndefined();
    one.recursive.add("/dubbo");
    expect(one.trackedAt(PROVIDERS)?.directory).toEqual(directory);
    expect(one.trackedAt("/dubbo/x")).toBeUndefined();
  });
});

test("the number of own nodes is bounded", () => {
  const one = core();
  for (let index = 0; index < 200_000; index++) one.addOwn(`/n${index}`);
  expect(() => one.addOwn("/more")).toThrow("zookeeper session has over 200000 nodes of its own");
});

describe("what a session's consumers ask for", () => {
  const consumer = (name: string, said: string) => ({
    protocol: "consumer",
    host: "10.0.0.1",
    port: 0,
    path: name,
    params: { interface: name, ...Object.fromEntries(new URLSearchParams(said)) },
  });
  const routers = { kind: "routers", path: `/dubbo/${IFACE}/routers`, name: IFACE } as const;

  test("holds for their interface, and several are joined", () => {
    const one = core();
    expect(one.askerIn(directory)).toBe(ANYBODY);
    expect(one.addConsumer(consumer("a.B", "protocol=tri"))).toBe(true);
    expect(one.askerIn(directory)).toBe(ANYBODY);
    expect(one.addConsumer(consumer(IFACE, "release=2.7.23"))).toBe(true);
    expect(one.addConsumer(consumer(IFACE, "protocol=tri"))).toBe(true);
    expect(one.addConsumer(consumer(IFACE, "protocol=tri"))).toBe(false);
    expect(one.askerIn(directory)).toEqual({ unled: [], speaks: ["dubbo", "tri"] });
    expect(one.askerIn(routers)).toBe(ANYBODY);
  });

  test("is noted of a bounded number of interfaces", () => {
    const one = core();
    for (let index = 0; index < 20_000; index++) one.addConsumer(consumer(`a.B${index}`, "protocol=tri"));
    expect(one.addConsumer(consumer(IFACE, "protocol=tri"))).toBe(false);
    expect([one.speaks.size, one.askerIn(directory)]).toEqual([20_000, ANYBODY]);
    expect(one.addConsumer(consumer("a.B1", "release=2.7.23"))).toBe(true);
  });
});
