import { describe, expect, test } from "vitest";
import { Fastjson2ClassNames } from "../../../../src/codecs/fastjson2/class-names.ts";
import { encodeFastjson2 } from "../../../../src/codecs/fastjson2/writer.ts";
import { listValue, mapValue, objectValue } from "../../../../src/codecs/value.ts";

const text = (value: string) => Buffer.concat([Buffer.from([0x79, 0x38, value.length]), Buffer.from(value)]);
const typed = (name: string, ...value: number[]) =>
  Buffer.concat([Buffer.from([0x92]), text(name), Buffer.from([0]), Buffer.from(value)]);
const object = (...parts: Buffer[]) => Buffer.concat([Buffer.from([0xa6]), ...parts, Buffer.from([0xa5])]);
const symbol = (name: string, n: number) => Buffer.concat([Buffer.from([0x7f]), text(name), Buffer.from([n])]);

function namesIn(bytes: Uint8Array): string[] {
  const names = new Set<string>();
  new Fastjson2ClassNames().read(bytes, (name) => names.add(name));
  return [...names].sort();
}

test("classes of objects, lists and maps, within others too", () => {
  const value = objectValue("com.acme.A", [["b", listValue([objectValue("com.acme.B", [["c", null]])])]]);
  expect(namesIn(encodeFastjson2(value))).toEqual(["com.acme.A", "com.acme.B"]);
  expect(namesIn(encodeFastjson2(mapValue([["class", "com.acme.C"]])))).toEqual(["com.acme.C"]);
});

// Real fastjson2 2.0.52 makes an Optional, an enum's constant, a Date of such bytes (or fails with the class loaded).
describe("a class of which nothing is left in the value:", () => {
  const rows: [string, number[]][] = [
    ["an int", [0x05]],
    ["null", [0xaf]],
    ["a flag", [0xb1]],
    ["a long", [0xe1]],
    ["a double", [0xb2]],
    ["bytes", [0x91, 0x01, 0x07]],
    ["a BigDecimal", [0xb8, 0xe1]],
    ["a symbol", [0x7f, 0x00]],
  ];
  test.each(rows)("%s", (_, value) => {
    expect(namesIn(typed("com.acme.Gone", ...value))).toContain("com.acme.Gone");
    expect(namesIn(Buffer.concat([Buffer.from([0x95]), typed("com.acme.Gone", ...value)]))).toContain("com.acme.Gone");
  });
});

// Real fastjson2 2.0.52 makes an object of the class behind `@type` in place of the bean's own, where it fits.
test("a class that a bean's bytes name under @type", () => {
  const bytes = object(symbol("@type", 1), symbol("com.acme.Sub", 2));
  expect(namesIn(bytes)).toEqual(["com.acme.Sub"]);
  expect(namesIn(typed("com.acme.Base", ...bytes))).toEqual(["com.acme.Base", "com.acme.Sub"]);
  expect(namesIn(object(text("@type"), text("com.acme.Sub")))).toEqual(["com.acme.Sub"]);
});

test("bytes behind the value are refused, as are depths over the limit", () => {
  expect(() => namesIn(Buffer.from([5, 5]))).toThrow(/bytes behind the value/);
  const deep = encodeFastjson2(listValue([listValue([listValue([1])])]));
  expect(() => new Fastjson2ClassNames({ maxDepth: 2 }).read(deep, () => {})).toThrow(/maxDepth 2/);
});
