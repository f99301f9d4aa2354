import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { ProtocolError } from "../../../../../src/base/errors.ts";
import { CREATE_MODES, WATCH_MODES } from "../../../../../src/codecs/zookeeper/constants.ts";
import { encodePacket } from "../../../../../src/codecs/zookeeper/frame.ts";
import { OPEN_ACL, writeConnectRequest, writeConnectResponse } from "../../../../../src/codecs/zookeeper/records.ts";
import type { Application } from "../../../../../src/model/application.ts";
import { Patience } from "../../../../../src/registry-sync/facades/patience.ts";
import { createCounters } from "../../../../../src/registry-sync/facades/zookeeper/counters.ts";
import { Listings } from "../../../../../src/registry-sync/facades/zookeeper/listings.ts";
import { SessionMemory } from "../../../../../src/registry-sync/facades/zookeeper/memory.ts";
import { replyPacket, requestPacket } from "../../../../../src/registry-sync/facades/zookeeper/packets.ts";
import { FacadeSession, type PacketLimits } from "../../../../../src/registry-sync/facades/zookeeper/session.ts";
import {
  createPresentContext,
  type FacadeClient,
  type PresentOptions,
} from "../../../../../src/registry-sync/present/context.ts";
import { elsewhereOf } from "../../../../../src/registry-sync/present/elsewhere.ts";
import { springNodeName } from "../../../../../src/registry-sync/present/spring-nodes.ts";
import { applicationOf, instanceAt, offered } from "../../../../support/applications.ts";
import {
  addressesOf,
  FacadeLink,
  IFACE,
  INSTANCES,
  PROVIDERS,
  PROXIES,
  providerName,
} from "../../../../support/facade-link.ts";
import { endpoint, entry, world } from "../../../../support/worlds.ts";

const password = new Uint8Array(16).fill(3);
const hello = encodePacket((writer) =>
  writeConnectRequest(writer, {
    protocolVersion: 0,
    lastZxidSeen: 77n,
    timeoutMs: 4_000,
    sessionId: 9n,
    password,
    readOnly: false,
  }),
);
const welcome = encodePacket((writer) =>
  writeConnectResponse(writer, { protocolVersion: 0, timeoutMs: 4_000, sessionId: 9n, password, readOnly: false }),
);

function bare(limits?: PacketLimits): FacadeSession {
  const context = createPresentContext({ addresses: PROXIES });
  return new FacadeSession(
    {
      context: () => context,
      listings: new Listings(() => {}),
      memory: new SessionMemory(new ManualClock()),
      patience: new Patience(new ManualClock()),
      counters: createCounters(),
    },
    limits,
  );
}

function established(): FacadeSession {
  const session = bare();
  session.fromClient(hello);
  session.fromServer(welcome);
  session.takeToServer();
  session.takeToClient();
  return session;
}

function joined(chunks: readonly Uint8Array[]): string {
  return Buffer.concat(chunks).toString("hex");
}

describe("what passes byte for byte", () => {
  test("the handshake, both ways, with its session, password and time-out", () => {
    const session = bare();
    session.fromClient(hello);
    expect(joined(session.takeToServer())).toBe(joined([hello]));
    session.fromServer(welcome);
    expect(joined(session.takeToClient())).toBe(joined([welcome]));
    expect(session.sessionId).toBe(9n);
    expect(session.established).toBe(true);
  });

  test("a four-letter word and its answer", () => {
    const session = bare();
    session.fromClient(Buffer.from("sr"));
    session.fromClient(Buffer.from("vr"));
    expect(joined(session.takeToServer())).toBe(Buffer.from("srvr").toString("hex"));
    session.fromServer(Buffer.from("Mode: standalone"));
    expect(Buffer.concat(session.takeToClient()).toString()).toBe("Mode: standalone");
  });

  test("requests and replies about anything else, in whatever pieces they come", () => {
    const session = established();
    const request = requestPacket(1, { op: "getData", path: "/config/x", watch: true });
    const reply = replyPacket({ xid: 1, zxid: 5n, err: -101 });
    for (const byte of request) session.fromClient(Uint8Array.of(byte));
    expect(joined(session.takeToServer())).toBe(joined([request]));
    for (const byte of reply) session.fromServer(Uint8Array.of(byte));
    expect(joined(session.takeToClient())).toBe(joined([reply]));
  });

  test("operations that are not known to us", () => {
    const session = established();
    const odd = encodePacket((writer) => writer.int(4).int(999).string("/x"));
    session.fromClient(odd);
    expect(joined(session.takeToServer())).toBe(joined([odd]));
  });

  test("auth, ping and sasl replies, which keep no order", () => {
    const session = established();
    session.fromClient(requestPacket(1, { op: "sync", path: "/" }));
    session.fromClient(requestPacket(-2, { op: "ping" }));
    session.fromClient(requestPacket(-4, { op: "auth", type: 0, scheme: "digest", auth: Buffer.from("u:p") }));
    session.fromClient(requestPacket(2, { op: "sasl", token: null }));
    const replies = [
      replyPacket({ xid: 2, zxid: 0n, err: 0 }, { op: "sasl", token: null }),
      replyPacket({ xid: -4, zxid: 0n, err: 0 }),
      replyPacket({ xid: -2, zxid: 0n, err: 0 }),
      replyPacket({ xid: 1, zxid: 0n, err: 0 }, { op: "sync", path: "/" }),
    ];
    for (const reply of replies) session.fromServer(reply);
    expect(joined(session.takeToClient())).toBe(joined(replies));
  });
});

