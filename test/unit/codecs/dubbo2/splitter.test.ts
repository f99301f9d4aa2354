import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { type FrameLimits, FrameSplitter } from "../../../../src/codecs/dubbo2/splitter.ts";
import { bytesOf } from "../../../support/dubbo2-bodies.ts";
import { recordedFrames } from "../../../support/dubbo2-frames.ts";

function splitter(limits: Partial<FrameLimits> = {}): { readonly found: string[]; readonly machine: FrameSplitter } {
  const found: string[] = [];
  const sink = {
    onFrame: (bytes: Buffer, start: number, end: number) => void found.push(bytes.toString("hex", start, end)),
    onOversize: (header: Buffer, body: number) => void found.push(`oversize ${body} ${header.toString("hex")}`),
  };
  return { found, machine: new FrameSplitter(sink, { maxBodyBytes: 100_000, maxSkipBytes: 1_000_000, ...limits }) };
}

const FRAMES = recordedFrames("2.7.23-hessian2").map((frame) => frame.bytes);
const STREAM = Buffer.concat(FRAMES);
const EXPECTED = FRAMES.map((frame) => frame.toString("hex"));

test.each([1, 2, 3, 15, 16, 17, 100, 999, 4096, 65536])("finds the recorded frames in pieces of %i bytes", (step) => {
  const { found, machine } = splitter();
  for (let at = 0; at < STREAM.length; at += step) machine.push(STREAM.subarray(at, at + step));
  expect(found).toEqual(EXPECTED);
  expect([machine.heldBytes, machine.heldPieces]).toEqual([0, 0]);
});

test("finds two frames however their bytes are cut in three", () => {
  const two = Buffer.concat(FRAMES.slice(0, 2));
  for (let a = 0; a <= two.length; a += 3) {
    for (let b = a; b <= two.length; b += 7) {
      const { found, machine } = splitter();
      machine.push(two.subarray(0, a));
      machine.push(two.subarray(a, b));
      machine.push(two.subarray(b));
      expect(found).toEqual(EXPECTED.slice(0, 2));
    }
  }
});

test("every truncation waits for more and counts what it holds", () => {
  const frame = FRAMES[0]!;
  for (let cut = 1; cut < frame.length; cut++) {
    const { found, machine } = splitter();
    machine.push(frame.subarray(0, cut));
    expect([found.length, machine.heldBytes]).toEqual([0, cut]);
  }
});

test("a body of no bytes is a frame", () => {
  const { found, machine } = splitter();
  const empty = bytesOf("dabb 82 00 0000000000000001 00000000");
  machine.push(Buffer.concat([empty, empty.subarray(0, 9)]));
  machine.push(empty.subarray(9));
  expect(found).toEqual([empty.toString("hex"), empty.toString("hex")]);
});

test.each([1, 5, 16, 50, 1000])("a body over the limit is reported once and skipped, in pieces of %i", (step) => {
  const { found, machine } = splitter({ maxBodyBytes: 10 });
  const header = bytesOf("dabb c2 00 0000000000000001 00000020");
  const small = bytesOf("dabb 82 00 0000000000000002 0000000a 00000000000000000000");
  const stream = Buffer.concat([header, Buffer.alloc(32, 0xda), small, header, Buffer.alloc(32), small]);
  for (let at = 0; at < stream.length; at += step) machine.push(stream.subarray(at, at + step));
  const report = `oversize 32 ${header.toString("hex")}`;
  expect(found).toEqual([report, small.toString("hex"), report, small.toString("hex")]);
});

test("what is held does not grow with the number of chunks", () => {
  const { machine } = splitter();
  machine.push(bytesOf("dabb c2 00 0000000000000001 00010000"));
  for (let i = 0; i < 60_000; i++) machine.push(Buffer.of(1));
  expect(machine.heldBytes).toBe(60_016);
  expect(machine.heldPieces).toBeLessThan(40);
});

test("the rest of a large chunk is held apart from it", () => {
  const { found, machine } = splitter();
  const chunk = Buffer.concat([FRAMES[0]!, FRAMES[1]!.subarray(0, 20)]);
  machine.push(chunk);
  chunk.fill(0);
  machine.push(FRAMES[1]!.subarray(20));
  expect(found[1]).toBe(EXPECTED[1]);
});

test.each([
  ["a wrong first byte", "00", "not a dubbo2 frame: magic dabb expected, 00 found"],
  ["a wrong second byte", "dabc", "not a dubbo2 frame: magic dabb expected, dabc found"],
  ["text", '"GET / HTTP/1.1"', "not a dubbo2 frame: magic dabb expected, 47455420 found"],
  ["a negative length", "dabb c2 00 0000000000000001 ffffffff", "dubbo2 body length -1 is negative"],
  [
    "a length over maxSkipBytes",
    "dabb c2 00 0000000000000001 7fffffff",
    "dubbo2 body of 2147483647 bytes is over maxSkipBytes 1000000",
  ],
])("%s is refused, whole or byte by byte", (_name, text, message) => {
  const bytes = bytesOf(text);
  expect(() => splitter().machine.push(bytes)).toThrow(ProtocolError);
  expect(() => splitter().machine.push(bytes)).toThrow(message);
  const { machine } = splitter();
  expect(() => {
    for (const byte of bytes) machine.push(Buffer.of(byte));
  }).toThrow(ProtocolError);
});
