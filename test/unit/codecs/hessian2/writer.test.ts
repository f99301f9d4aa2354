import * as hessian from "hessian.js";
import java from "js-to-java";
import { describe, expect, test } from "vitest";
import { decodeHessian2 } from "../../../../src/codecs/hessian2/reader.ts";
import { encodeHessian2, Hessian2Writer, type Hessian2WriterOptions } from "../../../../src/codecs/hessian2/writer.ts";
import {
  dateValue,
  doubleValue,
  type ListValue,
  listValue,
  type MapValue,
  mapValue,
  objectValue,
  type Value,
} from "../../../../src/codecs/value.ts";
import { hexOf } from "./attacks.ts";

function hexWritten(value: Value, options?: Hessian2WriterOptions): string {
  return encodeHessian2(value, options).toString("hex");
}

test.each<readonly [name: string, value: Value, hex: string]>([
  ["a list of 7", listValue([1, 1, 1, 1, 1, 1, 1]), `7f${"91".repeat(7)}`],
  ["a list of 8", listValue([1, 1, 1, 1, 1, 1, 1, 1]), `5898${"91".repeat(8)}`],
  ["an array", listValue([1], "[int"), hexOf("71 04 '[int' 91")],
  ["an array of 8", listValue(Array(8).fill(0), "[int"), hexOf("56 04 '[int' 98 90 90 90 90 90 90 90 90")],
  ["a type twice", listValue([listValue([], "T"), listValue([], "T")]), hexOf("7a 70 01 'T' 70 90")],
  [
    "a map",
    mapValue([
      ["a", 1],
      [2, null],
    ]),
    hexOf("48 01 'a' 91 92 4e 5a"),
  ],
  ["a typed map", mapValue([], "M"), hexOf("4d 01 'M' 5a")],
  ["an iterator", { type: "list", className: null, items: [1], variable: true }, "57915a"],
  ["an object", objectValue("A", [["x", 1]]), hexOf("43 01 'A' 91 01 'x' 60 91")],
  [
    "objects of one class",
    listValue([objectValue("A", [["x", 1]]), objectValue("A", [["x", 2]])]),
    hexOf("7a 43 01 'A' 91 01 'x' 60 91 60 92"),
  ],
  [
    "one class with other fields",
    listValue([objectValue("A", [["x", 1]]), objectValue("A", [["y", 2]])]),
    hexOf("7a 43 01 'A' 91 01 'x' 60 91 43 01 'A' 91 01 'y' 61 92"),
  ],
])("%s is written in its shortest form that all readers share", (_name, value, hex) => {
  expect(hexWritten(value)).toBe(hex);
  expect(hexWritten(decodeHessian2(Buffer.from(hex, "hex")))).toBe(hex);
});

test("an object that is met again becomes a reference, an equal one does not", () => {
  const shared = listValue(["x"]);
  expect(hexWritten(listValue([shared, shared, listValue(["x"])]))).toBe(hexOf("7b 79 01 'x' 51 91 79 01 'x'"));
});

test("a cycle is written as references to what has begun", () => {
  const map: MapValue = mapValue([]);
  map.entries.push(["self", map]);
  expect(hexWritten(map)).toBe(hexOf("48 04 'self' 51 90 5a"));
});

test("the seventeenth class is numbered in full", () => {
  const objects = Array.from({ length: 17 }, (_, i) => objectValue(`C${i}`, []));
  expect(hexWritten(listValue(objects)).slice(-20)).toBe(hexOf("90 6f 43 03 'C16' 90 4f a0"));
});

test("definitions, types and references are kept over all values of a body, and dropped with it", () => {
  const writer = new Hessian2Writer();
  const object = objectValue("A", [["x", 1]]);
  writer
    .writeValue(object)
    .writeString("s")
    .writeValue(object)
    .writeValue(objectValue("A", [["x", 2]]));
  expect(writer.takeOutput().toString("hex")).toBe(hexOf("43 01 'A' 91 01 'x' 60 91 01 's' 51 90 60 92"));
  writer.writeValue(object);
  expect(writer.takeOutput().toString("hex")).toBe(hexOf("43 01 'A' 91 01 'x' 60 91"));
});