describe("bad input", () => {
  test.each<[string, Uint8Array, string]>([
    ["a length over the limit", Uint8Array.of(0x7f, 0xff, 0xff, 0xff), "is over maxPacketBytes"],
    ["a negative length", Uint8Array.of(0xff, 0xff, 0xff, 0xff), "negative length"],
    ["a TLS hello", Uint8Array.of(0x16, 3, 1, 2, 0), "is over maxPacketBytes"],
    ["a handshake cut short", Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0), "does not fit"],
  ])("%s ends the connection", (_, bytes, message) => {
    expect(() => bare().fromClient(bytes)).toThrow(message);
  });

  test.each<[string, Uint8Array]>([
    ["a request without a header", Uint8Array.of(0, 0, 0, 2, 1, 2)],
    ["a path longer than its packet", encodePacket((writer) => writer.int(1).int(8).int(500))],
    [
      "a list of a presented directory with bytes behind it",
      encodePacket((w) => w.int(1).int(8).string(PROVIDERS).int(7)),
    ],
    ["a multi that does not end", encodePacket((w) => w.int(1).int(14).int(13).boolean(false).int(-1))],
    ["a setWatches of two thousand million", encodePacket((w) => w.int(-8).int(101).long(0n).int(0x7fffffff))],
  ])("%s ends the connection with a ProtocolError", (_, packet) => {
    expect(() => established().fromClient(packet)).toThrow(ProtocolError);
  });

  test.each<[string, Uint8Array]>([
    ["a reply that nobody asked for", replyPacket({ xid: 5, zxid: 0n, err: 0 })],
    ["an event without a path", encodePacket((writer) => writer.int(-1).long(-1n).int(0).int(4))],
    ["a length over the limit", Uint8Array.of(0x7f, 0, 0, 0)],
  ])("of the server: %s", (_, packet) => {
    expect(() => established().fromServer(packet)).toThrow(ProtocolError);
  });

  test("random bytes give a ProtocolError or nothing, whatever side they come from", () => {
    let seed = 1;
    const next = () => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
      return seed >> 16;
    };
    for (let round = 0; round < 3_000; round++) {
      const session = established();
      const length = 8 + (next() % 60);
      const bytes = Uint8Array.from({ length: length + 4 }, () => next() & (next() % 3 === 0 ? 0xff : 3));
      new DataView(bytes.buffer).setInt32(0, length);
      if (round % 2 === 0) new DataView(bytes.buffer).setInt32(8, [8, 12, 14, 22, 101, 105, 106, 18][next() % 8] ?? 8);
      try {
        if (round % 4 === 3) session.fromServer(bytes);
        else session.fromClient(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }
  });

  test("no more is read from a client that does not wait for answers", () => {
    const session = established();
    expect(session.takesClientBytes).toBe(true);
    for (let xid = 1; xid <= 4_096; xid++) session.fromClient(requestPacket(xid, { op: "sync", path: "/" }));
    expect(session.takesClientBytes).toBe(false);
    session.fromServer(replyPacket({ xid: 1, zxid: 0n, err: 0 }, { op: "sync", path: "/" }));
    expect(session.takesClientBytes).toBe(true);
  });
});

