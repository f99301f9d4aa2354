import { beforeEach, describe, expect, test } from "vitest";
import {
  type ClientEvent,
  ZooKeeperClientMachine,
  ZooKeeperServerMachine,
} from "../../../../src/codecs/zookeeper/connection.ts";
import { readZooKeeperRecordings } from "../../../support/zookeeper-recording.ts";

const start = 1_000_000;
const connect = {
  protocolVersion: 0,
  lastZxidSeen: 0n,
  timeoutMs: 9000,
  sessionId: 0n,
  password: new Uint8Array(16),
  readOnly: false,
};
const response = { protocolVersion: 0, timeoutMs: 9000, sessionId: 5n, password: new Uint8Array(16), readOnly: false };
const header = { xid: 1, zxid: 8n, err: 0 };

let client: ZooKeeperClientMachine;
let server: ZooKeeperServerMachine;

beforeEach(() => {
  client = new ZooKeeperClientMachine({ connect, handshakeTimeoutMs: 500, maxPacketBytes: 1 << 20, nowMs: start });
  server = new ZooKeeperServerMachine({ maxPacketBytes: 1 << 20, handshakeTimeoutMs: 700, nowMs: start });
});

function establish(nowMs = start): ClientEvent[] {
  server.receive(client.takeOutput(), nowMs);
  server.send({ type: "connected", response }, nowMs);
  return client.receive(server.takeOutput(), nowMs);
}

describe("a client joined to a server", () => {
  test("greets, is greeted, asks and is answered, with events between", () => {
    expect(server.receive(client.takeOutput(), start)).toEqual([{ type: "connect", request: connect }]);
    server.send({ type: "connected", response }, start);
    expect(client.receive(server.takeOutput(), start)).toEqual([{ type: "connected", response }]);
    client.send({ xid: 1, request: { op: "getChildren", path: "/", watch: true } }, start);
    expect(server.receive(client.takeOutput(), start)).toEqual([
      { type: "request", xid: 1, request: { op: "getChildren", path: "/", watch: true } },
    ]);
    expect(client.pendingCount).toBe(1);
    server.send({ type: "event", event: { type: 4, state: 3, path: "/" } }, start);
    server.send({ type: "reply", header, reply: { op: "getChildren", children: ["a"] } }, start);
    expect(client.receive(server.takeOutput(), start)).toEqual([
      { type: "event", event: { type: 4, state: 3, path: "/" } },
      { type: "reply", header, reply: { op: "getChildren", children: ["a"] } },
    ]);
    expect(client.pendingCount).toBe(0);
  });

  test("learns that its session is gone by a time-out of 0", () => {
    server.receive(client.takeOutput(), start);
    server.send({ type: "connected", response: { ...response, timeoutMs: 0, sessionId: 0n } }, start);
    expect(client.receive(server.takeOutput(), start)).toEqual([{ type: "expired" }]);
  });

  test("refuses a reply to what it did not ask", () => {
    establish();
    client.send({ xid: 3, request: { op: "sync", path: "/" } }, start);
    server.send({ type: "reply", header: { ...header, xid: 4 } }, start);
    const output = server.takeOutput();
    expect(() => client.receive(output, start)).toThrow("reply to request 4 where 3 is awaited");
  });
});

describe("a client's clock", () => {
  test("gives up a handshake that is not answered", () => {
    expect(client.deadline()).toBe(start + 500);
    expect(client.tick(start + 499)).toEqual([]);
    expect(client.tick(start + 500)).toEqual([{ type: "lost", reason: "no answer to the handshake for 500 ms" }]);
  });

  test("pings after a third of the time-out without sending, and reports a silent server after two thirds", () => {
    establish();
    expect(client.deadline()).toBe(start + 3000);
    expect(client.tick(start + 3000)).toEqual([]);
    expect(server.receive(client.takeOutput(), start)).toEqual([{ type: "request", xid: -2, request: { op: "ping" } }]);
    expect(client.deadline()).toBe(start + 6000);
    expect(client.tick(start + 6000)).toEqual([{ type: "lost", reason: "no byte from the server for 6000 ms" }]);
  });

  test("goes on while the server answers pings", () => {
    establish();
    for (let now = start + 3000; now <= start + 90_000; now += 3000) {
      expect(client.tick(now)).toEqual([]);
      expect(server.receive(client.takeOutput(), now)).toHaveLength(1);
      server.send({ type: "reply", header: { xid: -2, zxid: 1n, err: 0 } }, now);
      expect(client.receive(server.takeOutput(), now)).toHaveLength(1);
    }
  });
});

describe("a server", () => {
  test("takes four letters in place of a handshake, also one by one, and nothing after them", () => {
    for (const letter of "srv") expect(server.receive(Buffer.from(letter), start)).toEqual([]);
    expect(server.receive(Buffer.from("r"), start)).toEqual([{ type: "word", word: "srvr" }]);
    expect(server.receive(Buffer.from("ruok"), start)).toEqual([]);
    server.send({ type: "text", text: "Mode: standalone\n" }, start);
    expect(Buffer.from(server.takeOutput()).toString()).toBe("Mode: standalone\n");
  });

  test("reports a client that sends no handshake in time", () => {
    expect(server.deadline()).toBe(start + 700);
    expect(server.tick(start + 700)).toEqual([{ type: "lost", reason: "the client sent no handshake in time" }]);
    establish();
    expect(server.deadline()).toBeUndefined();
    expect(server.tick(start + 70_000)).toEqual([]);
  });

  test("reports a record it can't read with its header, and goes on", () => {
    establish();
    const bad = Buffer.from("00000009" + "0000000700000004" + "ff", "hex");
    expect(server.receive(bad, start)).toMatchObject([{ type: "malformed", xid: 7, op: 4 }]);
    client.send({ xid: 8, request: { op: "ping" } }, start);
    expect(server.receive(client.takeOutput(), start)).toHaveLength(1);
  });

  test("refuses text that is no word as a length over its limit", () => {
    expect(() => server.receive(Buffer.from("GET / HTTP/1.1\r\n\r\n"), start)).toThrow("over maxPacketBytes 1048576");
  });
});

test("both machines take the recorded conversations, byte by byte", () => {
  const recordings = readZooKeeperRecordings();
  const keys = [...new Set(recordings.map(({ file, connection }) => `${file} ${connection}`))];
  expect(keys.length).toBeGreaterThan(2);
  for (const key of keys) {
    const one = recordings.filter(({ file, connection }) => `${file} ${connection}` === key);
    const machine = new ZooKeeperServerMachine({ maxPacketBytes: 1 << 20, handshakeTimeoutMs: 700, nowMs: start });
    const asked = one.filter(({ kind }) => kind === "connectRequest" || kind === "request");
    const events = asked.flatMap(({ packet }) =>
      [...packet].flatMap((byte) => machine.receive(Uint8Array.of(byte), start)),
    );
    expect(events).toHaveLength(asked.length);
    expect(events.filter(({ type }) => type === "malformed")).toEqual([]);
  }
});
