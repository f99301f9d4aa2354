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
