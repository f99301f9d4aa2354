import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { decodeFastjson2, Fastjson2Reader } from "../../../../src/codecs/fastjson2/reader.ts";
import { Fastjson2Skipper } from "../../../../src/codecs/fastjson2/skip.ts";
import { encodeFastjson2 } from "../../../../src/codecs/fastjson2/writer.ts";
import { valueToJson } from "../../../../src/codecs/hessian2/json.ts";
import { printJson } from "../../../../src/codecs/json-text.ts";
import { fieldOf, type ListValue, type MapValue, type ObjectValue } from "../../../../src/codecs/value.ts";
import { fastjson2Vector, fastjson2Vectors } from "../../../support/fastjson2-vectors.ts";
import { mutate, seeded } from "../../../support/mutate.ts";

const vectors = fastjson2Vectors();
const json = (name: string): string => printJson(valueToJson(decodeFastjson2(fastjson2Vector(name))));
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

test("reads every recorded value, and the same from its own bytes", () => {
  for (const { name, hex: bytes } of vectors) {
    const value = decodeFastjson2(Buffer.from(bytes, "hex"));
    expect(decodeFastjson2(encodeFastjson2(value)), name).toEqual(value);
  }
});

test.each([
  ["int -262145", "-262145"],
  ["long 9007199254740993", '"9007199254740993"'],
  ["double 2.0", "2.0"],
  ["double 0.1", "0.1"],
  ["float 1.1", "1.1"],
  ["decimal 1.10", '"1.10"'],
  ["decimal 1E+30", '"1E+30"'],
  ["decimal 123456789.123456789123456789", '"123456789.123456789123456789"'],
  ["integer -18446744073709551616", '"-18446744073709551616"'],
  ["date -62135596800000", '"0001-01-01T00:00:00.000Z"'],
  ["string emoji", '"a😀b"'],
  ["string chinese", '"中文字符"'],
  ["enum", '"RED"'],
  ["class", '"java.lang.String"'],
  ["LocalTime", '"23:59:58.123456789"'],
  ["Instant before 1970", '"1969-12-31T23:59:59.500Z"'],
  ["OffsetDateTime", '"2024-02-29T07:05:09+08:00"'],
  ["int[][]", "[[1],[],[2,3]]"],
  ["maps in lists in maps", '{"l":[{"n":[]}]}'],
])("reads %s", (name, text) => {
  const shown = json(name);
  expect(shown === text || `"${shown}"` === text).toBe(true);
});

test("reads a class with its nested objects, which have no class of their own", () => {
  const node = decodeFastjson2(fastjson2Vector("Node chain")) as ObjectValue;
  expect(node.shape).toEqual({ name: "com.acme.wire.Types$Node", fields: ["children", "name", "next"] });
  const next = fieldOf(node, "next") as MapValue;
  expect([next.type, next.className]).toEqual(["map", null]);
});

test("one Java object is one object here, cycles too", () => {
  const twice = decodeFastjson2(fastjson2Vector("Node shared")) as ObjectValue;
  const children = fieldOf(twice, "children") as ListValue;
  expect(children.items[0]).toBe(children.items[1]);
  expect(fieldOf(twice, "next")).toBe(children.items[0]);
  const self = decodeFastjson2(fastjson2Vector("map holding itself")) as MapValue;
  expect(self.entries[0]![1]).toBe(self);
  const loop = decodeFastjson2(fastjson2Vector("Node cycle")) as ObjectValue;
  expect(((fieldOf(loop, "next") as MapValue).entries.at(-1) as unknown[])[1]).toBe(loop);
});

