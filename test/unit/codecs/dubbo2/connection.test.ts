import { describe, expect, test } from "vitest";
import { CallError, ProtocolError } from "../../../../src/base/errors.ts";
import {
  type ClientEvent,
  Dubbo2Client,
  Dubbo2Server,
  type IncomingCall,
} from "../../../../src/codecs/dubbo2/connection.ts";
import { encodeReadonly, isRequest } from "../../../../src/codecs/dubbo2/frame.ts";
import { bytesOf, requestFrame, WORKED_BODY } from "../../../support/dubbo2-bodies.ts";
import { HESSIAN2_LINES, recordedFrames } from "../../../support/dubbo2-frames.ts";

const NOW = 1_700_000_000_000;

function request(method: string, args: readonly string[] = [], twoWay = true) {
  return {
    twoWay,
    interface: "com.acme.OrderService",
    group: "g",
    version: "1.0.0",
    method,
    descriptor: "Ljava/lang/String;".repeat(args.length),
    args,
    attachments: {},
  };
}

/** Carries bytes between two machines until both are still; `step` bytes at a time. */
function carry(
  client: Dubbo2Client,
  server: Dubbo2Server,
  answer: (call: IncomingCall) => void,
  step = 1_000_000,
): ClientEvent[] {
  const events: ClientEvent[] = [];
  for (;;) {
    const up = client.takeOutput();
    for (let at = 0; at < up.length; at += step) {
      for (const event of server.receive(up.subarray(at, at + step), NOW)) if (event.type === "call") answer(event);
    }
    const down = server.takeOutput();
    for (let at = 0; at < down.length; at += step) events.push(...client.receive(down.subarray(at, at + step), NOW));
    if (up.length === 0 && down.length === 0) return events;
  }
}

function replyValue(event: ClientEvent | undefined): unknown {
  return event?.type === "reply" ? event.response.value : event;
}

test.each([1, 7, 16, 17, 1000])("calls go through in pieces of %i bytes, answers pair by id in any order", (step) => {
  const client = new Dubbo2Client(NOW);
  const server = new Dubbo2Server(NOW);
  for (let key = 0; key < 5; key++) {
    client.send({ type: "call", key, request: request("hello", [`n${key}`]), timeoutMs: 1000 }, NOW);
  }
  const waiting: IncomingCall[] = [];
  const events = carry(
    client,
    server,
    (call) => {
      waiting.push(call);
      if (waiting.length < 5) return;
      for (const one of waiting.reverse()) {
        server.send({ type: "outcome", call: one, outcome: { type: "value", value: `hi ${one.args[0]}` } }, NOW);
      }
    },
    step,
  );
  expect(events.map((event) => event.type === "reply" && event.key)).toEqual([4, 3, 2, 1, 0]);
  expect(events.map(replyValue)).toEqual(["hi n4", "hi n3", "hi n2", "hi n1", "hi n0"]);
  expect([client.callsInFlight, server.callsInFlight]).toEqual([0, 0]);
  expect(waiting[0]).toMatchObject({
    interface: "com.acme.OrderService",
    group: "g",
    version: "1.0.0",
    protocolVersion: "2.0.2",
  });
  expect(waiting[0]?.attachments["timeout"]).toBe("1000");
});

test("a one-way call is never answered", () => {
  const client = new Dubbo2Client(NOW);
  const server = new Dubbo2Server(NOW);
  client.send({ type: "call", key: 1, request: request("note", ["x"], false), timeoutMs: 10 }, NOW);
  let seen = 0;
  const events = carry(client, server, (call) => {
    seen++;
    server.send({ type: "outcome", call, outcome: { type: "value", value: "x" } }, NOW);
    server.send({ type: "error", call, status: 70, text: "x" }, NOW);
  });
  expect([seen, events, client.callsInFlight, server.callsInFlight]).toEqual([1, [], 0, 0]);
});

