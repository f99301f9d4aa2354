import { expect, test } from "vitest";
import { Http1Client } from "../../../../src/codecs/http1/client.ts";
import type { ClientEvent, RequestToSend } from "../../../../src/codecs/http1/connection.ts";

function text(events: readonly ClientEvent[]): string[] {
  return events.map((event) => {
    if (event.type === "head") return `${event.id} ${event.head.status} ${event.head.reason}`;
    if (event.type === "data") return `${event.id} data ${event.bytes.latin1Slice()}`;
    return event.type === "end" ? `${event.id} end` : `${event.id} abort ${event.error.message}`;
  });
}

function asking(request: Partial<RequestToSend> = {}): Http1Client {
  const client = new Http1Client();
  const head = { type: "head", id: 7, method: "GET", target: "/", length: 0, fields: [["Host", "h"]] } as const;
  client.send({ ...head, ...request }, 0);
  client.send({ type: "end", id: 7 }, 0);
  return client;
}

/** Request, answer, events, whether the connection serves another request. */
const ANSWERS: readonly (readonly [string, Partial<RequestToSend>, string, readonly string[], boolean])[] = [
  ["by length", {}, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", ["7 200 OK", "7 data ok", "7 end"], true],
  ["without reason", {}, "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", ["7 200 ", "7 end"], true],
  ["to HEAD", { method: "HEAD" }, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", ["7 200 OK", "7 end"], true],
  ["204", {}, "HTTP/1.1 204 N\r\n\r\n", ["7 204 N", "7 end"], true],
  ["304 with length", {}, "HTTP/1.1 304 N\r\nContent-Length: 9\r\n\r\n", ["7 304 N", "7 end"], true],
  [
    "after interim ones",
    {},
    "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\nHTTP/1.1 204 N\r\n\r\n",
    ["7 100 C", "7 103 E", "7 204 N", "7 end"],
    true,
  ],
  [
    "in chunks",
    {},
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ["7 200 OK", "7 data ok", "7 end"],
    true,
  ],
  ["with close", {}, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", ["7 200 OK", "7 end"], false],
  ["by HTTP/1.0", {}, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", ["7 200 OK", "7 end"], false],
  [
    "by a tunnel",
    { upgrade: "x" },
    "HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw",
    ["7 101 S", "7 data raw"],
    false,
  ],
  [
    "by a tunnel to one of several protocols",
    { upgrade: "a/1, WebSocket" },
    "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nraw",
    ["7 101 S", "7 data raw"],
    false,
  ],
  ["CONNECT", { method: "CONNECT", target: "h:1" }, "HTTP/1.1 200 OK\r\n\r\nraw", ["7 200 OK", "7 data raw"], false],
];

test.each(ANSWERS)("reads an answer %s, whole and byte by byte", (_name, request, answer, expected, reusable) => {
  const whole = asking(request);
  expect(text(whole.receive(Buffer.from(answer), 0))).toEqual(expected);
  expect(whole.isReusable).toBe(reusable);
  const slow = asking(request);
  const events = Array.from(Buffer.from(answer), (byte) => text(slow.receive(Buffer.of(byte), 0))).flat();
  expect(events.join("\n").replace(/(?<=data .*)\n7 data /g, "")).toBe(expected.join("\n"));
});

test("a body without length ends when the callee closes", () => {
  const client = asking();
  expect(text(client.receive(Buffer.from("HTTP/1.1 200 OK\r\n\r\nbo"), 0))).toEqual(["7 200 OK", "7 data bo"]);
  expect(text(client.receive(Buffer.from("dy"), 0))).toEqual(["7 data dy"]);
  expect([text(client.receiveEnd(0)), client.closing]).toEqual([["7 end"], true]);
});

test.each([
  ["nothing", "", "connection closed before the answer"],
  ["half a head", "HTTP/1.1 200", "connection closed within a message"],
  ["half a body", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", "connection closed within a message"],
  ["half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\no", "connection closed within a message"],
])("a callee that closes after %s aborts the call once", (_name, answer, error) => {
  const client = asking();
  client.receive(Buffer.from(answer), 0);
  expect(text(client.receiveEnd(0))).toEqual([`7 abort ${error}`]);
  expect([client.closing, client.callsInFlight]).toEqual([true, 0]);
});

test.each([
  [
    "TE and CL",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
    "Transfer-Encoding and Content-Length in one message",
  ],
  ["101 that nobody asked for", "HTTP/1.1 101 S\r\n\r\n", "answer 101 to a request without upgrade"],
  ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "status is not three digits"],
  ["a bare LF", "HTTP/1.1 200 OK\nA: b\r\n\r\n", "line feed without carriage return"],
  ["17 interim answers", "HTTP/1.1 100 C\r\n\r\n".repeat(17), "more than maxInterim 16 interim answers"],
])("%s in an answer aborts the call", (_name, answer, error) => {
  const client = asking();
  expect(text(client.receive(Buffer.from(answer), 0)).at(-1)).toBe(`7 abort ${error}`);
  expect(client.closing).toBe(true);
});

test.each(["", "Upgrade: y\r\n", "Upgrade: x, y\r\n"])("101 with %j changes to nothing that was asked for", (line) => {
  const client = asking({ upgrade: "x" });
  const said = text(client.receive(Buffer.from(`HTTP/1.1 101 S\r\n${line}Connection: upgrade\r\n\r\nraw`), 0));
  expect(said).toEqual(["7 abort answer 101 that changes to nothing that was asked for"]);
});

test("an answer that no request waits for ends the connection", () => {
  const client = asking();
  const answer = Buffer.from("HTTP/1.1 204 N\r\n\r\n");
  client.receive(answer, 0);
  expect(text(client.receive(answer, 0))).toEqual(["0 abort answer without a request"]);
});

test("answers belong to pipelined requests in order; those after a close are aborted", () => {
  const client = new Http1Client({ maxPipelined: 3 });
  const send = (id: number) => {
    client.send({ type: "head", id, method: "GET", target: "/", length: 0 }, 0);
    client.send({ type: "end", id }, 0);
  };
  for (const id of [1, 2, 3]) send(id);
  expect(() => send(4)).toThrow("more than maxPipelined 3 requests in flight");
  const answers = "HTTP/1.1 204 N\r\n\r\nHTTP/1.1 204 N\r\nConnection: close\r\n\r\n";
  expect(text(client.receive(Buffer.from(answers), 0))).toEqual([
    "1 204 N",
    "1 end",
    "2 204 N",
    "2 end",
    "3 abort connection closes before the answer",
  ]);
  expect(() => send(5)).toThrow("http1 connection takes no more requests");
});

test.each([
  ["GET / x", "/"],
  ["GET", "/ HTTP/1.1\r\nHost: evil\r\n\r\n"],
  ["", "/"],
  ["GET", ""],
])("method %j with target %j is never sent", (method, target) => {
  expect(() => asking({ method, target })).toThrow("http1 method or target has a character that none can carry");
});

test("what goes out for requests with a body by length, in chunks, and with an expectation", () => {
  const client = new Http1Client();
  client.send({ type: "head", id: 1, method: "POST", target: "/a", length: 2, fields: [["Host", "h"]] }, 0);
  client.send({ type: "data", id: 1, bytes: Buffer.from("ok") }, 0);
  client.send({ type: "end", id: 1 }, 0);
  client.send({ type: "head", id: 2, method: "PUT", target: "/b", expectContinue: true }, 0);
  client.send({ type: "data", id: 2, bytes: Buffer.from("ok") }, 0);
  client.send({ type: "end", id: 2, trailers: [["t", "v"]] }, 0);
  expect(client.takeOutput().latin1Slice()).toBe(
    "POST /a HTTP/1.1\r\nHost: h\r\ncontent-length: 2\r\n\r\nok" +
      "PUT /b HTTP/1.1\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n2\r\nok\r\n0\r\nt: v\r\n\r\n",
  );
});
