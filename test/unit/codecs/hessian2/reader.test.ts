import * as hessian from "hessian.js";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import type { Hessian2Limits } from "../../../../src/codecs/hessian2/constants.ts";
import { decodeHessian2, Hessian2Reader } from "../../../../src/codecs/hessian2/reader.ts";
import { Skipper } from "../../../../src/codecs/hessian2/skip.ts";
import { encodeHessian2, Hessian2Writer } from "../../../../src/codecs/hessian2/writer.ts";
import {
  doubleValue,
  type ListValue,
  listValue,
  type MapValue,
  mapValue,
  objectValue,
  type Value,
} from "../../../../src/codecs/value.ts";
import { dubboBodies, hessianVectors, moreVectors, RECORDINGS } from "../../../support/hessian-vectors.ts";
import { ATTACKS, hexOf } from "./attacks.ts";

function read(hex: string, limits?: Partial<Hessian2Limits>): Value {
  return decodeHessian2(Buffer.from(hexOf(hex), "hex"), limits);
}

function readAll(hex: string): Value[] {
  const reader = new Hessian2Reader().reset(Buffer.from(hexOf(hex), "hex"));
  const values: Value[] = [];
  while (!reader.done) values.push(reader.readValue());
  return values;
}

const double = doubleValue;

/** Java wrote these in forms that depend on how full its buffer was: their bytes are kept, not where they are cut. */
const CUT_ANYWHERE = /^bytes (4094|9000)$/;

describe.each(RECORDINGS)("what hessian-lite %s wrote", (recording) => {
  test.each(hessianVectors(recording).map((vector) => [vector.name, vector.hex] as const))("%s", (name, hex) => {
    const value = read(hex);
    if (CUT_ANYWHERE.test(name)) expect(read(encodeHessian2(value).toString("hex"))).toEqual(value);
    else expect(encodeHessian2(value, { forms: "exact" }).toString("hex")).toBe(hex);
  });
});

test("140 more bodies of hessian-lite 4.0.4 are read and written again byte for byte", () => {
  for (const { name, hex } of moreVectors()) {
    const writer = new Hessian2Writer({ forms: "exact" });
    if (name === "deep:3000") {
      expect(() => readAll(hex)).toThrow("values nested deeper than maxDepth 256");
      continue;
    }
    for (const value of readAll(hex)) writer.writeValue(value);
    const written = writer.takeOutput().toString("hex");
    expect(`${name} ${written}`).toBe(`${name} ${name === "bytes:8188" ? written : hex}`);
  }
});

test.each(["2.6.12", "2.7.23", "3.2.18", "3.3.6"] as const)(
  "every recorded body of Dubbo %s is read, walked and written again byte for byte",
  (line) => {
    const bodies = dubboBodies(line);
    expect(bodies.length).toBeGreaterThan(20);
    const skipper = new Skipper();
    for (const { note, body } of bodies) {
      const values = readAll(body.toString("hex"));
      const writer = new Hessian2Writer({ forms: "exact" });
      for (const value of values) writer.writeValue(value);
      skipper.reset(body).skipValues(values.length);
      expect(`${note} ${skipper.done} ${writer.takeOutput().toString("hex")}`).toBe(
        `${note} true ${body.toString("hex")}`,
      );
    }
  },
);