test("errors and exceptions come back as they were sent", () => {
  const client = new Dubbo2Client(NOW);
  const server = new Dubbo2Server(NOW);
  for (const key of [1, 2]) client.send({ type: "call", key, request: request(`m${key}`), timeoutMs: 10 }, NOW);
  const events = carry(client, server, (call) => {
    if (call.method === "m1") server.send({ type: "error", call, status: 70, text: "no such method" }, NOW);
    else server.send({ type: "outcome", call, outcome: { type: "exception", value: "e" } }, NOW);
  });
  expect(events).toMatchObject([
    { key: 1, response: { type: "error", status: 70, text: "no such method" } },
    { key: 2, response: { type: "exception", value: "e" } },
  ]);
});

test("answers have attachments only for callers that understand them", () => {
  const server = new Dubbo2Server(NOW);
  const sent = (version: string) => {
    const body = Buffer.concat([bytesOf(`05"${version}"`), WORKED_BODY.subarray(6)]);
    const [call] = server.receive(requestFrame(body), NOW);
    server.send({ type: "outcome", call: call as IncomingCall, outcome: { type: "value", value: null } }, NOW);
    return Buffer.from(server.takeOutput()).toString("hex", 16);
  };
  expect(sent("2.0.2")).toBe("954805647562626f05322e302e325a");
  expect(sent("2.6.2")).toBe("92");
});

describe("timers", () => {
  test("a silent peer gets a heartbeat each minute and is given up after three", () => {
    const client = new Dubbo2Client(NOW);
    expect(client.deadline()).toBe(NOW + 60_000);
    expect(client.tick(NOW + 59_999)).toEqual([]);
    expect(client.takeOutput().length).toBe(0);
    client.tick(NOW + 60_000);
    expect(Buffer.from(client.takeOutput()).toString("hex")).toBe("dabbe2000000000000000001000000014e");
    client.tick(NOW + 60_001);
    expect(client.takeOutput().length).toBe(0);
    expect(client.deadline()).toBe(NOW + 120_000);
    client.tick(NOW + 120_000);
    expect(client.takeOutput().length).toBe(17);
    expect(client.tick(NOW + 180_000)).toEqual([{ type: "idle" }]);
    expect(client.tick(NOW + 180_001)).toEqual([]);
  });
  test("any byte from the peer counts as life", () => {
    const client = new Dubbo2Client(NOW);
    client.receive(bytesOf("da"), NOW + 50_000);
    expect(client.deadline()).toBe(NOW + 110_000);
  });
  test("a server answers heartbeats and gives a silent client up", () => {
    const server = new Dubbo2Server(NOW);
    expect(server.receive(bytesOf("dabbe2000000000000000009000000014e"), NOW)).toEqual([]);
    expect(Buffer.from(server.takeOutput()).toString("hex")).toBe("dabb22140000000000000009000000014e");
    expect(server.tick(NOW + 179_999)).toEqual([]);
    expect(server.deadline()).toBe(NOW + 180_000);
    expect(server.tick(NOW + 180_000)).toEqual([{ type: "idle" }]);
    expect(server.deadline()).toBeUndefined();
  });
  test("a client answers the heartbeats of 2.6 servers", () => {
    const client = new Dubbo2Client(NOW);
    client.receive(bytesOf("dabbe2000000000000000000000000014e"), NOW);
    expect(Buffer.from(client.takeOutput()).toString("hex")).toBe("dabb22140000000000000000000000014e");
  });
  test("a call without an answer ends at its time-out, its late answer is dropped", () => {
    const client = new Dubbo2Client(NOW);
    const server = new Dubbo2Server(NOW);
    client.send({ type: "call", key: 1, request: request("slow"), timeoutMs: 500 }, NOW);
    client.send({ type: "call", key: 2, request: request("slow"), timeoutMs: 100 }, NOW);
    const calls = server.receive(client.takeOutput(), NOW) as IncomingCall[];
    expect(client.deadline()).toBe(NOW + 100);
    expect(client.tick(NOW + 99)).toEqual([]);
    expect(client.tick(NOW + 100)).toEqual([{ type: "timeout", key: 2 }]);
    expect(client.deadline()).toBe(NOW + 500);
    for (const call of calls) server.send({ type: "outcome", call, outcome: { type: "value", value: 1 } }, NOW);
    expect(client.receive(server.takeOutput(), NOW + 200)).toMatchObject([{ type: "reply", key: 1 }]);
    expect(client.callsInFlight).toBe(0);
  });
});

