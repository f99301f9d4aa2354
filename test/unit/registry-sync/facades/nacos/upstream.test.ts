import { expect, test } from "vitest";
import { ProtocolError } from "../../../../../src/base/errors.ts";
import { Http2Connection } from "../../../../../src/codecs/http2/connection.ts";
import type { Http2Event } from "../../../../../src/codecs/http2/events.ts";
import type { Http2Stream } from "../../../../../src/codecs/http2/stream.ts";
import { encodeEnvelope } from "../../../../../src/codecs/triple/envelope.ts";
import { type Outcome, readable, Upstream } from "../../../../../src/registry-sync/facades/nacos/upstream.ts";

function stage(maxMessageBytes?: number) {
  const pushes: string[] = [];
  const events: Http2Event[] = [];
  const server = new Http2Connection("server", 0);
  let nowMs = 0;
  const up = new Upstream(
    "server:9848",
    {
      onPush: (message) => pushes.push(message.toString()),
      onOversized: (bytes) => pushes.push(`over by ${bytes}`),
      onStreamEnded: () => pushes.push("ended"),
    },
    () => nowMs,
    maxMessageBytes,
  );
  const pump = () => {
    for (;;) {
      const out = up.machine.takeOutput();
      if (out.length > 0) events.push(...server.receive(out, 0));
      const back = server.takeOutput();
      if (back.length > 0) up.receive(back, nowMs);
      if (out.length === 0 && back.length === 0) return;
    }
  };
  const outcomes: Outcome[] = [];
  const call = (fields: readonly string[] = []) =>
    up.call(Buffer.from("q"), fields, (outcome) => outcomes.push(outcome));
  const stream = (): Http2Stream => {
    const head = events.findLast(({ type }) => type === "head");
    if (head?.type !== "head") throw new Error("no call");
    return head.stream;
  };
  pump();
  const at = (ms: number) => {
    nowMs = ms;
    return up.tick(ms);
  };
  return { pushes, events, server, up, pump, outcomes, call, stream, at };
}

const HEAD = [":status", "200", "content-type", "application/grpc"];
const MESSAGE = Buffer.from("000000000161", "hex");

test("a call has the client's fields but for those of a hop, and the server's authority", () => {
  const { events, call, pump } = stage();
  call([":path", "/x", "te", "x", "user-agent", "grpc-java-netty/1.64.2", "x-own", "1", "grpc-encoding", "gzip"]);
  pump();
  const [head] = events.filter(({ type }) => type === "head");
  expect(head?.type === "head" ? head.fields : []).toEqual([
    ...[":method", "POST", ":scheme", "http", ":path", "/Request/request", ":authority", "server:9848"],
    ...["te", "trailers", "content-type", "application/grpc", "user-agent", "grpc-java-netty/1.64.2", "x-own", "1"],
  ]);
});

test("an answer is a message and status 0", () => {
  const { server, up, call, pump, stream, outcomes } = stage();
  call();
  pump();
  expect(up.inFlight).toBe(1);
  server.head(stream(), HEAD, false);
  server.data(stream(), MESSAGE, false);
  server.trailers(stream(), ["grpc-status", "0"]);
  pump();
  expect(outcomes).toEqual([{ type: "answer", message: Buffer.from("a") }]);
  expect(up.inFlight).toBe(0);
});

test.each([
  [
    "trailers alone",
    (server: Http2Connection, stream: Http2Stream) =>
      server.head(stream, [...HEAD, "grpc-status", "8", "grpc-message", "no"], true),
    8,
    "no",
  ],
  [
    "a reset",
    (server: Http2Connection, stream: Http2Stream) => server.reset(stream, 2),
    14,
    "the server reset the call",
  ],
  [
    "no message",
    (server: Http2Connection, stream: Http2Stream) => server.head(stream, [...HEAD, "grpc-status", "0"], true),
    13,
    "the server gave no answer",
  ],
  [
    "a status that is none",
    (server: Http2Connection, stream: Http2Stream) => server.head(stream, [...HEAD, "grpc-status", "99"], true),
    13,
    "the server gave no answer",
  ],
])("%s is a failure", (_name, answer, status, text) => {
  const { server, call, pump, stream, outcomes } = stage();
  call();
  pump();
  answer(server, stream());
  pump();
  expect(outcomes).toEqual([{ type: "failure", status, text }]);
});

test("a call that is cancelled is reset, and its answer not heard", () => {
  const { server, up, call, pump, stream, outcomes, events } = stage();
  const one = call();
  pump();
  one?.cancel();
  one?.cancel();
  expect(up.inFlight).toBe(0);
  // The answer was on its way.
  server.head(stream(), [...HEAD, "grpc-status", "0"], true);
  pump();
  expect([outcomes, up.inFlight]).toEqual([[], 0]);
  call();
  pump();
  one?.cancel();
  call()?.cancel();
  pump();
  expect(events.filter(({ type }) => type === "reset")).toHaveLength(1);
});

