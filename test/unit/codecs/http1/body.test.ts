import { expect, test } from "vitest";
import { BlockCollector, BodyReader } from "../../../../src/codecs/http1/body.ts";
import { DEFAULT_HTTP1_LIMITS } from "../../../../src/codecs/http1/limits.ts";

function readAll(reader: BodyReader, bytes: Buffer, step: number): string {
  let data = "";
  for (let from = 0; from < bytes.length; from += step) {
    const end = Math.min(bytes.length, from + step);
    for (let at = from; at < end && !reader.done; ) {
      at = reader.read(bytes, at, end);
      data += bytes.latin1Slice(reader.dataStart, reader.dataEnd);
    }
  }
  return data;
}

test("chunks are read in pieces of every size", () => {
  const bytes = Buffer.from("3\r\nabc\r\n0a;e=f\r\n0123456789\r\n0\r\nt: v\r\n\r\n");
  for (let step = 1; step <= bytes.length; step++) {
    const reader = new BodyReader(DEFAULT_HTTP1_LIMITS);
    reader.startChunked();
    expect([readAll(reader, bytes, step), reader.done, reader.trailers?.get("t")]).toEqual([
      "abc0123456789",
      true,
      "v",
    ]);
  }
});

test("the limit holds for the sum of chunks and for a body until close", () => {
  const chunks = new BodyReader({ ...DEFAULT_HTTP1_LIMITS, maxBodyBytes: 5 });
  chunks.startChunked();
  const bytes = Buffer.from("3\r\nabc\r\n3\r\nabc\r\n");
  expect(() => readAll(chunks, bytes, 100)).toThrow("body is over maxBodyBytes 5");
  chunks.startUntilClose();
  expect([readAll(chunks, Buffer.from("12345"), 9), chunks.untilClose]).toEqual(["12345", true]);
  expect(() => readAll(chunks, Buffer.from("6"), 9)).toThrow("body is over maxBodyBytes 5");
});

test("small extensions on many chunks are bounded together", () => {
  const reader = new BodyReader({ ...DEFAULT_HTTP1_LIMITS, maxChunkExtensionBytes: 20 });
  reader.startChunked();
  const bytes = Buffer.from("1;abcde\r\nx\r\n".repeat(5));
  expect(() => readAll(reader, bytes, 7)).toThrow("chunk extensions are over maxChunkExtensionBytes 20");
});

test("a block of lines is held up to its limit", () => {
  const at = new BlockCollector(8, 0);
  expect([at.take(Buffer.from("a: b\r\n\r\nrest"), 0, 12), at.done, at.bytes.latin1Slice()]).toEqual([
    8,
    true,
    "a: b\r\n\r\n",
  ]);
  const over = new BlockCollector(7, 0);
  expect(() => over.take(Buffer.from("a: b\r\n\r\n"), 0, 8)).toThrow("lines are over the limit of 7 bytes");
});