describe("sessions", () => {
  test("a provider's node is its own session's, and gone with it", () => {
    const link = new FacadeLink();
    const direct = link.connect("direct").layOut();
    const provider = link.connect("facade");
    provider.create(`${PROVIDERS}/${providerName("10.0.0.2")}`);
    expect(direct.stat(`${PROVIDERS}/${providerName("10.0.0.2")}`)?.ephemeralOwner).toBe(provider.sessionId);
    provider.call({ op: "closeSession" });
    expect(direct.children(PROVIDERS)).toEqual([]);
  });

  test("a client that goes from the facade to the real server keeps its session and its nodes", () => {
    const link = new FacadeLink();
    link.connect("direct").layOut();
    const before = link.connect("facade");
    before.create(`${PROVIDERS}/${providerName("10.0.0.2")}`);
    before.disconnect();
    const after = link.connect("direct", before);
    expect(after.sessionId).toBe(before.sessionId);
    expect(after.stat(`${PROVIDERS}/${providerName("10.0.0.2")}`)?.ephemeralOwner).toBe(before.sessionId);
    expect(after.remove(`${PROVIDERS}/${providerName("10.0.0.2")}`)).toBe(0);
  });

  test("and back again", () => {
    const link = new FacadeLink();
    link.connect("direct").layOut();
    const first = link.connect("direct");
    first.create(`${PROVIDERS}/${providerName("10.0.0.2")}`);
    first.disconnect();
    const second = link.connect("facade", first);
    expect(second.sessionId).toBe(first.sessionId);
    expect(addressesOf(second.children(PROVIDERS))).toEqual(PROXIES);
    expect(second.stat(`${PROVIDERS}/${providerName("10.0.0.2")}`)?.ephemeralOwner).toBe(first.sessionId);
  });

  test("a session that is gone is told so", () => {
    const link = new FacadeLink();
    const old = link.connect("facade");
    old.disconnect();
    link.registry.tick(link.clock.now() + 60_000);
    expect(link.connect("facade", old).sessionId).toBe(0n);
  });
});

describe("a service that the proxies have not been told of yet", () => {
  const provider = `${PROVIDERS}/${providerName("10.0.0.2")}`;
  const served = (...keys: string[]) => ({ served: new Set(keys) });

  test("is not shown for a moment: the answer waits until they have been, and what is behind it", () => {
    const link = new FacadeLink(served());
    link.connect("direct").layOut().create(provider);
    const client = link.connect("facade");
    client.seen.splice(0);
    const list = client.ask({ op: "getChildren2", path: PROVIDERS, watch: true });
    const behind = client.ask({ op: "exists", path: "/dubbo", watch: false });
    link.pump();
    expect(client.seen).toEqual([]);
    link.setContext(served(IFACE));
    expect(client.seen).toEqual([`reply ${list}`, `reply ${behind}`]);
    const { reply } = client.answer(list) ?? {};
    expect(reply?.op === "getChildren2" && addressesOf(reply.children)).toEqual(PROXIES);
  });

  test("nor told of: the event of a new provider comes when they have been", () => {
    const link = new FacadeLink(served());
    const direct = link.connect("direct").layOut();
    const client = link.connect("facade");
    client.children(PROVIDERS, true);
    client.events();
    direct.create(provider);
    expect(client.events()).toEqual([]);
    link.setContext(served(IFACE));
    expect(client.events()).toEqual([`childrenChanged ${PROVIDERS}`]);
    expect(addressesOf(client.children(PROVIDERS))).toEqual(PROXIES);
  });

  test("nor left as it is to who hears of it by a recursive watch from above, of a directory that has just come", () => {
    const link = new FacadeLink(served());
    const direct = link.connect("direct");
    direct.create("/dubbo", false);
    const client = link.connect("facade");
    client.call({ op: "addWatch", path: "/dubbo", mode: WATCH_MODES.persistentRecursive });
    direct.layOut().create(provider);
    client.events();
    link.setContext(served(IFACE));
    const below = client.events().filter((line) => line.includes(`${PROVIDERS}/`));
    expect(
      below
        .filter((line) => line.startsWith("created"))
        .map((line) => line.slice("created ".length).includes("10.0.0.2")),
    ).toContain(false);
    expect(below.filter((line) => line.startsWith("deleted") || line.includes("10.0.0.2")).at(-1)).toMatch(
      /^deleted .*10\.0\.0\.2/,
    );
  });

  test("is shown as it is when that takes too long, and as the proxies' once they know it", () => {
    const link = new FacadeLink(served());
    link.connect("direct").layOut().create(provider);
    const client = link.connect("facade");
    const list = client.ask({ op: "getChildren2", path: PROVIDERS, watch: true });
    link.pump();
    link.clock.advance(1_499);
    client.session?.tick();
    link.pump();
    expect(client.answer(list)).toBeUndefined();
    link.clock.advance(1);
    client.session?.tick();
    link.pump();
    const { reply } = client.answer(list) ?? {};
    expect(reply?.op === "getChildren2" && addressesOf(reply.children)).toEqual(["10.0.0.2:20880"]);
    client.events();
    link.setContext(served(IFACE));
    expect(client.events()).toEqual([`childrenChanged ${PROVIDERS}`]);
  });

  test("and so are an application's instances, until what they offer is known and the proxies stand in their place", () => {
    const worldOf = (...applications: Application[]) => ({
      world: { name: "zk", entries: [], consumers: [], findings: [], applications },
    });
    const link = new FacadeLink(worldOf());
    const node = "10.0.0.2:20880";
    const direct = link.connect("direct").layOut();
    for (const path of ["/services", "/services/shop", `/services/shop/${node}`]) direct.create(path);
    const client = link.connect("facade");
    client.seen.splice(0);
    const list = client.ask({ op: "getChildren2", path: "/services/shop", watch: true });
    link.pump();
    link.setContext(worldOf(applicationOf([instanceAt(node)], {})));
    expect(client.seen).toEqual([]);
    link.setContext(worldOf(applicationOf([instanceAt(node)], { r1: [offered(IFACE)] })), [node]);
    const { reply } = client.answer(list) ?? {};
    const shown = reply?.op === "getChildren2" ? reply.children : [];
    expect(shown.map((name) => name.replace(/^[0-9a-f]{12}-/, ""))).toEqual(PROXIES);
  });

  test("pings are answered meanwhile", () => {
    const link = new FacadeLink(served());
    link.connect("direct").layOut().create(provider);
    const client = link.connect("facade");
    client.seen.splice(0);
    client.ask({ op: "getChildren2", path: PROVIDERS, watch: false });
    client.ask({ op: "ping" }, -2);
    link.pump();
    expect(client.seen).toEqual(["reply -2"]);
    expect(client.session?.waits).toBe(true);
  });
});

