import { expect, test } from "vitest";
import { READ_LIMITS } from "../../../../src/codecs/fastjson2/constants.ts";
import { Fastjson2Cursor, isIntTag, isLongTag, isStringTag } from "../../../../src/codecs/fastjson2/cursor.ts";

const at = (hex: string): Fastjson2Cursor => new Fastjson2Cursor(READ_LIMITS).reset(Buffer.from(hex, "hex"));

test.each([
  ["f0", -16],
  ["37ef", -17],
  ["43f7ff", -2049],
  ["48fffbffff", -262145],
  ["bdfb", -5],
  ["bcfed4", -300],
])("%s is the int %s", (hex, value) => {
  expect(at(hex).readInt()).toBe(value);
});

test.each([
  ["d8", -8n],
  ["cff7", -9n],
  ["c3f7ff", -2049n],
  ["bf80000000", -2147483648n],
  ["be8000000000000000", -(1n << 63n)],
  ["05", 5n],
])("%s is the long %s", (hex, value) => {
  expect(at(hex).readLong()).toBe(value);
});

test.each([
  ["4c626f62", "bob"],
  ["7904626f6262", "bobb"],
  ["7a03e4b8ad", "\u4e2d"],
  ["7b024e2d", "\u4e2d"],
  ["7b04fffe2d4e", "\u4e2d"],
  ["7b04feff4e2d", "\u4e2d"],
  ["7c022d4e", "\u4e2d"],
  ["7d024e2d", "\u4e2d"],
  ["7e02d6d0", "\u4e2d"],
])("%s is the string %s", (hex, text) => {
  expect(at(hex).readString()).toBe(text);
});

test("tags are told apart, and none is two things", () => {
  for (let tag = 0; tag < 256; tag++) {
    const kinds = [isStringTag(tag), isIntTag(tag), isLongTag(tag)].filter(Boolean);
    expect(kinds.length, String(tag)).toBeLessThan(2);
  }
  expect([isIntTag(0x48), isStringTag(0x49), isStringTag(0x7f), isLongTag(0xc0)]).toEqual([true, true, false, true]);
});