test("readonly and writeable reach the client's owner", () => {
  const client = new Dubbo2Client(NOW);
  const server = new Dubbo2Server(NOW);
  server.send({ type: "readonly" }, NOW);
  server.send({ type: "writeable" }, NOW);
  expect(carry(client, server, () => {})).toEqual([{ type: "readonly" }, { type: "writeable" }]);
  expect(server.receive(encodeReadonly(), NOW)).toEqual([]);
});

describe("limits", () => {
  test("calls over maxCalls are refused at both ends", () => {
    const client = new Dubbo2Client(NOW, { maxCalls: 2 });
    const server = new Dubbo2Server(NOW, { maxCalls: 1 });
    for (const key of [1, 2]) client.send({ type: "call", key, request: request("m"), timeoutMs: 10 }, NOW);
    expect(() => client.send({ type: "call", key: 3, request: request("m"), timeoutMs: 10 }, NOW)).toThrow(CallError);
    const events = carry(client, server, () => {});
    expect(events).toMatchObject([{ key: 2, response: { status: 100, text: "more than maxCalls 1 in flight" } }]);
  });
  test("a body over maxBodyBytes is answered 40 and skipped, the next call is served", () => {
    const client = new Dubbo2Client(NOW);
    const server = new Dubbo2Server(NOW, { maxBodyBytes: 1000 });
    client.send({ type: "call", key: 1, request: request("big", ["x".repeat(5000)]), timeoutMs: 10 }, NOW);
    client.send({ type: "call", key: 2, request: request("small", ["x"]), timeoutMs: 10 }, NOW);
    const events = carry(
      client,
      server,
      (call) => server.send({ type: "outcome", call, outcome: { type: "value", value: 1 } }, NOW),
      100,
    );
    expect(events).toMatchObject([
      {
        key: 1,
        response: { status: 40, text: expect.stringMatching(/^body of 5\d+ bytes is over maxBodyBytes 1000$/) },
      },
      { key: 2, response: { type: "value", value: 1 } },
    ]);
  });
  test("an answer over the server's limit is status 25, over the client's it is reported", () => {
    const client = new Dubbo2Client(NOW, { maxBodyBytes: 3000 });
    const server = new Dubbo2Server(NOW, { maxBodyBytes: 4000 });
    for (const key of [1, 2]) client.send({ type: "call", key, request: request("m"), timeoutMs: 10 }, NOW);
    let size = 5000;
    const events = carry(client, server, (call) => {
      server.send({ type: "outcome", call, outcome: { type: "value", value: "x".repeat(size) } }, NOW);
      size = 3500;
    });
    expect(events[0]).toMatchObject({ key: 1, response: { status: 25 } });
    expect(events[1]).toEqual({ type: "undecodable", key: 2, text: "answer of 3518 bytes is over maxBodyBytes 3000" });
  });
  test("a request over maxBodyBytes is not sent", () => {
    const client = new Dubbo2Client(NOW, { maxBodyBytes: 100 });
    const call = { type: "call", key: 1, request: request("m", ["x".repeat(100)]), timeoutMs: 10 } as const;
    expect(() => client.send(call, NOW)).toThrow(/^request of \d+ bytes is over maxBodyBytes 100$/);
    expect([client.takeOutput().length, client.callsInFlight]).toEqual([0, 0]);
  });
  test.each([
    ["a negative length", "dabbc200000000000000000180000000", "body length -2147483648 is negative"],
    [
      "a length over maxSkipBytes",
      "dabbc20000000000000000017fffffff",
      "body of 2147483647 bytes is over maxSkipBytes 67108864",
    ],
    [
      "an event of 16 bytes",
      `dabbe200000000000000000100000010${"00".repeat(16)}`,
      "event of 16 bytes is over MAX_EVENT_BYTES 15",
    ],
    ["another protocol", "474554202f20485454502f312e310d0a", "not a dubbo2 frame"],
  ])("%s breaks the connection", (_name, hex, message) => {
    for (const machine of [new Dubbo2Server(NOW), new Dubbo2Client(NOW)]) {
      expect(() => machine.receive(bytesOf(hex), NOW)).toThrow(ProtocolError);
    }
    expect(() => new Dubbo2Server(NOW).receive(bytesOf(hex), NOW)).toThrow(message);
  });
});