describe("a consumer that registers with cluster=broadcast", () => {
  const consumer = (more: string) =>
    `/dubbo/${IFACE}/consumers/` +
    encodeURIComponent(`consumer://10.0.0.1/${IFACE}?category=consumers&interface=${IFACE}&side=consumer${more}`);

  test("is shown the providers, others are not, and a new connection of its session still is", () => {
    const link = new FacadeLink();
    link
      .connect("direct")
      .layOut()
      .create(`${PROVIDERS}/${providerName("10.0.0.2")}`);
    const other = link.connect("facade");
    const one = link.connect("facade");
    one.create(consumer("&cluster=broadcast"));
    expect(addressesOf(one.children(PROVIDERS))).toEqual(["10.0.0.2:20880"]);
    expect(one.stat(`${PROVIDERS}/${providerName("10.0.0.2")}`)).toBeDefined();
    expect(addressesOf(other.children(PROVIDERS))).toEqual(PROXIES);
    expect(link.passed.map(({ reason }) => reason)).toContain("its consumer broadcasts");
    one.disconnect();
    const again = link.connect("facade", one);
    expect(addressesOf(again.children(PROVIDERS))).toEqual(["10.0.0.2:20880"]);
  });

  test("is told when it registers after it has read", () => {
    const link = new FacadeLink();
    link
      .connect("direct")
      .layOut()
      .create(`${PROVIDERS}/${providerName("10.0.0.2")}`);
    const one = link.connect("facade");
    one.children(PROVIDERS, true);
    one.events();
    one.create(consumer("&cluster=broadcast"));
    expect(one.events()).toEqual([`childrenChanged ${PROVIDERS}`]);
  });

  test("any other cluster changes nothing", () => {
    const link = new FacadeLink();
    link
      .connect("direct")
      .layOut()
      .create(`${PROVIDERS}/${providerName("10.0.0.2")}`);
    const one = link.connect("facade");
    one.create(consumer("&cluster=failfast"));
    expect(addressesOf(one.children(PROVIDERS))).toEqual(PROXIES);
  });
});