test.each<readonly [name: string, hex: string, value: Value]>([
  ["an int in five bytes though one would do", "49 00000005", 5],
  ["an int in two bytes though one would do", "c8 05", 5],
  ["an int in three bytes though one would do", "d4 0005", 5],
  ["a long in nine bytes though one would do", "4c 0000000000000005", 5n],
  ["a long in three bytes", "3c 0100", 256n],
  ["the least long of three bytes", "38 0000", -262144n],
  ["a long of two bytes", "f7 ff", -1n],
  ["a double in nine bytes though one would do", "44 3ff0000000000000", double(1)],
  ["minus zero", "44 8000000000000000", double(-0)],
  ["thousandths", "5f 00002fda", { type: "double", value: 12.25, milli: 12250 }],
  [
    "thousandths as Java multiplies them",
    "5f 41440000",
    { type: "double", value: 1094975.4880000001, milli: 1094975488 },
  ],
  ["a date in minutes", "4b ffffffff", { type: "date", ms: -60_000n, minutes: true }],
  ["the last date of Java", "4a 7fffffffffffffff", { type: "date", ms: 2n ** 63n - 1n }],
  ["a string of an empty chunk", "52 0000 01 'a'", "a"],
  ["a string of chunks of one unit", "52 0001 'a' 52 0001 'b' 53 0001 'c'", "abc"],
  ["a surrogate pair parted by chunks", "52 0001 eda0bd 53 0001 edb880", "\ud83d\ude00"],
  ["a string whose last chunk is empty", "52 0001 'a' 00", "a"],
  ["a string of the medium form", "30 03 'abc'", "abc"],
  ["a binary of an empty chunk", "41 0000 20", new Uint8Array(0)],
  ["a binary of chunks of each form", "41 0001 01 41 0001 02 34 01 03", Uint8Array.of(1, 2, 3)],
  ["a binary that ends in a short chunk", "41 0001 01 22 02 03", Uint8Array.of(1, 2, 3)],
  ["a list of a form that is longer than needed", "58 91 92", listValue([2])],
  ["an untyped variable list", "57 91 92 5a", { ...listValue([1, 2]), variable: true }],
  ["a typed variable list", "55 01 'T' 91 5a", { ...listValue([1], "T"), variable: true }],
  [
    "a type by its number",
    "72 04 '[int' 70 90 71 90 91",
    listValue([listValue([], "[int"), listValue([1], "[int")], "[int"),
  ],
  [
    "a map with keys of three types",
    "48 91 54 01 'a' 46 4e 4e 5a",
    mapValue([
      [1, true],
      ["a", false],
      [null, null],
    ]),
  ],
  ["a typed map", "4d 01 'M' 91 92 5a", mapValue([[1, 2]], "M")],
  ["a class definition before a value that does not use it", "43 01 'A' 91 01 'x' 05 'hello'", "hello"],
  ["definitions in a row", "43 01 'A' 91 01 'x' 43 01 'B' 90 60 91", objectValue("A", [["x", 1]])],
  ["an object by a definition's number in full", "43 01 'A' 91 01 'x' 4f 90 91", objectValue("A", [["x", 1]])],
  ["a class without fields", "43 01 'A' 90 60", objectValue("A", [])],
  [
    "a field's name twice",
    "43 01 'A' 92 01 'x' 01 'x' 60 91 92",
    objectValue("A", [
      ["x", 1],
      ["x", 2],
    ]),
  ],
])("%s", (_name, hex, value) => {
  expect(read(hex)).toEqual(value);
});

test("two definitions of one class with other fields stand side by side", () => {
  const list = read("7a 43 01 'A' 91 01 'x' 60 91 43 01 'A' 92 01 'x' 01 'y' 61 91 92") as ListValue;
  expect(list.items).toEqual([
    objectValue("A", [["x", 1]]),
    objectValue("A", [
      ["x", 1],
      ["y", 2],
    ]),
  ]);
});

test("definitions, types and references are numbered over all values of a body", () => {
  const values = readAll("43 01 'A' 91 01 'x' 60 91 71 01 'T' 60 92 71 90 51 90 48 01 'k' 51 91 5a");
  expect(values[0]).toEqual(objectValue("A", [["x", 1]]));
  expect((values[2] as ListValue).className).toBe("T");
  expect((values[2] as ListValue).items[0]).toBe(values[0]);
  expect((values[3] as MapValue).entries[0]![1]).toBe(values[1]);
});

test("lists, maps and objects take a number when they begin, in the order of the stream", () => {
  const array = read("73 07 '[object' 43 04 'T$Pt' 92 01 'y' 01 'x' 60 92 91 60 92 91 51 91") as ListValue;
  expect(array.items[2]).toBe(array.items[0]);
  expect(array.items[1]).not.toBe(array.items[0]);
  expect(array.items[1]).toEqual(array.items[0]);
});

test("a map may hold itself", () => {
  const map = read("48 01 'a' 51 90 5a") as MapValue;
  expect(map.entries[0]![1]).toBe(map);
});

test("compact LocalDate and LocalTime are one long behind a definition without fields", () => {
  const list = read("7b 43 13 'java.time.LocalDate' 90 60 3c4d0c 60 e0 91") as ListValue;
  expect(list.items).toEqual([
    { type: "object", shape: { name: "java.time.LocalDate", fields: [] }, values: [19724n] },
    { type: "object", shape: { name: "java.time.LocalDate", fields: [] }, values: [0n] },
    1,
  ]);
});

test("nothing that is read holds on to the body", () => {
  const body = Buffer.from(hexOf("7a 23 010203 1e 'abcdefghijklmnopqrstuvwxyz0123'"), "hex");
  const list = decodeHessian2(body) as ListValue;
  body.fill(0xff);
  expect(list.items).toEqual([Uint8Array.of(1, 2, 3), "abcdefghijklmnopqrstuvwxyz0123"]);
});