test("what can't be decoded is answered 40 and nothing else is lost", () => {
  const server = new Dubbo2Server(NOW);
  const client = new Dubbo2Client(NOW);
  const bad = [requestFrame(bytesOf("40")), requestFrame(WORKED_BODY, 0xc8), requestFrame(bytesOf("40"), 0x82)];
  expect(server.receive(Buffer.concat([...bad, requestFrame(WORKED_BODY)]), NOW)).toMatchObject([
    { method: "sayHello", args: ["bob"] },
  ]);
  client.send({ type: "call", key: 1, request: request("m"), timeoutMs: 10 }, NOW);
  const events = client.receive(server.takeOutput(), NOW);
  expect(events).toMatchObject([
    { key: 1, response: { status: 40, text: expect.stringMatching(/^request can't be read: /) } },
  ]);
});

test("a callback is refused, an answer to nothing is dropped", () => {
  const client = new Dubbo2Client(NOW);
  expect(client.receive(requestFrame(WORKED_BODY), NOW)).toEqual([]);
  expect(Buffer.from(client.takeOutput()).toString("hex", 0, 4)).toBe("dabb0228");
  expect(client.receive(bytesOf("dabb0214000000000000000500000001 92"), NOW)).toEqual([]);
  expect(client.receive(bytesOf("dabb0214000000070000000100000001 92"), NOW)).toEqual([]);
});

test("a reply that is no Hessian2 ends its call alone", () => {
  const client = new Dubbo2Client(NOW);
  for (const key of [1, 2]) client.send({ type: "call", key, request: request("m"), timeoutMs: 10 }, NOW);
  const events = client.receive(
    bytesOf("dabb0214000000000000000100000002 9140 dabb0214000000000000000200000001 92"),
    NOW,
  );
  expect(events).toMatchObject([
    { type: "undecodable", key: 1, text: expect.stringContaining("unknown tag 0x40") },
    { type: "reply", key: 2 },
  ]);
});

describe.each(HESSIAN2_LINES)("the recording of %s", (line) => {
  const requests = recordedFrames(`${line}-hessian2`).filter(
    (frame) => frame.dir === "c2s" && isRequest(frame.bytes, 0),
  );
  const stream = Buffer.concat(requests.map((frame) => frame.bytes));

  test("gives the same calls in one chunk, byte by byte, and cut at every point", () => {
    const whole = new Dubbo2Server(NOW).receive(stream, NOW) as IncomingCall[];
    expect(whole.map((call) => call.method)).toEqual(
      requests.map((frame) => frame.note).filter((note) => note !== "heartbeat"),
    );
    const single = new Dubbo2Server(NOW);
    const calls: unknown[] = [];
    for (let at = 0; at < stream.length; at++) calls.push(...single.receive(stream.subarray(at, at + 1), NOW));
    expect(calls).toEqual(whole);
    const short = stream.subarray(0, 700);
    const expected = new Dubbo2Server(NOW).receive(short, NOW).length;
    for (let cut = 0; cut <= short.length; cut++) {
      const server = new Dubbo2Server(NOW);
      const first = server.receive(short.subarray(0, cut), NOW).length;
      expect(first + server.receive(short.subarray(cut), NOW).length).toBe(expected);
    }
  });
});
