import { expect, test } from "vitest";
import { appendCopy } from "../../../src/base/pieces.ts";

function append(sizes: readonly number[]): { readonly pieces: Buffer[]; readonly whole: Buffer } {
  const pieces: Buffer[] = [];
  const parts = sizes.map((size, n) => Buffer.alloc(size, n % 251));
  let room = 0;
  for (const part of parts) room = appendCopy(pieces, part, room);
  return { pieces, whole: Buffer.concat(parts) };
}

test.each([
  ["one", [5]],
  ["small ones", [1, 2, 3, 1000, 4]],
  ["large ones", [5000, 1024, 70_000]],
  ["both by turns", [1, 5000, 1, 1, 2000, 1023, 1023, 1023, 1023, 1023, 1]],
  ["with empty ones", [0, 3, 0, 2000, 0, 1]],
])("pieces hold what was added: %s", (_name, sizes) => {
  const { pieces, whole } = append(sizes);
  expect(Buffer.concat(pieces)).toEqual(whole);
});

test("ten thousand single bytes are held in few pieces", () => {
  const { pieces, whole } = append(new Array(10_000).fill(1));
  expect(Buffer.concat(pieces)).toEqual(whole);
  expect(pieces.length).toBeLessThan(5);
});

test("a piece is a copy: what it was made from may change, and so may what is taken from the front", () => {
  const from = Buffer.from("abc");
  const pieces: Buffer[] = [];
  let room = appendCopy(pieces, Buffer.from("-"), 0);
  room = appendCopy(pieces, from, room);
  from.fill(0);
  pieces.shift();
  pieces[0] = pieces[0]!.subarray(1);
  appendCopy(pieces, Buffer.from("d"), room);
  expect(Buffer.concat(pieces).toString()).toBe("bcd");
});
