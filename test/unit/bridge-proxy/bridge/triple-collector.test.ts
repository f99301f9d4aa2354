import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { TripleCollector } from "../../../../src/bridge-proxy/bridge/triple-collector.ts";
import { encodeEnvelope } from "../../../../src/codecs/triple/envelope.ts";

const account = (maxHeldBytes = 1_000_000) => ({ heldBytes: 0, limits: { maxHeldBytes } });
const bytes = Buffer.concat([encodeEnvelope(3), Buffer.from("abc")]);

test("gathers a message over chunks whose bytes are used again", () => {
  const collector = new TripleCollector(100, account());
  collector.head([":status", "200"], false);
  for (const byte of bytes) {
    const chunk = Buffer.of(byte);
    collector.data(chunk);
    chunk.fill(0);
  }
  collector.trailers(["grpc-status", "0"]);
  const { head, message, trailers } = collector.answer;
  expect([head, message?.toString(), trailers]).toEqual([[":status", "200"], "abc", ["grpc-status", "0"]]);
  expect(collector.fault).toBeUndefined();
});

test("keeps nothing of a long message's chunks by reference", () => {
  const collector = new TripleCollector(100_000, account());
  const long = Buffer.concat([encodeEnvelope(20_000), Buffer.alloc(20_000, 7)]);
  for (const part of [long.subarray(0, 10_000), long.subarray(10_000)]) {
    const chunk = Buffer.from(part);
    collector.data(chunk);
    chunk.fill(0);
  }
  expect(collector.answer.message?.every((byte) => byte === 7)).toBe(true);
});

test("trailers alone", () => {
  const collector = new TripleCollector(100, account());
  collector.head(["grpc-status", "5"], true);
  expect(collector.answer).toEqual({ head: null, message: undefined, trailers: ["grpc-status", "5"] });
});

test.each([
  ["a message over the limit", 2, [bytes], "over_limit"],
  ["a second message", 100, [bytes, bytes], "undecodable"],
])("%s is a fault", (_, limit, chunks, reason) => {
  const collector = new TripleCollector(limit, account());
  for (const chunk of chunks) collector.data(chunk);
  expect(collector.fault?.reason).toBe(reason);
});

test("counts what it holds, whole messages too, until that is released; more than there is room for is a fault", () => {
  const held = account(1_000);
  const collector = new TripleCollector(100_000, held);
  collector.data(Buffer.concat([encodeEnvelope(600), Buffer.alloc(100)]));
  expect(held.heldBytes).toBe(105);
  collector.data(Buffer.alloc(500));
  expect(held.heldBytes).toBe(600);
  const other = new TripleCollector(100_000, held);
  other.data(Buffer.concat([encodeEnvelope(600), Buffer.alloc(500)]));
  expect(other.fault).toMatchObject({ reason: "overflow", message: "unfinished answers hold over maxHeldBytes 1000" });
  other.release();
  collector.release();
  expect(held.heldBytes).toBe(0);
});

test("a compressed message is inflated as the answer's head says, up to the limit", () => {
  const collected = (encoding: string, maxBytes: number) => {
    const collector = new TripleCollector(maxBytes, account());
    const small = gzipSync(Buffer.from("abc".repeat(100)));
    collector.head([":status", "200", "grpc-encoding", encoding], false);
    collector.data(Buffer.concat([encodeEnvelope(small.length, 1), small]));
    return [collector.answer.message?.length, collector.fault?.message];
  };
  expect(collected("gzip", 300)).toEqual([300, undefined]);
  expect(collected("gzip", 299)).toEqual([undefined, expect.stringContaining("over the limit 299")]);
  expect(collected("deflate", 300)).toEqual([undefined, expect.stringContaining("not compressed by deflate")]);
  expect(collected("snappy", 300)).toEqual([undefined, expect.stringContaining('compressed by "snappy"')]);
});