describe("a consumer that asks for Triple", () => {
  const consumer = (iface: string, more: string) =>
    `/dubbo/${IFACE}/consumers/` +
    encodeURIComponent(`consumer://10.0.0.1/${iface}?category=consumers&interface=${iface}&side=consumer${more}`);
  const tri = ["10.0.0.9:50051"];
  const stage = () => {
    const link = new FacadeLink({ triAddresses: tri });
    const writer = link.connect("direct").layOut();
    writer.create(`${PROVIDERS}/${providerName("10.0.0.2")}`);
    return { link, one: link.connect("facade"), other: link.connect("facade") };
  };

  test("is shown Dubbo2 providers in Triple too, others are not, and a new connection of its session still is", () => {
    const { link, one, other } = stage();
    one.create(consumer(IFACE, "&protocol=tri&release=3.3.6"));
    const names = one.children(PROVIDERS);
    expect(addressesOf(names)).toEqual([...PROXIES, ...tri].sort());
    expect(one.stat(PROVIDERS)?.numChildren).toBe(3);
    const bridged = names.find((name) => name.startsWith("tri")) ?? "";
    expect(one.stat(`${PROVIDERS}/${bridged}`)).toBeDefined();
    expect(other.stat(`${PROVIDERS}/${bridged}`)).toBeUndefined();
    expect(addressesOf(other.children(PROVIDERS))).toEqual(PROXIES);
    one.disconnect();
    expect(addressesOf(link.connect("facade", one).children(PROVIDERS))).toEqual([...PROXIES, ...tri].sort());
  });

  test("is told when it registers after it has read", () => {
    const { one } = stage();
    one.children(PROVIDERS, true);
    one.events();
    one.create(consumer(IFACE, "&protocol=tri"));
    expect(one.events()).toEqual([`childrenChanged ${PROVIDERS}`]);
  });

  test("of another interface changes nothing", () => {
    const { one } = stage();
    one.children(PROVIDERS, true);
    one.events();
    one.create(consumer("com.acme.Other", "&protocol=tri"));
    expect(one.events()).toEqual([]);
    expect(addressesOf(one.children(PROVIDERS))).toEqual(PROXIES);
  });
});

test("a sequential node's path is the server's", () => {
  const link = new FacadeLink();
  link.connect("direct").layOut();
  const flags = CREATE_MODES.ephemeralSequential;
  const one = link.connect("facade");
  const request = { op: "create", path: `${PROVIDERS}/n-`, data: null, acl: OPEN_ACL, flags } as const;
  expect(one.call(request).reply).toEqual({ op: "create", path: `${PROVIDERS}/n-0000000000` });
});