test.each([
  ["nothing", "", "value is cut off"],
  ["an unknown tag", "80", "unknown tag 0x80"],
  ["an end alone", "a5", "end of an object outside one"],
  ["an array that lies", "a4 48 7fffffff", "array of length 2147483647 is cut off"],
  ["an array under 0", "a4 ff", "array of length -1"],
  ["a binary that lies", "91 48 7fffffff", "binary of length 2147483647 is cut off"],
  ["a string that lies", "7a 48 7fffffff", "string of length 2147483647 is cut off"],
  ["half a unit", "7c 01 61", "UTF-16 string of 1 bytes"],
  ["a symbol that no one made", "7f 05", "symbol 5 is not known"],
  ["a type of a type", "92 4a61 00 92 00 01", "type of a type"],
  ["a field whose name is a number", "92 4a61 00 a6 7f 4a62 01 01 02 03 a5", "field name is no text"],
  ["a reference to nowhere", "95 93 50 245b305d5b395d", "leads nowhere"],
  ["a reference in nothing", "93 4a24", "leads nowhere"],
  ["no such nanosecond", "a7 000000 48 7fffffff", "time of 2147483647 ns"],
  ["an instant beyond time", "ae be 7fffffffffffffff 00", "instant of"],
  ["a number of no bytes", "bb 00", "number of 0 bytes"],
  ["bytes behind", "01 02", "1 bytes behind the value"],
])("refuses %s", (_name, bytes, message) => {
  expect(() => decodeFastjson2(hex(bytes))).toThrow(ProtocolError);
  expect(() => decodeFastjson2(hex(bytes))).toThrow(message);
});

describe("limits", () => {
  test.each([
    ["depth", "95 95 95 94", { maxDepth: 3 }, "values nested deeper than maxDepth 3"],
    ["values", "96 01 02", { maxValues: 2 }, "more values than maxValues 2"],
    ["string", "4b 6161", { maxStringBytes: 1 }, "string of 2 bytes is over maxStringBytes 1"],
    ["symbols", "96 7f 4a61 00 7f 4a62 01", { maxSymbols: 1 }, "more symbols than maxSymbols 1"],
    ["references", "97 94 93 4d 245b305d 93 4d 245b305d", { maxReferenceSteps: 3 }, "maxReferenceSteps 3"],
  ])("of %s", (_name, bytes, limits, message) => {
    expect(() => decodeFastjson2(hex(bytes), limits)).toThrow(message);
    expect(() => decodeFastjson2(hex(bytes))).not.toThrow();
  });

  test("hold for the deepest nesting there can be", () => {
    const deep = Buffer.alloc(1_000_000, 0x95);
    expect(() => decodeFastjson2(deep, { maxDepth: 1e9 })).toThrow("maxDepth 1024");
  });
});

test("a long path that is said again in four bytes costs its length", () => {
  const name = Buffer.alloc(60_000, 0x61);
  const text = (bytes: Buffer): Buffer[] => [
    Buffer.from([0x79, 0x48, 0, 0, bytes.length >> 8, bytes.length & 0xff]),
    bytes,
  ];
  const again = (count: number): Buffer =>
    Buffer.concat([
      Buffer.from("a6", "hex"),
      ...text(name),
      hex("94 4a78 a4 48 0000"),
      Buffer.from([(count + 1) >> 8, (count + 1) & 0xff, 0x93]),
      ...text(Buffer.concat([Buffer.from("$."), name])),
      Buffer.alloc(count * 5, hex("93 4c 232d31")),
      hex("a5"),
    ]);
  expect((decodeFastjson2(again(100)) as MapValue).entries).toHaveLength(2);
  expect(() => decodeFastjson2(again(60_000))).toThrow("maxReferenceSteps");
});

test("every truncation of every recorded value is refused, in the same way by the walker", () => {
  for (const { name, hex: text } of vectors) {
    const bytes = Buffer.from(text, "hex");
    const step = Math.max(1, bytes.length >> 6);
    for (let end = 0; end < bytes.length; end += step) {
      expect(() => new Fastjson2Reader().reset(bytes, 0, end).readValue(), name).toThrow(ProtocolError);
      expect(() => new Fastjson2Skipper().reset(bytes, 0, end).skipValue(), name).toThrow(ProtocolError);
    }
  }
});

test("mutants give values or ProtocolErrors, and what is read is walked to the same place", () => {
  const corpus = vectors.map((vector) => Buffer.from(vector.hex, "hex")).filter((bytes) => bytes.length < 1_000);
  const below = seeded(11);
  let read = 0;
  for (let run = 0; run < 6_000; run++) {
    const mutant = mutate(corpus[below(corpus.length)]!, corpus, [0x7f, 0x92, 0x93, 0xa4, 0xa6, 0xa5], below);
    const reader = new Fastjson2Reader().reset(mutant);
    try {
      const value = reader.readValue();
      read++;
      const skipper = new Fastjson2Skipper().reset(mutant);
      skipper.skipValue();
      expect(skipper.offset).toBe(reader.offset);
      encodeFastjson2(value);
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
    }
  }
  expect(read).toBeGreaterThan(1_000);
});
