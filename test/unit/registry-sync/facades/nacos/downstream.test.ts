import { expect, test } from "vitest";
import { ProtocolError } from "../../../../../src/base/errors.ts";
import { fieldValue } from "../../../../../src/codecs/fields.ts";
import { Http2Connection } from "../../../../../src/codecs/http2/connection.ts";
import type { Http2Event } from "../../../../../src/codecs/http2/events.ts";
import {
  type ClientCall,
  DEFAULT_DOWNSTREAM_LIMITS,
  Downstream,
  type DownstreamLimits,
  REQUEST_PATH,
  STREAM_PATH,
} from "../../../../../src/registry-sync/facades/nacos/downstream.ts";

function stage(limits: Partial<DownstreamLimits> = {}) {
  const calls: ClientCall[] = [];
  const seen: string[] = [];
  const events: Http2Event[] = [];
  const client = new Http2Connection("client", 0);
  const down = new Downstream(
    {
      onCall: (call) => calls.push(call),
      onCancelled: () => seen.push("cancelled"),
      onStreamOpened: () => seen.push("opened"),
      onMessage: (message) => seen.push(message.toString()),
      onStreamEnded: (inOrder) => seen.push(inOrder ? "ended" : "reset"),
    },
    { ...DEFAULT_DOWNSTREAM_LIMITS, ...limits },
    0,
  );
  const pump = () => {
    for (;;) {
      const out = client.takeOutput();
      if (out.length > 0) down.receive(out, 0);
      const back = down.machine.takeOutput();
      if (back.length > 0) events.push(...client.receive(back, 0));
      if (out.length === 0 && back.length === 0) return;
    }
  };
  const open = (path: string) =>
    client.open([":method", "POST", ":scheme", "http", ":path", path, "te", "trailers"], false)!;
  const status = () => {
    const last = events.findLast((event) => event.type === "head" || event.type === "trailers");
    return last?.type === "head" || last?.type === "trailers" ? fieldValue(last.fields, "grpc-status") : undefined;
  };
  pump();
  return { calls, seen, events, client, down, pump, open, status };
}

function framed(text: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(text), 1);
  return Buffer.concat([head, Buffer.from(text)]);
}

test("a call is whole when its stream ends, and is answered with head, message and trailers", () => {
  const { calls, client, down, pump, open, events, status } = stage();
  const stream = open(REQUEST_PATH);
  const bytes = framed("hello");
  client.data(stream, bytes.subarray(0, 3), false);
  pump();
  client.data(stream, bytes.subarray(3), true);
  pump();
  expect(calls.map(({ message }) => message.toString())).toEqual(["hello"]);
  down.answer(calls[0]!.stream, Buffer.from("bye"));
  pump();
  const data = events.flatMap((event) => (event.type === "data" ? [event.bytes] : []));
  expect(Buffer.concat(data).toString("hex")).toBe("0000000003627965");
  expect(status()).toBe("0");
});

test("large messages are whole whatever pieces their frames come in", () => {
  const { seen, client, down, pump, open } = stage();
  const stream = open(STREAM_PATH);
  pump();
  seen.length = 0;
  const texts = ["a", "b", "c"].map((letter) => letter.repeat(50_000));
  for (const text of texts) client.data(stream, framed(text), false);
  for (let bytes = client.takeOutput(); bytes.length > 0; bytes = client.takeOutput()) {
    for (let at = 0; at < bytes.length; at += 10_000) down.receive(Buffer.from(bytes.subarray(at, at + 10_000)), 0);
    client.receive(down.machine.takeOutput(), 0);
  }
  expect(seen.map((text) => texts.indexOf(text))).toEqual([0, 1, 2]);
});

test("messages of the stream are heard, pushes written, and its end told", () => {
  const { seen, client, down, pump, open, events } = stage();
  const stream = open(STREAM_PATH);
  client.data(stream, Buffer.concat([framed("a"), framed("b")]), false);
  pump();
  expect(down.hasStream).toBe(true);
  down.push(Buffer.from("p"));
  down.push(Buffer.from("q"));
  pump();
  client.data(stream, Buffer.alloc(0), true);
  pump();
  expect(seen).toEqual(["opened", "a", "b", "ended"]);
  down.endStream();
  pump();
  expect(events.filter(({ type }) => type === "head")).toHaveLength(1);
  expect(events.at(-1)?.type).toBe("trailers");
});

test.each([
  ["another path", "/x/y", framed("a"), "12"],
  ["no message", REQUEST_PATH, Buffer.alloc(0), "13"],
  ["two messages", REQUEST_PATH, Buffer.concat([framed("a"), framed("b")]), "13"],
  ["half a message", REQUEST_PATH, framed("abcdefghij").subarray(0, 9), "13"],
  ["a compressed message", REQUEST_PATH, Buffer.from("0100000001ff", "hex"), "13"],
  ["a message over the limit", REQUEST_PATH, Buffer.from("007fffffff", "hex"), "8"],
])("%s is refused, and the connection goes on", (_name, path, bytes, expected) => {
  const { calls, client, pump, open, status } = stage();
  client.data(open(path), bytes, true);
  pump();
  expect([calls.length, status()]).toEqual([0, expected]);
  client.data(open(REQUEST_PATH), framed("ok"), true);
  pump();
  expect(calls).toHaveLength(1);
});

test("a connection has one stream", () => {
  const { seen, pump, open, status } = stage();
  open(STREAM_PATH);
  open(STREAM_PATH);
  pump();
  expect([seen, status()]).toEqual([["opened"], "3"]);
});

test("a call that is reset is told of", () => {
  const { seen, client, pump, open } = stage();
  const stream = open(REQUEST_PATH);
  client.data(stream, framed("a"), true);
  pump();
  client.reset(stream, 8);
  pump();
  expect(seen).toEqual(["cancelled"]);
});

test("calls that are never ended may hold only so much", () => {
  const { client, pump, open } = stage({ maxHeldBytes: 100_000 });
  for (let i = 0; i < 3; i++) client.data(open(REQUEST_PATH), framed("x".repeat(60_000)).subarray(0, 50_000), false);
  expect(pump).toThrow(ProtocolError);
});

test("a client that reads nothing loses its stream", () => {
  const { client, down, pump, open, seen } = stage({ maxUnreadBytes: 200_000 });
  open(STREAM_PATH);
  pump();
  client.takeOutput();
  for (let i = 0; i < 40; i++) down.push(Buffer.alloc(50_000));
  down.take(down.machine.takeEvents(), 0);
  expect(seen).toEqual(["opened", "reset"]);
});
