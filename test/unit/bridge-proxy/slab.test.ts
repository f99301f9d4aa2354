import { expect, test } from "vitest";
import { Reader, Slab } from "../../../src/bridge-proxy/slab.ts";

function read(slab: Slab, text: string): { readonly bytes: Buffer; readonly at: number; readonly text: () => string } {
  slab.readBuffer.write(text, "latin1");
  const at = slab.keepRead(text.length);
  const { bytes } = slab;
  return { bytes, at, text: () => bytes.toString("latin1", at, at + text.length) };
}

test("reads stand one behind the other, and later ones leave them alone", () => {
  const slab = new Slab();
  const first = read(slab, "first");
  const second = read(slab, "second");
  expect(second.bytes).toBe(first.bytes);
  expect(second.at).toBe(first.at + 5);
  expect([first.text(), second.text()]).toEqual(["first", "second"]);
});

test("a full slab is left to its holders and another takes its place", () => {
  const slab = new Slab();
  const kept = read(slab, "kept");
  const whole = "x".repeat(slab.readBuffer.length);
  for (let i = 0; i < 4; i++) expect(read(slab, whole).text()).toBe(whole);
  expect(slab.bytes).not.toBe(kept.bytes);
  expect(kept.text()).toBe("kept");
});

test("reserved bytes overlap no read", () => {
  const slab = new Slab();
  const before = read(slab, "before");
  const at = slab.place(100);
  const after = read(slab, "after");
  slab.bytes.fill(0, at, at + 100);
  expect([before.text(), after.text()]).toEqual(["before", "after"]);
});

/** Reads `size` bytes as a socket does; the memory that they went into. */
function arrive(reader: Reader, into: Buffer, size: number): Buffer {
  reader.received(size);
  expect(reader.bytes.length - reader.start).toBeGreaterThanOrEqual(size);
  return into;
}

test("a socket with large reads has memory of its own, handed on uncopied, until they are small again", () => {
  const slab = new Slab();
  const reader = new Reader(slab);
  expect(arrive(reader, reader.nextBuffer(), 65_536)).toBe(slab.readBuffer);
  expect([reader.bytes, slab.largeReaders]).toEqual([slab.bytes, 0]);
  const own = reader.nextBuffer();
  expect(own).not.toBe(slab.readBuffer);
  expect(slab.largeReaders).toBe(1);
  arrive(reader, own, 40_000);
  expect(reader.bytes).toBe(own);
  const next = reader.nextBuffer();
  expect(next).not.toBe(own);
  arrive(reader, next, 100);
  expect(reader.bytes).toBe(next);
  expect([reader.nextBuffer(), slab.largeReaders]).toEqual([slab.readBuffer, 0]);
});

test("records of TLS go into the socket's own memory one behind the other, until no other has room", () => {
  const slab = new Slab();
  const reader = new Reader(slab);
  arrive(reader, reader.nextBuffer(), 16_384);
  const places: [Buffer, number][] = [];
  for (const size of [16_384, 10_000, 16_384, 5_000, 16_384, 100]) {
    const into = reader.nextBuffer();
    expect(into.length).toBeGreaterThanOrEqual(16_384);
    arrive(reader, into, size);
    expect(into.buffer).toBe(reader.bytes.buffer);
    expect(into.byteOffset - reader.bytes.byteOffset).toBe(reader.start);
    places.push([reader.bytes, reader.start]);
  }
  const [[first], , , , [second]] = places as [[Buffer, number], unknown, unknown, unknown, [Buffer, number]];
  expect(places.map(([bytes, at]) => [bytes === first ? 1 : bytes === second ? 2 : 0, at])).toEqual([
    [1, 0],
    [1, 16_384],
    [1, 26_384],
    [1, 42_768],
    [1, 47_768],
    [0, 0],
  ]);
});

test("at most 256 sockets have memory of their own, and one that closes leaves its share", () => {
  const slab = new Slab();
  const readers = Array.from({ length: 300 }, () => new Reader(slab));
  const owning = () =>
    readers.filter((reader) => {
      reader.received(65_536);
      return reader.nextBuffer() !== slab.readBuffer;
    }).length;
  for (const reader of readers) reader.nextBuffer();
  expect([owning(), slab.largeReaders]).toEqual([256, 256]);
  readers[0]!.close();
  readers[0]!.close();
  expect(slab.largeReaders).toBe(255);
  readers.shift();
  expect([owning(), slab.largeReaders]).toEqual([256, 256]);
});
