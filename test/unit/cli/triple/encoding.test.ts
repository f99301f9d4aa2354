import { deflateSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { inflate } from "../../../../src/cli/triple/encoding.ts";

const text = Buffer.from("order ".repeat(100));

test.each([
  ["gzip", gzipSync(text)],
  ["deflate", deflateSync(text)],
])("a message in %s is decompressed up to the limit itself", (encoding, message) => {
  expect(inflate(message, encoding, text.length)).toEqual(text);
  expect(() => inflate(message, encoding, text.length - 1)).toThrow(
    "grpc message is over maxMessageBytes 599 once decompressed",
  );
});

test("an empty message has a compressed form too", () => {
  expect(inflate(gzipSync(""), "gzip", 1)).toHaveLength(0);
});

test("a bomb is refused", () => {
  const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024));
  expect(bomb.length).toBeLessThan(64 * 1024);
  expect(() => inflate(bomb, "gzip", 8 * 1024 * 1024)).toThrow("over maxMessageBytes 8388608");
});

test.each([
  [undefined, "its answer names no grpc-encoding"],
  ["identity", 'its answer has grpc-encoding "identity"'],
  ["snappy", 'its answer has grpc-encoding "snappy"; identity,gzip,deflate were offered'],
])("a compressed message where the encoding is %s is refused", (encoding, message) => {
  expect(() => inflate(gzipSync(text), encoding, 1000)).toThrow(message);
});

test.each(["gzip", "deflate"])("what is no %s is refused", (encoding) => {
  expect(() => inflate(Buffer.from("not compressed"), encoding, 1000)).toThrow(`grpc message is no ${encoding}: `);
  expect(() => inflate(gzipSync(text).subarray(0, 20), encoding, 1000)).toThrow(`grpc message is no ${encoding}: `);
});
