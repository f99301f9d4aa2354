import { expect, test } from "vitest";
import {
  answerFields,
  outsideHead,
  plainFields,
  trailerLines,
} from "../../../../src/bridge-proxy/gateway/http-head.ts";
import type { RequestHead } from "../../../../src/bridge-proxy/triple/caller-stream.ts";
import type { Fields } from "../../../../src/codecs/fields.ts";
import { parseResponseHead } from "../../../../src/codecs/http1/head.ts";
import { DEFAULT_HTTP1_LIMITS } from "../../../../src/codecs/http1/limits.ts";

const PSEUDO = [":method", "POST", ":scheme", "https", ":authority", "a.example", ":path", "/ignored"];
const head = (fields: Fields, more: Partial<RequestHead> = {}) =>
  outsideHead({ fields: [...PSEUDO, ...fields], never: [], end: true, ...more }, { target: "/x?y", scheme: "https" });
const linesOf = (made: ReturnType<typeof head>) =>
  Array.from({ length: made.fields.count }, (_, i) => `${made.fields.name(i)}: ${made.fields.value(i)}`);

test("a head has its lines, the name that was asked for, and what it came by; what only the mesh says is gone", () => {
  const made = head([
    "accept",
    "*/*",
    "host",
    "b.example",
    "x-forwarded-proto",
    "http",
    "x-envoy-a",
    "1",
    "x-trestle-b",
    "1",
  ]);
  expect(made).toMatchObject({ method: "POST", target: "/x?y", minor: 1, chunked: false, contentLength: -1 });
  expect(linesOf(made)).toEqual(["accept: */*", "host: a.example", "x-forwarded-proto: https"]);
});

test("HTTP/2's cookies are one line", () => {
  expect(head(["cookie", "a=1", "x", "y", "cookie", "b=2"]).fields.all("cookie")).toEqual(["a=1; b=2"]);
});

test.each<[string, Fields, Partial<RequestHead>, object]>([
  ["no content", [], {}, { chunked: false, contentLength: -1 }],
  ["a length", ["content-length", "7"], { end: false }, { chunked: false, contentLength: 7 }],
  ["content without a length", [], { end: false }, { chunked: true, contentLength: -1 }],
  ["HTTP/2 that waits", ["expect", "100-continue"], { end: false }, { expectContinue: true }],
  [
    "HTTP/1.1 that waits",
    [],
    { http1: { chunked: true, expectsContinue: true, upgrade: undefined } },
    { chunked: true, expectContinue: true },
  ],
  [
    "HTTP/1.1 without content",
    [],
    { end: false, http1: { chunked: false, expectsContinue: false, upgrade: undefined } },
    { chunked: false },
  ],
  ["an upgrade", [], { http1: { chunked: false, expectsContinue: false, upgrade: "websocket" } }, { upgrade: true }],
])("framing of %s", (_, fields, more, wanted) => {
  expect(head(fields, more)).toMatchObject(wanted);
});

test.each<[string, Fields]>([
  ["a line feed in a value", ["a", "b\nc: d"]],
  ["a return and a line feed in a value", ["a", "b\r\ntransfer-encoding: chunked"]],
  ["a colon in a name", ["a:b", "c"]],
  ["a wrong length", ["content-length", "+7"]],
  ["another expectation", ["expect", "tea"]],
  ["two hosts in one", [":authority", "a.example,b.example"]],
])("%s is refused", (_, fields) => {
  expect(() => head(fields)).toThrow();
});

test.each(["/a b", "/a\r\nb: c", "/a HTTP/1.1\r\nb: c", "a", "/\u00e4"])("target %j is refused", (target) => {
  const asked = { fields: PSEUDO, never: [], end: true };
  expect(() => outsideHead(asked, { target, scheme: "http" })).toThrow();
});

test("more lines than HTTP/1.1 callers may have are refused", () => {
  const many = Array.from({ length: 200 }, (_, i) => [`a${i}`, "b"]).flat();
  expect(() => head(many)).toThrow("maxHeaders");
  expect(() => head(["a", "b".repeat(70_000)])).toThrow("limit of 65536 bytes");
});

const answer = (text: string) => {
  const bytes = Buffer.from(text, "latin1");
  return parseResponseHead(bytes, 0, bytes.length, DEFAULT_HTTP1_LIMITS)!.head;
};

test("an answer's head is told but for what was for its connection", () => {
  const got = answer(
    "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nset-cookie: b\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 3\r\n\r\n",
  );
  expect(answerFields(got)).toEqual([":status", "200", "set-cookie", "a", "set-cookie", "b", "content-length", "3"]);
  const change = { without: ["set-cookie"], fields: [["X-New", " n "] as const, ["Connection", "close"] as const] };
  expect(answerFields(got, change)).toEqual([":status", "200", "content-length", "3", "x-new", "n"]);
  const chunked = answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  expect(answerFields(chunked)).toEqual([":status", "200"]);
});

test("an upgrade that was taken says to what", () => {
  const got = answer("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nx: y\r\n\r\n");
  expect(answerFields(got)).toEqual([":status", "101", "x", "y", "upgrade", "websocket"]);
});

test("trailers are lines of their own, none that would say how content is framed", () => {
  expect(trailerLines(["x-sum", "1", "content-length", "3", "host", "h", "x-envoy-a", "1"])).toEqual([["x-sum", "1"]]);
  expect(
    plainFields([
      ["X-Sum", "1"],
      [":status", "200"],
      ["Transfer-Encoding", "chunked"],
    ]),
  ).toEqual(["x-sum", "1"]);
});
