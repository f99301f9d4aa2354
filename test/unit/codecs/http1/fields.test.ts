import { expect, test } from "vitest";
import { CONTENT_LENGTH, FieldLines, hex } from "../../../../src/codecs/http1/fields.ts";

test("lines are found in place and by name in any case", () => {
  const bytes = Buffer.from("xxCoNtEnT-LeNgTh: 5\r\nA:\r\na: \t2 \r\n\r\nyy");
  const lines = new FieldLines(bytes);
  expect(lines.parse(2, bytes.length, 3)).toBe(bytes.length - 2);
  expect([lines.count, lines.kind(0), lines.kind(1)]).toEqual([3, CONTENT_LENGTH, 0]);
  expect([lines.get("content-length"), lines.all("a"), lines.get("b")]).toEqual(["5", ["", "2"], undefined]);
  expect(bytes.latin1Slice(lines.lineStart(2), lines.lineEnd(2))).toBe("a: \t2 \r\n");
});

test("every truncation asks for more, one line too many is refused", () => {
  const bytes = Buffer.from("a: b\r\nc: d\r\n\r\n");
  for (let end = 0; end < bytes.length; end++) expect(new FieldLines(bytes).parse(0, end, 2)).toBe(-1);
  expect(() => new FieldLines(bytes).parse(0, bytes.length, 1)).toThrow("more than maxHeaders 1 header lines");
});

test("bytes are told in two digits", () => {
  expect([hex(0), hex(255)]).toEqual(["00", "ff"]);
});