describe("a folder of Spring Cloud's instances", () => {
  const UUID = "6f1dbb5b-8605-4132-9f4d-bd60f269ff29";
  const shownNode = springNodeName("shop");
  const httpAddresses = new Map([["shop", "10.0.0.9:31007"]]);
  const led = (version = "1") => {
    const one = endpoint("10.0.0.2:80", { protocol: "http", params: { version } });
    return { httpAddresses, world: world("zk", entry("shop", [one])) };
  };

  function stage(options: Partial<PresentOptions> = led()) {
    const link = new FacadeLink(options);
    const provider = link.connect("facade");
    link.connect("direct").layOut();
    provider.create(`${INSTANCES}/${UUID}`, true, Buffer.from("data"));
    return { link, provider, consumer: link.connect("facade") };
  }

  function portRead(client: ReturnType<typeof stage>["consumer"], watch = false): unknown {
    const { reply } = client.call({ op: "getData", path: `${INSTANCES}/${shownNode}`, watch });
    if (reply?.op !== "getData") return reply;
    expect(reply.stat.dataLength).toBe(reply.data?.length);
    const node: { port: number; payload: { metadata: Record<string, string> } } = JSON.parse(
      Buffer.from(reply.data!).toString(),
    );
    return [node.port, node.payload.metadata["version"]];
  }

  test("shows one node at the proxy, in lists and reads alike, and hides the real ones but from their owner", () => {
    const { provider, consumer } = stage();
    expect([consumer.children(INSTANCES), consumer.stat(INSTANCES)?.numChildren]).toEqual([[shownNode], 1]);
    expect(portRead(consumer)).toEqual([31_007, "1"]);
    expect(consumer.stat(`${INSTANCES}/${shownNode}`)?.ephemeralOwner).toBe(0n);
    expect(consumer.stat(`${INSTANCES}/${UUID}`)).toBeUndefined();
    const own = provider.call({ op: "getData", path: `${INSTANCES}/${UUID}`, watch: false }).reply;
    expect(own?.op === "getData" && Buffer.from(own.data!).toString()).toBe("data");
    expect(provider.remove(`${INSTANCES}/${UUID}`)).toBe(0);
    expect(consumer.children(INSTANCES)).toEqual([]);
  });

  test("tells who watches when all are gone and when one is back", () => {
    const { provider, consumer } = stage();
    consumer.children(INSTANCES, true);
    portRead(consumer, true);
    provider.remove(`${INSTANCES}/${UUID}`);
    expect(consumer.events().sort()).toEqual([`childrenChanged ${INSTANCES}`, `deleted ${INSTANCES}/${shownNode}`]);
    consumer.children(INSTANCES, true);
    provider.create(`${INSTANCES}/${UUID}`);
    expect(consumer.events()).toEqual([`childrenChanged ${INSTANCES}`]);
    provider.create(`${INSTANCES}/another`);
    consumer.children(INSTANCES, true);
    provider.remove(`${INSTANCES}/${UUID}`);
    expect(consumer.events()).toEqual([]);
  });

  test("tells who watches the node's data when what stands there is another, once", () => {
    const { link, consumer } = stage();
    consumer.children(INSTANCES, true);
    expect(portRead(consumer, true)).toEqual([31_007, "1"]);
    const before = consumer.stat(`${INSTANCES}/${shownNode}`);
    consumer.events();
    link.setContext(led("1"));
    expect(consumer.events()).toEqual([]);
    link.setContext(led("2"));
    expect(consumer.events()).toEqual([`dataChanged ${INSTANCES}/${shownNode}`]);
    link.setContext(led("3"));
    expect(consumer.events()).toEqual([]);
    expect(portRead(consumer)).toEqual([31_007, "3"]);
    expect(consumer.stat(`${INSTANCES}/${shownNode}`)?.mzxid).not.toBe(before?.mzxid);
  });

  test("shows the real ones again when the service is bypassed", () => {
    const { link, consumer } = stage();
    consumer.children(INSTANCES, true);
    link.setContext({ ...led(), bypass: { all: true, services: [] } });
    expect(consumer.events()).toEqual([`childrenChanged ${INSTANCES}`]);
    expect(consumer.children(INSTANCES)).toEqual([UUID]);
  });

  test("that the registry does not have is there for who asks without a watch, where another registry has the service", () => {
    const one = endpoint("10.0.1.2:80", { protocol: "http", origin: "nacos", params: { version: "9" } });
    const elsewhere = elsewhereOf([entry("shop", [one])], "zk", undefined);
    const link = new FacadeLink({ httpAddresses, elsewhere });
    link.connect("direct").create("/services", false);
    const consumer = link.connect("facade");
    expect(consumer.children(INSTANCES)).toEqual([shownNode]);
    expect(portRead(consumer)).toEqual([31_007, "9"]);
    // Who would make the folder must hear that it is missing.
    expect(consumer.stat(INSTANCES)).toBeUndefined();
  });

  test("is shown as it is to clients that pass, by their address or by what they register", () => {
    const passing = (passes: (client: FacadeClient) => boolean) => ({ ...led(), passesClient: passes });
    const byAddress = stage(passing(({ address }) => address === "10.0.0.1")).consumer;
    expect(byAddress.children(INSTANCES)).toEqual([UUID]);
    const { link, consumer } = stage(passing(({ application }) => application === "monitor"));
    consumer.children(INSTANCES, true);
    link.connect("direct").create("/services/monitor", false);
    consumer.events();
    consumer.create("/services/monitor/cd69e62a");
    expect(consumer.events()).toEqual([`childrenChanged ${INSTANCES}`]);
    expect(consumer.children(INSTANCES)).toEqual([UUID]);
    consumer.disconnect();
    expect(link.connect("facade", consumer).children(INSTANCES)).toEqual([UUID]);
    expect(link.connect("facade").children(INSTANCES)).toEqual([shownNode]);
  });
});

test("a client that passes is shown providers as the registry has them", () => {
  const link = new FacadeLink({ passesClient: ({ application }) => application === "monitor" });
  link
    .connect("direct")
    .layOut()
    .create(`${PROVIDERS}/${providerName("10.0.0.2")}`);
  const consumer = link.connect("facade");
  consumer.create(
    `/dubbo/${IFACE}/consumers/${encodeURIComponent(`consumer://10.0.0.3/${IFACE}?application=monitor`)}`,
  );
  expect(addressesOf(consumer.children(PROVIDERS))).toEqual(["10.0.0.2:20880"]);
  expect(addressesOf(link.connect("facade").children(PROVIDERS))).toEqual(PROXIES);
});
