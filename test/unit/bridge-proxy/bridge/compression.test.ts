import { deflateSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { CallError, ProtocolError } from "../../../../src/base/errors.ts";
import { inflated } from "../../../../src/bridge-proxy/bridge/compression.ts";

const text = Buffer.from("abc".repeat(1000));

test.each([
  ["gzip", gzipSync(text)],
  ["deflate", deflateSync(text)],
])("a message by %s is what it was, up to the limit", (encoding, message) => {
  expect(inflated(message, encoding, text.length).equals(text)).toBe(true);
  expect(inflated(message, encoding, text.length + 1).equals(text)).toBe(true);
});

test("a bomb is refused before it is made", () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  expect(bomb.length).toBeLessThan(100_000);
  const before = process.memoryUsage().arrayBuffers;
  expect(() => inflated(bomb, "gzip", 1_000_000)).toThrow(/over the limit 1000000 when it is inflated$/);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
});

const refused: readonly (readonly [name: string, message: Buffer, encoding: string, kind: unknown, text: RegExp])[] = [
  ["one byte over the limit", gzipSync(text), "gzip", CallError, /^message of \d+ bytes is over the limit 2999 /],
  ["another encoding", text, "snappy", CallError, /^messages compressed by "snappy" are not read/],
  ["none that is named", gzipSync(text), "identity", CallError, /^messages compressed by "identity"/],
  ["a name of every object", text, "constructor", CallError, /^messages compressed by "constructor"/],
  ["what is not compressed", text, "gzip", ProtocolError, /^message is not compressed by gzip/],
  ["what is cut off", gzipSync(text).subarray(0, -9), "gzip", ProtocolError, /^message is not compressed by gzip/],
  ["nothing", Buffer.alloc(0), "deflate", ProtocolError, /^message is not compressed by deflate/],
];

test.each(refused)("%s is refused", (_name, message, encoding, kind, error) => {
  expect(() => inflated(message, encoding, 2999)).toThrow(error);
  expect(() => inflated(message, encoding, 2999)).toThrow(kind as typeof CallError);
});
