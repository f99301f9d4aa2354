import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FrameReader, Output, PREFACE } from "../../../../src/codecs/http2/frame.ts";

const recorded = Buffer.from(
  JSON.parse(readFileSync("fixtures/wire/http2/node-client.json", "utf8")).hex as string,
  "hex",
).subarray(PREFACE.length);

function frames(pieces: readonly Buffer[]): string[] {
  const found: string[] = [];
  const reader = new FrameReader((bytes, start, end, type, flags, id) => {
    found.push([type, flags, id, bytes.toString("hex", start, end)].join(" "));
  }, 16_384);
  for (const piece of pieces) reader.push(piece);
  return found;
}

test("frames of a real client are found however they are cut", () => {
  const whole = frames([recorded]);
  expect(whole.map((one) => one.split(" ", 3).join(" "))).toEqual([
    "4 0 0",
    "1 4 1",
    "1 4 3",
    "0 1 1",
    "0 1 3",
    "4 1 0",
  ]);
  for (let a = 0; a <= recorded.length; a++) {
    const b = Math.min(recorded.length, a + 11);
    expect(frames([recorded.subarray(0, a), recorded.subarray(a, b), recorded.subarray(b)])).toEqual(whole);
  }
  expect(frames([...recorded].map((octet) => Buffer.from([octet])))).toEqual(whole);
});

test("a frame over the limit is refused by its head", () => {
  expect(() => frames([Buffer.from("004001000000000001", "hex")])).toThrow(
    "frame of 16385 bytes is over maxFrameBytes 16384",
  );
});

test("output that was taken is not written over", () => {
  const out = new Output();
  out.head(1, 0, 1, 3);
  out.bytes(Buffer.from("a"), 0, 1);
  const first = out.take();
  out.head(0, 4, 1, 0);
  expect([first.toString("hex"), out.length, out.take().toString("hex")]).toEqual([
    "00000100010000000361",
    9,
    "000000040100000000",
  ]);
});
