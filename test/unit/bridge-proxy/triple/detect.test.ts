import { expect, test } from "vitest";
import { detect } from "../../../../src/bridge-proxy/triple/detect.ts";

test.each<[string, string | undefined]>([
  ["", undefined],
  ["P", undefined],
  ["PR", undefined],
  ["PRI", "http2"],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0", "http2"],
  ["PO", undefined],
  ["POST ", "http1"],
  ["GET / HTTP/1.1\r\n", "http1"],
  ["PATCH /a", "http1"],
  ["INVALID CONNECTION", "http2"],
  ["\xda\xbb", "http2"],
])("%j", (text, protocol) => {
  expect(detect(Buffer.from(text, "latin1"))).toBe(protocol);
});