test("an answer over the limit fails its call alone, as soon as its length is known", () => {
  const { server, up, call, pump, stream, outcomes, events, pushes } = stage(3);
  call();
  pump();
  server.head(stream(), HEAD, false);
  server.data(stream(), Buffer.from("000000000461", "hex"), false);
  pump();
  const text = "the registry's answer of 4 bytes is over 3";
  expect(outcomes).toEqual([{ type: "failure", status: 8, text, isTooLarge: true }]);
  expect([up.inFlight, up.keptBytes, pushes]).toEqual([0, 0, ["over by 4"]]);
  expect(events.filter(({ type }) => type === "reset")).toHaveLength(1);
  call();
  pump();
  server.head(stream(), HEAD, false);
  server.data(stream(), MESSAGE, false);
  server.trailers(stream(), ["grpc-status", "0"]);
  pump();
  expect(outcomes.slice(1)).toEqual([{ type: "answer", message: Buffer.from("a") }]);
});

test("a push over the limit is stepped over, and those after it come", () => {
  const { server, up, pump, stream, pushes } = stage(3);
  up.openStream([]);
  pump();
  server.head(stream(), HEAD, false);
  server.data(stream(), Buffer.from("0000000004616263", "hex"), false);
  pump();
  expect([pushes, up.keptBytes]).toEqual([["over by 4"], 0]);
  server.data(stream(), Buffer.concat([Buffer.from("d"), MESSAGE]), false);
  pump();
  expect([pushes, up.hasStream]).toEqual([["over by 4", "a"], true]);
});

test("what is kept is what is not whole, and what the server has not read", () => {
  const { server, up, call, pump, stream } = stage();
  call();
  expect(up.keptBytes).toBeGreaterThan(0);
  pump();
  expect(up.keptBytes).toBe(0);
  server.head(stream(), HEAD, false);
  server.data(stream(), Buffer.from("000000000461", "hex"), false);
  pump();
  expect(up.keptBytes).toBe(6);
});

test("large messages are whole whatever pieces their frames come in", () => {
  const { server, up, pump, stream, pushes } = stage();
  up.openStream([]);
  pump();
  server.head(stream(), HEAD, false);
  const texts = ["a", "b", "c"].map((letter) => letter.repeat(50_000));
  for (const text of texts)
    server.data(stream(), Buffer.concat([encodeEnvelope(text.length), Buffer.from(text)]), false);
  for (let bytes = server.takeOutput(); bytes.length > 0; bytes = server.takeOutput()) {
    for (let at = 0; at < bytes.length; at += 10_000) up.receive(Buffer.from(bytes.subarray(at, at + 10_000)), 0);
    server.receive(up.machine.takeOutput(), 0);
  }
  expect(pushes.map((text) => texts.indexOf(text))).toEqual([0, 1, 2]);
});

test("pushes come on the stream until the server ends it", () => {
  const { server, up, pump, stream, pushes } = stage();
  expect(up.openStream([])).toBe(true);
  up.send(Buffer.from("setup"));
  pump();
  server.head(stream(), HEAD, false);
  server.data(stream(), Buffer.concat([MESSAGE, MESSAGE]), false);
  pump();
  expect([pushes, up.hasStream]).toEqual([["a", "a"], true]);
  server.trailers(stream(), ["grpc-status", "0"]);
  pump();
  expect([pushes, up.hasStream]).toEqual([["a", "a", "ended"], false]);
});

test("a server that owes nothing may be silent; one that owes an answer is asked for a sign of life, then given up", () => {
  const { server, call, pump, at } = stage();
  expect(at(60_000)).toBe(true);
  call();
  pump();
  expect([at(61_400), at(61_600)]).toEqual([true, true]);
  // Its machine answers the ping.
  pump();
  expect(server.takeOutput()).toHaveLength(0);
  expect([at(67_500), at(67_700), at(71_100), at(71_300)]).toEqual([true, true, true, false]);
});

test("one that is slow, not silent, is asked twice at most until it answers: gRPC's servers in Java bear no more", () => {
  const { server, up, call, pump, stream, at } = stage();
  let questions = 0;
  const ask = up.machine.ping.bind(up.machine);
  up.machine.ping = () => {
    questions++;
    ask();
  };
  const live = (untilMs: number, fromMs: number) => {
    for (let ms = fromMs; ms < untilMs; ms += 100) {
      if (!at(ms)) return ms;
      pump();
    }
    return untilMs;
  };
  at(60_000);
  call();
  expect([live(70_000, 60_000), questions]).toEqual([70_000, 2]);
  server.head(stream(), HEAD, false);
  server.data(stream(), MESSAGE, false);
  server.trailers(stream(), ["grpc-status", "0"]);
  live(70_200, 70_000);
  call();
  expect([live(80_000, 70_200), questions]).toEqual([80_000, 4]);
  // It may not be asked any more: one that says nothing at all for ten seconds is given up.
  expect(live(100_000, 80_000)).toBeLessThan(90_000);
});

test("a server whose message is compressed without being asked has broken the protocol", () => {
  const { server, call, pump, stream } = stage();
  call();
  pump();
  server.head(stream(), HEAD, false);
  server.data(stream(), Buffer.from("010000000161", "hex"), false);
  expect(pump).toThrow(ProtocolError);
});

test("what breaks a rule of the protocol is not readable; any other fault is ours", () => {
  const fail = (error: Error) => () => {
    throw error;
  };
  expect([readable(() => 1), readable(fail(new ProtocolError("nacos", "x")))]).toEqual([1, undefined]);
  expect(() => readable(fail(new TypeError("ours")))).toThrow("ours");
});
