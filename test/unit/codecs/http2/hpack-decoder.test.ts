import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { HpackDecoder } from "../../../../src/codecs/http2/hpack-decoder.ts";

function decode(decoder: HpackDecoder, hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  return decoder.decode(bytes, 0, bytes.length).fields.join(" ");
}

test("three requests of RFC 7541 appendix C.4 build on each other", () => {
  const decoder = new HpackDecoder();
  const first = ":method GET :scheme http :path / :authority www.example.com";
  expect(decode(decoder, "828684418cf1e3c2e5f23a6ba0ab90f4ff")).toBe(first);
  expect(decode(decoder, "828684be5886a8eb10649cbf")).toBe(first + " cache-control no-cache");
  expect(decode(decoder, "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")).toBe(
    ":method GET :scheme https :path /index.html :authority www.example.com custom-key custom-value",
  );
});

test("a block that changes nothing is given out again from its third time on until the table changes", () => {
  const decoder = new HpackDecoder();
  const block = Buffer.from("828684", "hex");
  const [first, second, third] = [0, 1, 2].map(() => decoder.decode(Buffer.from(block), 0, 3));
  expect(second).not.toBe(first);
  expect(third).toBe(second);
  expect([first, second, third].map((one) => one?.shared)).toEqual([false, true, true]);
  expect(decode(decoder, "40016101 62".replace(" ", ""))).toBe("a b");
  for (let i = 0; i < 3; i++) expect(decode(decoder, "be")).toBe("a b");
  expect(decode(decoder, "40016101 63".replace(" ", ""))).toBe("a c");
  expect(decode(decoder, "be")).toBe("a c");
});

test("an entry too large for the table empties it, for known blocks too", () => {
  const decoder = new HpackDecoder(64);
  decode(decoder, "4001610162");
  for (let i = 0; i < 3; i++) expect(decode(decoder, "be")).toBe("a b");
  decode(decoder, "4001617f00" + "78".repeat(127));
  expect(() => decode(decoder, "be")).toThrow("index 62 is in no table");
});

test("fields that may not be indexed are named", () => {
  const block = new HpackDecoder().decode(Buffer.from("1001610162", "hex"), 0, 5);
  expect([block.fields, block.never]).toEqual([["a", "b"], ["a"]]);
});

test.each([
  ["index 0", "80", "index 0 is in no table"],
  ["an index beyond the tables", "be", "index 62 is in no table"],
  ["a size update behind a field", "8220", "not at the start"],
  ["three size updates", "202020", "not at the start"],
  ["a size update over what was announced", "3fe2ff03", "over the announced 4096"],
  ["an integer of over 28 bits", "ffffffffff7f", "over 28 bits"],
  ["an integer without an end", "ff80", "ends inside an integer"],
  ["a string longer than its block", "00056162", "longer than its block"],
  ["a missing value", "000161", "ends before a string"],
])("%s is refused", (_name, hex, text) => {
  expect(() => decode(new HpackDecoder(), hex)).toThrow(text);
});

test("a list over the limit is cut and keeps the table true", () => {
  const decoder = new HpackDecoder(4096, 100);
  const bytes = Buffer.from("4001610162" + "bebebe", "hex");
  const block = decoder.decode(bytes, 0, bytes.length);
  expect([block.oversize, block.listBytes, block.fields.length]).toEqual([true, 136, 4]);
  expect(decode(decoder, "be")).toBe("a b");
});

test("a block that unfolds to many times the limit is refused", () => {
  const decoder = new HpackDecoder(4096, 1000);
  decode(decoder, "4001617f00" + "78".repeat(127));
  expect(() => decode(decoder, "be".repeat(1000))).toThrow("far over maxListBytes 1000");
});

test("every truncation and any bytes give fields or a ProtocolError", () => {
  const whole = "828785418cf1e3c2e5f23a6ba0ab90f4ff408825a849e95ba97d7f8925a849e95bb8e8b4bf";
  let seed = 7;
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.from(whole, "hex").subarray(0, round % 38);
    for (let i = 0; i < bytes.length; i++) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      if (round >= 38 && seed % 5 === 0) bytes[i] = seed >>> 16;
    }
    try {
      new HpackDecoder(4096, 200).decode(bytes, 0, bytes.length);
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
    }
  }
});

test("a block is sound unless a field of it is not, whether it is spelled out or comes from the table", () => {
  const decoder = new HpackDecoder();
  const isSound = (hex: string) => decoder.decode(Buffer.from(hex, "hex"), 0, hex.length / 2).sound;
  expect(isSound("82" + "4001610162")).toBe(true);
  expect(isSound("82be")).toBe(true);
  expect(isSound("40016101" + "0a")).toBe(false);
  expect(isSound("82be")).toBe(false);
  expect(isSound("82bf")).toBe(true);
  expect(isSound("0001410162")).toBe(false);
});