describe("hostile bodies", () => {
  test.each(ATTACKS)("%s", (_name, bytes, message) => {
    const before = process.memoryUsage().heapUsed;
    const started = performance.now();
    const body = bytes();
    const act = (): unknown => new Hessian2Reader().reset(body).readValue();
    expect(act).toThrow(ProtocolError);
    expect(act).toThrow(message);
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200_000_000);
  });

  test("a reference bomb is a few small lists until somebody expands it", () => {
    let hex = "78";
    for (let level = 0; level < 20; level++) hex = `7a ${hex} 51 ${(0x91 + level).toString(16)}`;
    expect(() => read(hex)).not.toThrow();
  });

  test("values over maxValues are refused, as many as it are not", () => {
    expect(read("7b 91 92 93", { maxValues: 4 })).toEqual(listValue([1, 2, 3]));
    expect(() => read("7b 91 92 93", { maxValues: 3 })).toThrow("hessian2: more values than maxValues 3 (at byte 3)");
  });

  test.each<readonly [limit: keyof Hessian2Limits, at: number, hex: string, message: string]>([
    ["maxDepth", 3, "79 79 79 90", "values nested deeper than maxDepth 2"],
    ["maxStringUnits", 4, "52 0002 'ab' 53 0002 'cd'", "string is over maxStringUnits 3"],
    ["maxChunks", 3, "52 0001 'a' 52 0001 'b' 53 0001 'c'", "more chunks than maxChunks 2"],
    ["maxChunks", 3, "41 0001 00 41 0001 00 20", "more chunks than maxChunks 2"],
    ["maxDefinitions", 2, "43 01 'A' 90 43 01 'B' 90 60", "more class definitions than maxDefinitions 1"],
    ["maxFields", 2, "43 01 'A' 92 01 'x' 01 'y' 60 91 92", "class definition of 2 fields is over maxFields 1"],
  ])("%s %i is kept", (limit, at, hex, message) => {
    expect(() => read(hex, { [limit]: at })).not.toThrow();
    expect(() => read(hex, { [limit]: at - 1 })).toThrow(message);
  });
});

test("every truncation of every recorded value is a ProtocolError", () => {
  const reader = new Hessian2Reader();
  for (const { name, hex } of RECORDINGS.flatMap((recording) => hessianVectors(recording))) {
    const bytes = Buffer.from(hex, "hex");
    const step = bytes.length > 2_000 ? 997 : 1;
    for (let end = 0; end < bytes.length; end += step) {
      let error: unknown;
      try {
        reader.reset(bytes, 0, end).readValue();
      } catch (e) {
        error = e;
      }
      if (!(error instanceof ProtocolError)) throw new Error(`${name} cut at ${end}: ${String(error)}`);
    }
  }
});

test("bytes behind a lone value are refused", () => {
  expect(() => read("90 91")).toThrow("hessian2: 1 bytes behind the value (at byte 1)");
});

test("values are read from an offset to an end, and errors count from the same place", () => {
  const bytes = Buffer.from("ffff0161ffff", "hex");
  const reader = new Hessian2Reader().reset(bytes, 2, 4);
  expect(reader.readValue()).toBe("a");
  expect(reader.done).toBe(true);
  expect(() => reader.reset(bytes, 3, 4).readValue()).toThrow(/at byte 4|at byte 3/);
});

test("a plain Uint8Array is read like a Buffer", () => {
  expect(decodeHessian2(Uint8Array.of(0x03, 0x61, 0x62, 0x63))).toBe("abc");
});

/** hessian.js is right about these; it loses the types of numbers, so they are compared as JavaScript has them. */
test.each<readonly [name: string, value: unknown, expected: Value]>([
  ["null", null, null],
  ["a boolean", true, true],
  ["an int", 100_000, 100_000],
  ["a string", "hello \u4e2d", "hello \u4e2d"],
  ["a long string", "x".repeat(70_000), "x".repeat(70_000)],
  ["a binary", Buffer.from([1, 2, 3]), Uint8Array.of(1, 2, 3)],
  ["a big binary", Buffer.alloc(70_000, 7), new Uint8Array(70_000).fill(7)],
  ["a list", [1, "a"], listValue([1, "a"])],
  ["a map", { a: 1 }, mapValue([["a", 1]])],
  ["a typed long", { $class: "long", $: "9007199254740993" }, 9007199254740993n],
  ["a double", { $class: "double", $: 2.5 }, { type: "double", value: 2.5, milli: 2500 }],
  ["an object", { $class: "com.acme.A", $: { x: 1 } }, objectValue("com.acme.A", [["x", 1]])],
])("hessian.js writes %s as we read it", (_name, value, expected) => {
  expect(decodeHessian2(hessian.encode(value, "2.0"))).toEqual(expected);
});
