import { describe, expect, test } from "vitest";
import { hexTag, isStringTag } from "../../../../src/codecs/hessian2/cursor.ts";
import { Hessian2Reader } from "../../../../src/codecs/hessian2/reader.ts";
import { Skipper } from "../../../../src/codecs/hessian2/skip.ts";
import { encodeHessian2 } from "../../../../src/codecs/hessian2/writer.ts";
import { hexOf } from "./attacks.ts";

/** The skipper and the reader are both cursors: what is shown of one holds of the other. */
function skipperOf(hex: string): Skipper {
  return new Skipper().reset(Buffer.from(hexOf(hex), "hex"));
}

describe("strings in place", () => {
  test.each<readonly [name: string, hex: string, start: number, length: number, units: number]>([
    ["direct", "03 'abc'", 1, 3, 3],
    ["empty", "00", 1, 0, 0],
    ["medium", "30 03 'abc'", 2, 3, 3],
    ["long", "53 0003 'abc'", 3, 3, 3],
    ["not ascii", "02 e4b8ad 'a'", 1, 4, 2],
  ])("%s", (_name, hex, start, length, units) => {
    const skipper = skipperOf(`${hex} 90`);
    expect(skipper.readStringRange()).toBe("whole");
    expect([skipper.rangeStart, skipper.rangeLength, skipper.rangeUnits]).toEqual([start, length, units]);
    expect(skipper.readInt()).toBe(0);
  });

  test("a string of chunks has no range, and is stepped over", () => {
    const skipper = skipperOf("52 0001 'a' 01 'b' 90");
    expect(skipper.readStringRange()).toBe("chunked");
    expect(skipper.readInt()).toBe(0);
    skipper.offset = 0;
    expect(skipper.readString()).toBe("ab");
    expect(skipper.offset).toBe(6);
  });

  test("null is a string too", () => {
    const skipper = skipperOf("4e 4e 4e 90");
    expect(skipper.readStringRange()).toBe("null");
    expect(skipper.readString()).toBeNull();
    skipper.skipString();
    expect(skipper.readInt()).toBe(0);
  });

  test.each([
    ["an int", "90", "hessian2: expected a string, found tag 0x90 (at byte 0)"],
    ["a map", "48 5a", "expected a string, found tag 0x48"],
    ["nothing", "", "value is cut off"],
  ])("%s is no string", (_name, hex, message) => {
    expect(() => skipperOf(hex).readString()).toThrow(message);
    expect(() => skipperOf(hex).skipString()).toThrow(message);
    expect(() => skipperOf(hex).readStringRange()).toThrow(message);
  });

  test("70,000 units in chunks are one string", () => {
    const text = "\u4e2d".repeat(35_000) + "x".repeat(35_000);
    const skipper = new Skipper().reset(encodeHessian2(text));
    expect(skipper.readString()).toBe(text);
    expect(skipper.done).toBe(true);
  });
});

test.each([
  ["80", -16],
  ["bf", 47],
  ["c0 00", -2048],
  ["cf ff", 2047],
  ["d0 0000", -262144],
  ["d7 ffff", 262143],
  ["49 80000000", -2147483648],
  ["49 7fffffff", 2147483647],
])("the int %s is %i", (hex, value) => {
  expect(skipperOf(hex).readInt()).toBe(value);
  const bytes = Buffer.from(hexOf(hex), "hex");
  for (let end = 0; end < bytes.length; end++) {
    expect(() => new Skipper().reset(bytes, 0, end).readInt()).toThrow("hessian2: value is cut off");
  }
});

describe("entering a map", () => {
  test("null is no map to walk", () => {
    const skipper = skipperOf("4e 90");
    expect(skipper.beginMap()).toBe(false);
    expect(skipper.offset).toBe(1);
  });

  test("a typed map is walked like any other", () => {
    const skipper = skipperOf("4d 11 'java.util.TreeMap' 01 'a' 01 'b' 5a");
    expect(skipper.beginMap()).toBe(true);
    expect([skipper.endMap(), skipper.isString(), skipper.readString(), skipper.readString()]).toEqual([
      false,
      true,
      "a",
      "b",
    ]);
    expect(skipper.endMap()).toBe(true);
    expect(skipper.done).toBe(true);
  });

  test("anything else is refused", () => {
    expect(() => skipperOf("78").beginMap()).toThrow("hessian2: expected a map, found tag 0x78 (at byte 0)");
    expect(() => skipperOf("").beginMap()).toThrow("value is cut off");
    expect(() => skipperOf("").endMap()).toThrow("value is cut off");
  });
});

test("bytes of a body are looked at from its offset to its end", () => {
  const bytes = Buffer.from("ff90ff", "hex");
  const skipper = new Skipper().reset(bytes, 1, 2);
  expect(skipper.peek()).toBe(0x90);
  skipper.skipValues(1);
  expect([skipper.offset, skipper.done, skipper.peek()]).toEqual([2, true, -1]);
});

test("a released skipper holds no body", () => {
  const skipper = skipperOf("90");
  skipper.release();
  expect([skipper.done, skipper.offset]).toEqual([true, 0]);
});

test("a reader has the cursor's reads too", () => {
  const reader = new Hessian2Reader().reset(Buffer.from(hexOf("03 'abc' c8 30 4e 90"), "hex"));
  expect([reader.readString(), reader.readInt(), reader.readString(), reader.readValue()]).toEqual([
    "abc",
    48,
    null,
    0,
  ]);
});

test("tags of strings are told from all others", () => {
  const tags = Array.from({ length: 256 }, (_, tag) => tag).filter(isStringTag);
  expect(tags.map(hexTag).join(" ")).toBe(
    [...Array.from({ length: 32 }, (_, tag) => hexTag(tag)), "0x30", "0x31", "0x32", "0x33", "0x52", "0x53"].join(" "),
  );
  expect(isStringTag(-1)).toBe(false);
});
