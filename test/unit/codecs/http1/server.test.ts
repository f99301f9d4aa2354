import { expect, test } from "vitest";
import type { ServerEvent } from "../../../../src/codecs/http1/connection.ts";
import type { Http1Limits } from "../../../../src/codecs/http1/limits.ts";
import { Http1Server } from "../../../../src/codecs/http1/server.ts";

function text(events: readonly ServerEvent[]): string[] {
  const lines: string[] = [];
  for (const event of events) {
    if (event.type === "head") {
      const { method, target, minor, fields } = event.head;
      const names = Array.from({ length: fields.count }, (_, i) => `${fields.name(i)}=${fields.value(i)}`);
      lines.push(`${event.id} ${method} ${target} ${minor} ${names.join(" ")}`);
    } else if (event.type === "data") {
      const last = lines.at(-1);
      // Bodies may come in any number of pieces.
      if (last?.startsWith(`${event.id} data `)) lines[lines.length - 1] = last + event.bytes.latin1Slice();
      else lines.push(`${event.id} data ${event.bytes.latin1Slice()}`);
    } else if (event.type === "end") {
      const trailers = event.trailers === undefined ? "" : ` ${event.trailers.name(0)}=${event.trailers.value(0)}`;
      lines.push(`${event.id} end${trailers}`);
    } else {
      lines.push(`${event.id} abort ${event.error.status} ${event.error.message}`);
    }
  }
  return lines;
}

/** Gives the pieces to a server that answers every request with 200 and no body. */
function serve(pieces: readonly Buffer[], limits: Partial<Http1Limits> = {}): { events: string[]; output: string } {
  const server = new Http1Server(limits);
  const events: ServerEvent[] = [];
  let output = "";
  for (const piece of [...pieces, undefined]) {
    let got = piece === undefined ? server.receiveEnd(0) : server.receive(Buffer.from(piece), 0);
    while (got.length > 0) {
      events.push(...got);
      for (const event of got) {
        if (event.type !== "end") continue;
        server.send({ type: "head", id: event.id, status: 200, length: 0 }, 0);
        server.send({ type: "end", id: event.id }, 0);
      }
      output += server.takeOutput().latin1Slice();
      got = server.receive(Buffer.alloc(0), 0);
    }
  }
  return { events: text(events), output };
}

const GOOD: readonly (readonly [string, string, readonly string[]])[] = [
  ["a GET", "GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-A:  b c \t\r\n\r\n", ["1 GET /a?b=c 1 Host=h X-A=b c", "1 end"]],
  ["HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", ["1 GET / 0 ", "1 end"]],
  [
    "a body by length, then another request",
    "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nhost: h\r\n\r\n",
    ["1 POST / 1 host=h content-length=5", "1 data hello", "1 end", "2 GET /2 1 host=h", "2 end"],
  ],
  [
    "chunks with extensions and trailers",
    "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: CHUNKED\r\n\r\n5;a=b\r\nhello\r\n00A\r\n0123456789\r\n0\r\nx-t: v\r\n\r\n",
    ["1 POST / 1 host=h transfer-encoding=CHUNKED", "1 data hello0123456789", "1 end x-t=v"],
  ],
  [
    "chunks, then an empty line, then another request",
    "PUT / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n\r\nGET / HTTP/1.1\r\nhost: h\r\n\r\n",
    ["1 PUT / 1 host=h transfer-encoding=chunked", "1 data a", "1 end", "2 GET / 1 host=h", "2 end"],
  ],
  ["OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", ["1 OPTIONS * 1 Host=h", "1 end"]],
  ["an absolute target", "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", ["1 GET http://h/ 1 Host=h", "1 end"]],
];

