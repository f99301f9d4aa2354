import { expect, test } from "vitest";
import { fieldsOf, Http1CallerStream, trailersOf } from "../../../../src/bridge-proxy/triple/http1-stream.ts";
import { Http1Server } from "../../../../src/codecs/http1/server.ts";

function serve(text: string) {
  const machine = new Http1Server();
  const events = machine.receive(Buffer.from(text, "latin1"), 0);
  const head = events.find((event) => event.type === "head")!;
  const owner = {
    machine,
    backlogBytes: 0,
    isLeaving: false,
    answers: 0,
    releasedBytes: 0,
    wake: () => {},
    released: (bytes: number) => {
      owner.releasedBytes += bytes;
    },
    onAnswered: () => {
      owner.answers++;
    },
  };
  return { machine, owner, head: head.head, stream: new Http1CallerStream(owner, head.id) };
}

const request =
  "POST /com.acme.A/get HTTP/1.1\r\nHost: proxy:1\r\nContent-Length: 2\r\nConnection: x-hop\r\nX-Hop: 1\r\nUser: 7\r\n\r\n[]";

test("a head is seen as one of HTTP/2, without what ends at this hop", () => {
  expect(fieldsOf(serve(request).head)).toEqual([
    ":method",
    "POST",
    ":scheme",
    "http",
    ":authority",
    "proxy:1",
    ":path",
    "/com.acme.A/get",
    "content-length",
    "2",
    "user",
    "7",
  ]);
  expect(fieldsOf(serve("GET http://h/a?b HTTP/1.1\r\nHost: h\r\n\r\n").head)).toContain("/a?b");
  const of = (target: string) => fieldsOf(serve(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`).head).slice(4, 8);
  expect(of("http://other:80/a?b")).toEqual([":authority", "other:80", ":path", "/a?b"]);
  expect(of("HTTP://other?b")).toEqual([":authority", "other", ":path", "/?b"]);
  expect(of("/a")).toEqual([":authority", "h", ":path", "/a"]);
});

test("an answer of known length, one in chunks with trailers, and one that is its head", () => {
  const known = serve(request);
  known.stream.head([":status", "200", "content-length", "2", "a", "1"], false);
  known.stream.data(Buffer.from("ok"), true);
  expect(known.machine.takeOutput().toString()).toBe("HTTP/1.1 200 OK\r\na: 1\r\ncontent-length: 2\r\n\r\nok");
  const chunked = serve(request);
  chunked.stream.head([":status", "200"], false);
  chunked.stream.data(Buffer.from("ok"), false);
  chunked.stream.trailers(["t", "1"]);
  expect(chunked.machine.takeOutput().toString()).toBe(
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nt: 1\r\n\r\n",
  );
  const short = serve(request);
  short.stream.head([":status", "404"], true);
  expect(short.machine.takeOutput().toString()).toBe("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
  expect([known.owner.answers, chunked.owner.answers, short.owner.answers]).toEqual([1, 1, 1]);
});

test("what HTTP/1.1 has no form for ends the connection", () => {
  const { machine, owner, stream } = serve(request);
  stream.head([":status", "200", "content-length", "1"], false);
  stream.data(Buffer.from("too long"), true);
  expect([machine.closing, owner.answers]).toEqual([true, 1]);
});

test("an answer is told to be queued while the caller does not take it, and gives window back", () => {
  const { owner, stream } = serve(request);
  stream.head([":status", "200"], false);
  expect(stream.data(Buffer.from("a"), false)).toBe(0);
  owner.backlogBytes = 1_000_000;
  expect(stream.data(Buffer.from("a"), false)).toBe(1_000_000);
  stream.release(5);
  expect(owner.releasedBytes).toBe(5);
});

test("a worker that leaves says so", () => {
  const { machine, owner, stream } = serve(request);
  owner.isLeaving = true;
  stream.head([":status", "200"], true);
  expect(machine.takeOutput().toString()).toContain("connection: close");
});

test("trailers are fields, their names in lower case", () => {
  const machine = new Http1Server();
  const text = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 4\r\nB: c d\r\n\r\n";
  const end = machine.receive(Buffer.from(text), 0).find((event) => event.type === "end")!;
  expect(trailersOf(end.trailers!)).toEqual(["x-sum", "4", "b", "c d"]);
});

test("a head that came by TLS is one of https", () => {
  expect(fieldsOf(serve(request).head, "https").slice(2, 4)).toEqual([":scheme", "https"]);
});
