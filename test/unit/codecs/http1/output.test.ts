import { expect, test } from "vitest";
import { checkFields, isToken, Output, owedAfter, writeFields } from "../../../../src/codecs/http1/output.ts";

test("output comes in order, whatever its sizes, and what was taken is never written again", () => {
  const output = new Output();
  const taken: Buffer[] = [];
  let expected = "";
  for (let size = 1; size < 60_000; size = size * 3 + 1) {
    output.text("t".repeat(size));
    output.bytes(Buffer.alloc(size, "b"));
    expected += "t".repeat(size) + "b".repeat(size);
    if (size % 2 === 0) taken.push(output.take());
  }
  taken.push(output.take());
  expect(Buffer.concat(taken).latin1Slice() === expected).toBe(true);
  expect(output.length).toBe(0);
});

test("what was taken is not written again before reuse, and then its place is; what still waits stays", () => {
  const output = new Output();
  output.text("first");
  const first = output.take();
  output.text("second");
  output.reuse();
  const second = output.take();
  expect([first.latin1Slice(), second.latin1Slice()]).toEqual(["first", "second"]);
  output.reuse();
  output.text("third");
  const third = output.take();
  expect(third.latin1Slice()).toBe("third");
  expect(third.buffer === first.buffer && third.byteOffset === first.byteOffset).toBe(true);
});

test("memory of a large piece is not kept for reuse", () => {
  const output = new Output();
  output.bytes(Buffer.alloc(1_000_000));
  expect(output.take().buffer.byteLength).toBeGreaterThanOrEqual(1_000_000);
  output.reuse();
  output.text("small");
  const small = output.take();
  expect(small.latin1Slice()).toBe("small");
  expect(small.buffer.byteLength).toBeLessThan(100_000);
});

test.each([1, 95, 96, 97, 98, 300])("text of %i characters keeps each byte of ISO 8859-1", (length) => {
  const text = Array.from({ length }, (_, i) => String.fromCharCode((i * 7 + 200) % 256)).join("");
  const output = new Output();
  output.text(text);
  expect(output.take().latin1Slice()).toBe(text);
});

test("lines about framing and the connection are never written from outside", () => {
  const output = new Output();
  writeFields(output, {
    fields: [
      ["Transfer-Encoding", "x"],
      ["content-length", "3"],
      ["Connection", "x"],
      ["A", "b"],
    ],
  });
  expect(output.take().latin1Slice()).toBe("A: b\r\n");
});

test.each(["", "a b", "a:", "a\r\n", "\u00e4"])("%j is no name", (name) => {
  expect(isToken(name)).toBe(false);
  expect(() => checkFields([[name, "v"]])).toThrow("header name is not a token");
});

test("a body is not sent beyond its length", () => {
  expect(owedAfter(3, 3)).toBe(0);
  expect(() => owedAfter(3, 4)).toThrow("http1 body is 1 bytes over its length");
});