test.each(GOOD)("reads %s, however it is cut in two and byte by byte", (_name, message, expected) => {
  const bytes = Buffer.from(message, "latin1");
  expect(serve([bytes]).events).toEqual(expected);
  const merge = (events: readonly string[]) => events.join("\n").replace(/\n\d+ data /g, "|");
  for (let cut = 1; cut < bytes.length; cut++) {
    const { events } = serve([bytes.subarray(0, cut), bytes.subarray(cut)]);
    expect([cut, merge(events).replace(/(?<=\|.*)\|/g, "")]).toEqual([cut, merge(expected)]);
  }
  const single = serve(Array.from(bytes, (byte) => Buffer.of(byte)));
  expect(merge(single.events).replace(/(?<=\|.*)\|/g, "")).toBe(merge(expected));
});

test.each(GOOD)("every truncation of %s waits for more and is told as such when the peer leaves", (_name, message) => {
  const bytes = Buffer.from(message, "latin1");
  for (let cut = 0; cut < bytes.length; cut++) {
    const server = new Http1Server();
    const events = server.receive(Buffer.from(bytes.subarray(0, cut)), 0);
    expect(events.filter((event) => event.type === "abort")).toEqual([]);
  }
});

const post = (lines: string, body = "") => `POST / HTTP/1.1\r\nHost: h\r\n${lines}\r\n\r\n${body}`;
const chunked = (body: string) => post("Transfer-Encoding: chunked", body);

