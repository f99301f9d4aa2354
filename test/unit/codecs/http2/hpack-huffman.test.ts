import { expect, test } from "vitest";
import { decodeHuffman, encodeHuffman, huffmanLength } from "../../../../src/codecs/http2/hpack-huffman.ts";

/** Strings of RFC 7541 appendix C.4 and C.6. */
const STRINGS: readonly (readonly [string, string])[] = [
  ["www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"],
  ["no-cache", "a8eb10649cbf"],
  ["custom-key", "25a849e95ba97d7f"],
  ["custom-value", "25a849e95bb8e8b4bf"],
  ["302", "6402"],
  ["private", "aec3771a4b"],
  ["Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"],
];

test.each(STRINGS)("%s is coded as the RFC shows", (text, hex) => {
  const bytes = Buffer.from(hex, "hex");
  expect(decodeHuffman(bytes, 0, bytes.length)).toBe(text);
  expect(huffmanLength(text)).toBe(bytes.length);
  const target = Buffer.alloc(100);
  expect(target.toString("hex", 0, encodeHuffman(text, target, 0))).toBe(hex);
});

test("every octet comes back, also behind each other one", () => {
  const target = Buffer.alloc(20);
  for (let a = 0; a < 256; a++) {
    for (let b = 0; b < 256; b += 5) {
      const text = String.fromCharCode(a, b, a);
      const end = encodeHuffman(text, target, 0);
      expect(end).toBe(huffmanLength(text));
      expect(decodeHuffman(target, 0, end)).toBe(text);
    }
  }
});

test("the empty text is coded by nothing", () => {
  expect(decodeHuffman(Buffer.alloc(0), 0, 0)).toBe("");
  expect(huffmanLength("")).toBe(0);
});

test.each([
  ["padding of eight ones", "ff"],
  ["padding of zeroes", "1800"],
  ["a whole octet of padding", "1fff"],
  ["the end of string", "fffffffc"],
])("%s is refused", (_name, hex) => {
  const bytes = Buffer.from(hex, "hex");
  expect(() => decodeHuffman(bytes, 0, bytes.length)).toThrow("huffman");
});
