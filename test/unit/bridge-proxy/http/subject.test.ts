import { expect, test } from "vitest";
import { subjectOf } from "../../../../src/bridge-proxy/http/subject.ts";
import { parseRequestHead } from "../../../../src/codecs/http1/head.ts";
import { DEFAULT_HTTP1_LIMITS } from "../../../../src/codecs/http1/limits.ts";

function textOf(lines: string, scheme: "http" | "https" = "http") {
  const bytes = Buffer.from(`${lines.replaceAll("\n", "\r\n")}\r\n\r\n`, "latin1");
  return subjectOf(parseRequestHead(bytes, 0, bytes.length, DEFAULT_HTTP1_LIMITS)!.head, scheme).text;
}

test("a request is told with its lines, those of one name joined", () => {
  const text = textOf("PUT /a/b?c=d HTTP/1.1\nHost: shop:80\nX-A: 1\nx-a: 2\nContent-Length: 7");
  expect({ ...text, headers: Object.fromEntries(text.headers) }).toEqual({
    method: "PUT",
    host: "shop:80",
    scheme: "http",
    query: "c=d",
    size: 7,
    protocol: "HTTP/1.1",
    headers: {
      ":method": "PUT",
      ":path": "/a/b?c=d",
      ":authority": "shop:80",
      ":scheme": "http",
      host: "shop:80",
      "x-a": "1,2",
      "content-length": "7",
    },
  });
});

test("content of a length that nobody said has none", () => {
  expect(textOf("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked").size).toBe(-1);
  expect(textOf("GET / HTTP/1.1\nHost: a").size).toBe(0);
});

test("a request that came by TLS is told as such, whatever it says", () => {
  const { scheme, headers } = textOf("GET / HTTP/1.1\nHost: shop\nX-Forwarded-Proto: http", "https");
  expect([scheme, headers.get(":scheme")]).toEqual(["https", "https"]);
});
