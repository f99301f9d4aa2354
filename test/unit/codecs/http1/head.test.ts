import { expect, test } from "vitest";
import { parseRequestHead, parseResponseHead } from "../../../../src/codecs/http1/head.ts";
import { DEFAULT_HTTP1_LIMITS } from "../../../../src/codecs/http1/limits.ts";

test.each([
  ["HTTP/1.1", "", true],
  ["HTTP/1.1", "Connection: close\r\n", false],
  ["HTTP/1.1", "Connection: keep-alive, close\r\n", false],
  ["HTTP/1.0", "", false],
  ["HTTP/1.0", "Connection: keep-alive\r\n", true],
])("%s with %j keeps the connection: %s", (version, line, keepAlive) => {
  const bytes = Buffer.from(`GET / ${version}\r\nHost: h\r\n${line}\r\n`);
  expect(parseRequestHead(bytes, 0, bytes.length, DEFAULT_HTTP1_LIMITS)?.head.keepAlive).toBe(keepAlive);
});

test("every truncation of heads asks for more", () => {
  const request = Buffer.from("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  const response = Buffer.from("HTTP/1.1 200 Very OK\r\nA: b\r\n\r\n");
  for (let end = 0; end < request.length; end++) {
    expect(parseRequestHead(request, 0, end, DEFAULT_HTTP1_LIMITS)).toBeUndefined();
  }
  for (let end = 0; end < response.length; end++) {
    expect(parseResponseHead(response, 0, end, DEFAULT_HTTP1_LIMITS)).toBeUndefined();
  }
  const parsed = parseResponseHead(response, 0, response.length, DEFAULT_HTTP1_LIMITS);
  expect([parsed?.head.reason, parsed?.next]).toEqual(["Very OK", response.length]);
});