/** Messages that two servers may read in two ways, or that no sane client sends: all refused. */
const REFUSED: readonly (readonly [string, string, string])[] = [
  [
    "CL and TE",
    post("Content-Length: 4\r\nTransfer-Encoding: chunked"),
    "400 Transfer-Encoding and Content-Length in one message",
  ],
  [
    "TE and CL",
    post("Transfer-Encoding: chunked\r\nContent-Length: 4"),
    "400 Transfer-Encoding and Content-Length in one message",
  ],
  ["differing lengths", post("Content-Length: 4\r\nContent-Length: 5"), "400 more than one Content-Length"],
  ["equal lengths", post("Content-Length: 4\r\ncontent-length: 4"), "400 more than one Content-Length"],
  ["a list of lengths", post("Content-Length: 4, 4"), "400 Content-Length is not a number"],
  ["a signed length", post("Content-Length: +4"), "400 Content-Length is not a number"],
  ["a negative length", post("Content-Length: -4"), "400 Content-Length is not a number"],
  ["a hex length", post("Content-Length: 0x4"), "400 Content-Length is not a number"],
  ["an empty length", post("Content-Length:"), "400 Content-Length is not a number"],
  ["a length of 20 digits", post("Content-Length: 18446744073709551617"), "400 Content-Length is not a number"],
  [
    "a length over the limit",
    post("Content-Length: 999999999999"),
    "413 body of 999999999999 bytes is over maxBodyBytes 67108864",
  ],
  ["TE twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), "400 more than one Transfer-Encoding"],
  ["TE gzip, chunked", post("Transfer-Encoding: gzip, chunked"), "501 Transfer-Encoding is not chunked alone"],
  ["TE chunked, identity", post("Transfer-Encoding: chunked, identity"), "501 Transfer-Encoding is not chunked alone"],
  ["TE xchunked", post("Transfer-Encoding: xchunked"), "501 Transfer-Encoding is not chunked alone"],
  ["TE with vertical tab", post("Transfer-Encoding: \x0bchunked"), "400 byte 0b in a header value"],
  ["TE with a blank before the colon", post("Transfer-Encoding : chunked"), "400 blank between header name and colon"],
  ["TE with a tab before the colon", post("Transfer-Encoding\t: chunked"), "400 blank between header name and colon"],
  ["TE in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400 Transfer-Encoding in HTTP/1.0"],
  ["a folded line", post("X-A: b\r\n c: d"), "400 folded header line"],
  ["a folded first line", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", "400 folded header line"],
  ["a bare LF after a value", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", "400 line feed without carriage return"],
  ["a bare LF after the first line", "GET / HTTP/1.1\nHost: h\r\n\r\n", "400 line feed without carriage return"],
  ["a bare LF at the end", "GET / HTTP/1.1\r\nHost: h\r\n\nGET", "400 line feed without carriage return"],
  ["a bare CR in a value", post("X-A: b\rc"), "400 carriage return without line feed"],
  ["NUL in a value", post("X-A: b\x00c"), "400 byte 00 in a header value"],
  ["NUL in a name", post("X-\x00A: b"), "400 byte 00 in a header name"],
  ["a line without colon", post("X-A"), "400 byte 0d in a header name"],
  ["a line without name", post(": b"), "400 header line has no name"],
  ["a name in quotes", post('"X": b'), "400 byte 22 in a header name"],
  ["a name in UTF-8", post("X-\xc3\xa4: b"), "400 byte c3 in a header name"],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", "400 no Host"],
  ["two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400 more than one Host"],
  ["a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 Host has a wrong form"],
  ["a Host with user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400 Host has a wrong form"],
  ["two blanks after the method", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400 byte 20 in a target"],
  ["a tab after the method", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 byte 09 in a method"],
  ["a blank in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "400 no HTTP version where one belongs"],
  ["a target without slash", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", "400 target of GET has a wrong form"],
  ["a byte over 7f in the target", "GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n", "400 byte e4 in a target"],
  ["version 2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505 version HTTP/2.0 is not spoken here"],
  ["version 1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "505 version HTTP/1.2 is not spoken here"],
  ["a version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", "400 no HTTP version where one belongs"],
  ["no version", "GET /\r\nHost: a\r\n\r\n", "400 byte 0d in a target"],
  ["a blank after the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "400 byte 20 at the end of a first line"],
  ["two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400 byte 0d in a method"],
  ["an unknown expectation", post("Expect: 200-ok"), "417 Expect is not 100-continue"],
  ["an empty chunk size", chunked("\r\n"), "400 byte 0d in a chunk size"],
  ["a chunk size 0x5", chunked("0x5\r\nhello\r\n"), "400 byte 78 in a chunk size"],
  ["a negative chunk size", chunked("-5\r\n"), "400 byte 2d in a chunk size"],
  ["a blank after a chunk size", chunked("5 \r\nhello\r\n"), "400 byte 20 in a chunk size"],
  ["a chunk size of 9 digits", chunked("000000005\r\n"), "400 chunk size has more than 8 digits"],
  ["a chunk over the limit", chunked("ffffffff\r\n"), "413 body is over maxBodyBytes 67108864"],
  ["a bare LF after a chunk size", chunked("5\nhello"), "400 byte 0a in a chunk size"],
  ["a bare CR after a chunk size", chunked("5\rhello"), "400 byte 68 where 0a ends a chunk's line"],
  ["a bare LF in an extension", chunked("5;a\nhello"), "400 byte 0a where 0d ends a chunk's line"],
  ["a chunk longer than its size", chunked("2\r\nabc\r\n"), "400 byte 63 where 0d ends a chunk's line"],
  [
    "extensions over the limit",
    chunked(`1;${"x".repeat(5000)}\r\n`),
    "400 chunk extensions are over maxChunkExtensionBytes 4096",
  ],
  ["a length in trailers", chunked("0\r\nContent-Length: 3\r\n\r\n"), "400 content-length in trailers"],
  ["a folded trailer", chunked("0\r\na: b\r\n c\r\n\r\n"), "400 folded header line"],
  [
    "129 header lines",
    post(Array.from({ length: 128 }, () => "a: b").join("\r\n")),
    "431 more than maxHeaders 128 header lines",
  ],
  ["a head over the limit", post(`a: ${"b".repeat(70_000)}`), "431 lines are over the limit of 65536 bytes"],
  [
    "a target over the limit",
    `GET /${"b".repeat(9000)} HTTP/1.1\r\n`,
    "414 request target is over maxTargetBytes 8192",
  ],
  [
    "trailers over the limit",
    chunked(`0\r\na: ${"b".repeat(9000)}\r\n\r\n`),
    "431 lines are over the limit of 8192 bytes",
  ],
  ["a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400 byte 16 in a method"],
];

test.each(REFUSED)("refuses %s with an answer and closes", (_name, message, error) => {
  const server = new Http1Server();
  const events = server.receive(Buffer.from(message, "latin1"), 0);
  const last = events.at(-1);
  expect(text(events).at(-1)).toMatch(/^[01] abort /);
  expect(last?.type === "abort" ? `${last.error.status} ${last.error.message}` : "").toBe(error);
  expect(server.takeOutput().latin1Slice()).toContain(`HTTP/1.1 ${error.slice(0, 3)} `);
  expect(server.closing).toBe(true);
  expect(server.receive(Buffer.from("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 0)).toEqual([]);
});

test.each(REFUSED)("refuses %s byte by byte too, and serves nothing after it", (_name, message) => {
  const tail = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n".repeat(2);
  const { events } = serve(Array.from(Buffer.from(message + tail, "latin1"), (byte) => Buffer.of(byte)));
  expect(events.join("\n")).not.toContain("/smuggled");
  expect(events.at(-1)).toContain(" abort ");
});

test("a request that is whole before a broken one in the same bytes is served, and nothing is said in its place", () => {
  const server = new Http1Server();
  const events = server.receive(Buffer.from("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /\n"), 0);
  expect(text(events)).toEqual(["1 GET / 1 Host=h", "1 end"]);
  expect([server.takeOutput().length, server.isPaused, server.heldBytes]).toEqual([0, true, 6]);
  server.send({ type: "head", id: 1, status: 204 }, 0);
  server.send({ type: "end", id: 1 }, 0);
  expect(text(server.receive(Buffer.alloc(0), 0))).toEqual(["0 abort 400 byte 0a in a target"]);
  expect(server.takeOutput().latin1Slice()).toMatch(/^HTTP\/1.1 204 No Content\r\n\r\nHTTP\/1.1 400 Bad Request\r\n/);
});

test("held bytes of pipelined requests are bounded", () => {
  const server = new Http1Server({ maxHeldBytes: 100 });
  const one = Buffer.from("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  server.receive(one, 0);
  expect(server.receive(Buffer.alloc(100, "G"), 0)).toEqual([]);
  expect(text(server.receive(Buffer.from("E"), 0))).toEqual([
    "1 abort 400 pipelined requests are over maxHeldBytes 100",
  ]);
});

/** Request, what is sent, what goes out, whether the connection closes. */
const ANSWERS: readonly (readonly [string, string, number, number | undefined, string, string, boolean])[] = [
  [
    "by length",
    "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    200,
    2,
    "200 OK\r\nx: y\r\ncontent-length: 2\r\n\r\n",
    "ok",
    false,
  ],
  [
    "in chunks",
    "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    200,
    undefined,
    "200 OK\r\nx: y\r\ntransfer-encoding: chunked\r\n\r\n",
    "2\r\nok\r\n0\r\n\r\n",
    false,
  ],
  ["until close", "GET / HTTP/1.0\r\n\r\n", 200, undefined, "200 OK\r\nx: y\r\nconnection: close\r\n\r\n", "ok", true],
  [
    "to 1.0 with keep-alive",
    "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
    200,
    2,
    "200 OK\r\nx: y\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n",
    "ok",
    false,
  ],
  [
    "to Connection: close",
    "GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n",
    200,
    2,
    "200 OK\r\nx: y\r\ncontent-length: 2\r\nconnection: close\r\n\r\n",
    "ok",
    true,
  ],
  ["HEAD", "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", 200, 2, "200 OK\r\nx: y\r\ncontent-length: 2\r\n\r\n", "", false],
  ["204", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 204, 2, "204 No Content\r\nx: y\r\n\r\n", "", false],
  [
    "304",
    "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    304,
    2,
    "304 Not Modified\r\nx: y\r\ncontent-length: 2\r\n\r\n",
    "",
    false,
  ],
  [
    "an unknown status",
    "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    299,
    2,
    "299 \r\nx: y\r\ncontent-length: 2\r\n\r\n",
    "ok",
    false,
  ],
];

test.each(ANSWERS)("answers %s", (_name, request, status, length, head, body, closes) => {
  const server = new Http1Server();
  server.receive(Buffer.from(request), 0);
  server.send({ type: "head", id: 1, status, length, fields: [["x", "y"]] }, 0);
  server.send({ type: "data", id: 1, bytes: Buffer.from("ok") }, 0);
  server.send({ type: "end", id: 1 }, 0);
  expect(server.takeOutput().latin1Slice()).toBe(`HTTP/1.1 ${head}${body}`);
  expect(server.closing).toBe(closes);
});

test("an answer shorter than its length closes the connection; a longer one is refused", () => {
  const server = new Http1Server();
  server.receive(Buffer.from("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
  server.send({ type: "head", id: 1, status: 200, length: 3 }, 0);
  expect(() => server.send({ type: "data", id: 1, bytes: Buffer.from("four") }, 0)).toThrow(
    "http1 body is 1 bytes over its length",
  );
  server.send({ type: "end", id: 1 }, 0);
  expect(server.closing).toBe(true);
});

test.each(["a\r\nb: c", "a\nb", "a\0", "\u20ac"])("a header value %j is never sent", (value) => {
  const server = new Http1Server();
  server.receive(Buffer.from("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
  const send = () => server.send({ type: "head", id: 1, status: 200, length: 0, fields: [["x", value]] }, 0);
  expect(send).toThrow("header x has a character that no header can carry");
  expect(server.takeOutput().length).toBe(0);
});

test("100 Continue is sent once and only to who waits for it; an answer instead of it closes", () => {
  const request = Buffer.from("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
  const asked = new Http1Server();
  asked.receive(request, 0);
  asked.sendContinue(1);
  asked.sendContinue(1);
  expect(asked.takeOutput().latin1Slice()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  expect(text(asked.receive(Buffer.from("ab"), 0))).toEqual(["1 data ab", "1 end"]);
  const refused = new Http1Server();
  refused.receive(request, 0);
  refused.send({ type: "head", id: 1, status: 403, length: 0 }, 0);
  refused.send({ type: "end", id: 1 }, 0);
  expect(refused.takeOutput().latin1Slice()).toContain("connection: close\r\n");
  expect(refused.closing).toBe(true);
});

test("an upgrade makes a tunnel, with the bytes that came early", () => {
  const server = new Http1Server();
  const head = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";
  server.receive(Buffer.from(`${head}early`), 0);
  server.send({ type: "head", id: 1, status: 101, upgrade: "websocket" }, 0);
  expect(server.takeOutput().latin1Slice()).toBe(
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
  );
  expect(text(server.receive(Buffer.alloc(0), 0))).toEqual(["1 data early"]);
  server.send({ type: "data", id: 1, bytes: Buffer.from("raw") }, 0);
  expect(server.takeOutput().latin1Slice()).toBe("raw");
  expect([server.closing, text(server.receiveEnd(0)), server.closing]).toEqual([false, ["1 end"], false]);
  server.send({ type: "end", id: 1 }, 0);
  expect(server.closing).toBe(true);
});

test("lines are passed on as raw bytes, without those for the hop before", () => {
  const server = new Http1Server();
  const lines =
    "HOST: h\r\nX-One:  1 \r\nConnection: X-Hop, keep-alive\r\nX-Hop: 2\r\nTE: trailers\r\nkeep-alive: 5\r\nX-Two:2\r\nx-three: 3\r\n";
  const [event] = server.receive(Buffer.from(`GET / HTTP/1.1\r\n${lines}\r\n`), 0);
  if (event?.type !== "head") throw new Error("no head");
  server.send({ type: "head", id: 1, status: 200, length: 0, from: event.head, without: ["host"] }, 0);
  expect(server.takeOutput().latin1Slice()).toBe(
    "HTTP/1.1 200 OK\r\nX-One:  1 \r\nX-Two:2\r\nx-three: 3\r\ncontent-length: 0\r\n\r\n",
  );
});