describe("forms", () => {
  const read = (hex: string): Value => decodeHessian2(Buffer.from(hex, "hex"));

  test("exact repeats thousandths and minutes that were read, plain does not", () => {
    expect(hexWritten(read("5f00002fda"), { forms: "exact" })).toBe("5f00002fda");
    expect(hexWritten(read("5f00002fda"))).toBe("444028800000000000");
    expect(hexWritten(read("4b00000001"), { forms: "exact" })).toBe("4b00000001");
    expect(hexWritten(read("4b00000001"))).toBe("4a000000000000ea60");
  });

  test("exact keeps two equal definitions apart, plain writes one", () => {
    const hex = hexOf("7a 43 01 'A' 90 60 43 01 'A' 90 61");
    expect(hexWritten(read(hex), { forms: "exact" })).toBe(hex);
    expect(hexWritten(read(hex))).toBe(hexOf("7a 43 01 'A' 90 60 60"));
  });

  test("java drops the sign of minus zero as hessian-lite does", () => {
    expect(hexWritten(doubleValue(-0), { forms: "java" })).toBe("5b");
  });
});

describe("limits", () => {
  test("a body over maxBytes is refused", () => {
    expect(hexWritten("abc", { maxBytes: 4 })).toBe("03616263");
    expect(() => hexWritten("abcd", { maxBytes: 4 })).toThrow("hessian2: body grows over maxBytes 4");
    const big = listValue(Array(100_000).fill("x".repeat(100)));
    expect(() => hexWritten(big, { maxBytes: 100_000 })).toThrow("body grows over maxBytes 100000");
  });

  test("values nested over maxDepth are refused", () => {
    expect(hexWritten(listValue([listValue([])]), { maxDepth: 2 })).toBe("7978");
    expect(() => hexWritten(listValue([listValue([])]), { maxDepth: 1 })).toThrow(
      "hessian2: values nested deeper than maxDepth 1",
    );
  });

  test("1,024 levels are written and read without running out of stack", () => {
    let list: ListValue = listValue([]);
    for (let i = 1; i < 1024; i++) list = listValue([list]);
    const bytes = encodeHessian2(list, { maxDepth: 1024 });
    expect(bytes.length).toBe(1024);
    expect(() => decodeHessian2(bytes, { maxDepth: 1024 })).not.toThrow();
  });

  test.each<readonly [name: string, value: Value, message: string]>([
    ["a fraction", 1.5, "1.5 is no int of 32 bits; a fraction is written as a double"],
    ["2^31", 2 ** 31, "2147483648 is no int of 32 bits"],
    ["NaN", Number.NaN, "NaN is no int of 32 bits"],
    ["2^63", 2n ** 63n, "9223372036854775808 is no long of 64 bits"],
    [
      "an object with a value too few",
      { type: "object", shape: { name: "A", fields: ["x"] }, values: [] },
      "A has 1 fields and 0 values",
    ],
  ])("%s is refused", (_name, value, message) => {
    expect(() => encodeHessian2(value)).toThrow(RangeError);
    expect(() => encodeHessian2(value)).toThrow(message);
  });
});

/** What hessian.js reads right: it makes JavaScript values, so types of numbers don't show. */
test.each<readonly [name: string, value: Value, expected: unknown]>([
  ["null", null, null],
  ["an int", 100_000, 100_000],
  ["a small long", 5n, 5],
  ["a long beyond 2^53", 9007199254740993n, "9007199254740993"],
  ["a double", doubleValue(2.5), 2.5],
  ["a string of chunks", "\u4e2d".repeat(40_000), "\u4e2d".repeat(40_000)],
  ["a binary", Uint8Array.of(1, 2, 3), Buffer.from([1, 2, 3])],
  ["a date", dateValue(1700000000123), new Date(1700000000123)],
  ["a list", listValue([1, "a", null]), [1, "a", null]],
  ["an array", listValue([1, 2], "[int"), [1, 2]],
  [
    "an object",
    objectValue("com.acme.A", [
      ["x", 1],
      ["y", listValue([])],
    ]),
    { x: 1, y: [] },
  ],
])("hessian.js reads %s as it was written", (_name, value, expected) => {
  expect(hessian.decode(encodeHessian2(value), "2.0")).toEqual(expected);
});

test.each<readonly [name: string, value: unknown, ours: Value]>([
  ["an int", java.int(5), 5],
  ["a long", java.long(5), 5n],
  ["a string", java.String("a"), "a"],
  ["a boolean", java.boolean(true), true],
  ["an object", java("com.acme.A", { x: java.int(1) }), objectValue("com.acme.A", [["x", 1]])],
])("js-to-java and hessian.js write %s as we do", (_name, value, ours) => {
  expect(hexWritten(ours)).toBe(hessian.encode(value, "2.0").toString("hex"));
});
