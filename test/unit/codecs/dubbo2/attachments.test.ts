import { expect, test } from "vitest";
import { Attachments, MAX_ATTACHMENTS } from "../../../../src/codecs/dubbo2/attachments.ts";
import { Skipper } from "../../../../src/codecs/hessian2/skip.ts";
import { bytesOf } from "../../../support/dubbo2-bodies.ts";

function loaded(text: string): Attachments {
  const bytes = bytesOf(text);
  const attachments = new Attachments();
  attachments.load(new Skipper().reset(bytes), bytes, bytes.length);
  return attachments;
}

test("the last of repeated keys counts", () => {
  const attachments = loaded('48 01"a" 01"1" 01"b" 01"2" 01"a" 01"3" 5a');
  expect(attachments.size).toBe(3);
  expect(attachments.get("a")).toBe("3");
  expect(attachments.toRecord()).toEqual({ a: "3", b: "2" });
});

test("keys are matched in any case where asked, and by exact case otherwise", () => {
  const attachments = loaded('48 06"X-Gray" 04"blue" 06"x-gray" 03"red" 5a');
  expect(attachments.get("X-Gray")).toBe("blue");
  expect(attachments.get("X-GRAY")).toBeUndefined();
  expect(attachments.getIgnoreCase("X-GRAY")).toBe("red");
  expect(attachments.getIgnoreCase("x-gra")).toBeUndefined();
});

test("keys outside ASCII are found", () => {
  const attachments = loaded('48 02e4b8ade69687 01"v" 01c384 01"w" 5a');
  expect(attachments.get("中文")).toBe("v");
  expect(attachments.getIgnoreCase("ä")).toBe("w");
  expect(attachments.get("zh")).toBeUndefined();
});

test.each([
  ["an int of one byte", "91", "1", 1],
  ["an int of two bytes", "cbe8", "1000", 1000],
  ["an int of three bytes", "d5ffff", "131071", 131071],
  ["an int of four bytes", "49 7fffffff", "2147483647", 2147483647],
  ["a negative int", "8f", "-1", -1],
  ["a long of one byte", "e5", "5", 5],
  ["a long of two bytes", "fbe8", "1000", 1000],
  ["a long of three bytes", "3d0000", "65536", 65536],
  ["a long of four bytes", "59 00010000", "65536", 65536],
  ["a long of eight bytes", "4c 00000000000003e8", "1000", 1000],
  ["a long over 31 bits", "4c 0000000100000000", "4294967296", -1],
  ["true", "54", "true", -1],
  ["false", "46", "false", -1],
  ["null", "4e", undefined, -1],
  ["a double", "44 3ff8000000000000", "1.5", -1],
  ["a double of a byte", "5d 02", "2.0", -1],
  ["a double of thousandths", "5f 00000c44", "3.14", -1],
  ["a date", "4a 0000018bcfe5687b", "2023-11-14T22:13:20.123Z", -1],
  ["a date of minutes", "4b 00e3838f", "1998-05-08T09:51:00.000Z", -1],
  ["a date that no calendar shows", "4a 7fffffffffffffff", "9223372036854776000", -1],
  ["decimal text", '04"1000"', "1000", 1000],
  ["text of eleven digits", '0b"12345678901"', "12345678901", -1],
  ["text that is no number", '02"1s"', "1s", -1],
  ["an empty text", "00", "", -1],
  ["text of 32 characters", `3020"${"a".repeat(32)}"`, "a".repeat(32), -1],
  ["text in chunks", '52 0001"a" 52 0000 02"bc"', "abc", -1],
  ["text with a pair of surrogates over chunks", "52 0001 eda0bd 01 edba80", "🚀", -1],
  ["bytes", "21ff", undefined, -1],
  ["a list", "7991", undefined, -1],
  ["a map", "485a", undefined, -1],
])("%s as a value", (_name, value, text, number) => {
  const attachments = loaded(`48 01"k" ${value} 01"l" 01"z" 5a`);
  expect(attachments.get("k")).toBe(text);
  expect(attachments.getNumber("k")).toBe(number);
  expect(attachments.get("l")).toBe("z");
});

test("keys that are no strings are passed by, keys in chunks are not", () => {
  const attachments = loaded('48 91 01"1" 4e 01"n" 79 91 01"l" 52 0001"C" 01"d" 01"c" 01"k" 01"v" 5a');
  expect(attachments.size).toBe(5);
  expect([attachments.get("k"), attachments.keyText(0), attachments.keyText(3)]).toEqual(["v", undefined, "Cd"]);
  expect([attachments.get("Cd"), attachments.get("cd"), attachments.getIgnoreCase("cD")]).toEqual([
    "c",
    undefined,
    "c",
  ]);
  expect(attachments.toRecord()).toEqual({ Cd: "c", k: "v" });
});

test("a map with a class is a map", () => {
  expect(loaded('4d 17"java.util.LinkedHashMap" 01"k" 01"v" 5a').get("k")).toBe("v");
});

test("keys named as prototypes are ordinary keys", () => {
  const record = loaded('48 09"__proto__" 01"v" 0b"constructor" 01"w" 5a').toRecord();
  expect(Object.entries(record)).toEqual([
    ["__proto__", "v"],
    ["constructor", "w"],
  ]);
});

test("more entries than real requests have are refused", () => {
  const full = `48 ${"90 90".repeat(MAX_ATTACHMENTS)}`;
  expect(loaded(`${full} 5a`).size).toBe(MAX_ATTACHMENTS);
  expect(() => loaded(`${full} 90 90 5a`)).toThrow("more than 4096 attachments");
});
