import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { skipUnits, sliceUnits, writeUnits } from "../../../../src/codecs/hessian2/strings.ts";

const ROWS: readonly (readonly [name: string, text: string, hex: string])[] = [
  ["nothing", "", ""],
  ["ascii", "abc", "616263"],
  ["a NUL as one byte", "a\0", "6100"],
  ["two bytes", "\u0080\u07ff", "c280dfbf"],
  ["three bytes", "\u0800\uffff", "e0a080efbfbf"],
  ["chinese", "\u4e2d\u6587", "e4b8ade69687"],
  ["an emoji as two units of three bytes", "\ud83d\ude00", "eda0bdedb880"],
  ["a lone high surrogate", "a\ud800b", "61eda08062"],
  ["a lone low surrogate", "\udc00", "edb080"],
];

function bytesOf(text: string): Buffer {
  const bytes = Buffer.alloc(text.length * 3);
  return bytes.subarray(0, writeUnits(bytes, 0, text, 0, text.length));
}

function textOf(bytes: Buffer, units: number): string {
  return sliceUnits(bytes, 0, skipUnits(bytes, 0, units, bytes.length), units);
}

describe.each(ROWS)("%s", (_name, text, hex) => {
  test("is written unit by unit", () => {
    expect(bytesOf(text).toString("hex")).toBe(hex);
  });

  test("is read as it was written, alone and inside long texts", () => {
    for (const around of [
      "",
      "x".repeat(15),
      "x".repeat(30),
      "x".repeat(300),
      "x".repeat(1000),
      "\u4e2d".repeat(100),
      "\ud83d\ude00".repeat(100),
    ]) {
      const long = around + text + around;
      expect(textOf(bytesOf(long), long.length)).toBe(long);
    }
  });

  test("is cut off at every byte before its end", () => {
    const bytes = Buffer.from(hex, "hex");
    for (let end = 0; end < bytes.length; end++) {
      expect(() => skipUnits(bytes, 0, text.length, end)).toThrow(/cut off/);
    }
  });
});

test("a part of a text is written alone", () => {
  const bytes = Buffer.alloc(90);
  const text = "0123456789\u4e2d".repeat(5);
  const end = writeUnits(bytes, 3, text, 10, 40);
  expect(textOf(bytes.subarray(3, end), 30)).toBe(text.slice(10, 40));
});

test("C0 80 is U+0000, as modified UTF-8 has it", () => {
  expect(textOf(Buffer.from("61c08062", "hex"), 3)).toBe("a\0b");
});

test.each([
  ["a lead of four bytes, which hessian-lite refuses", "f09f9880"],
  ["a lead of four bytes behind ascii", "61f09f9880"],
  ["a continuation without a lead", "80"],
  ["a lead of 2 followed by ascii", "c261"],
  ["a lead of 3 followed by ascii", "e46161"],
  ["a lead of 3 with one continuation", "e4b861"],
  ["a lead of 3 whose continuation is a lead", "e4c0ad"],
  ["an overlong slash of two bytes", "c0af"],
  ["an overlong of C1", "c1bf"],
  ["an overlong of three bytes", "e08080"],
  ["FE", "fe8080"],
  ["FF", "ff8080"],
])("%s is refused", (_name, hex) => {
  for (const before of [0, 17, 40, 400, 4000]) {
    const bytes = Buffer.concat([Buffer.alloc(before, 0x61), Buffer.from(hex, "hex"), Buffer.alloc(8, 0x80)]);
    const error = (() => {
      try {
        skipUnits(bytes, 0, before + (hex.startsWith("61") ? 2 : 1), bytes.length);
      } catch (e) {
        return e;
      }
      return undefined;
    })();
    expect(error).toBeInstanceOf(ProtocolError);
    expect((error as ProtocolError).message).toContain("not UTF-8 in units of at most three bytes");
    expect((error as ProtocolError).offset).toBe(before + (hex.startsWith("61") ? 1 : 0));
  }
});

test("bytes behind the end are not looked at", () => {
  const bytes = Buffer.from("616263c3a9", "hex");
  expect(skipUnits(bytes, 0, 3, 3)).toBe(3);
  expect(() => skipUnits(bytes, 0, 4, 4)).toThrow("hessian2: string is cut off (at byte 3)");
  expect(() => skipUnits(bytes, 0, 6, 5)).toThrow("hessian2: string of 6 units is cut off (at byte 0)");
});
