import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { type ToJsonOptions, valueToJson } from "../../../../src/codecs/hessian2/json.ts";
import { decodeHessian2 } from "../../../../src/codecs/hessian2/reader.ts";
import { exceptionValue } from "../../../../src/codecs/hessian2/throwable.ts";
import { jsonToPlain, printJson } from "../../../../src/codecs/json-text.ts";
import {
  dateValue,
  doubleValue,
  floatValue,
  type ListValue,
  listValue,
  type MapValue,
  mapValue,
  objectValue,
  type Value,
} from "../../../../src/codecs/value.ts";
import { hessianVectors, RECORDINGS, type Recording } from "../../../support/hessian-vectors.ts";

function json(value: Value, options?: ToJsonOptions): string {
  return printJson(valueToJson(value, options));
}

/** Where what Java wrote is not what it was given: the bytes say this, or cannot be shown. */
const LOST: Readonly<Record<Recording, Readonly<Record<string, string | RegExp>>>> = {
  "3.2.13": {
    "double -0.0": "0.0",
    "double 1094975.4880000001": "1094975.488",
    "inet address": "{}",
    "List.of": /java\.util\.CollSer: the sender's hessian-lite 3\.2 left out the elements/,
    "Set.of": /java\.util\.CollSer/,
    "Map.of": /java\.util\.CollSer/,
  },
  "4.0.4": { "double -0.0": "0.0", "double 1094975.4880000001": "1094975.488" },
  "4.0.4-compact": {},
};

describe.each(RECORDINGS)("what hessian-lite %s wrote", (recording) => {
  test.each(hessianVectors(recording).map((vector) => [vector.name, vector] as const))("%s", (name, vector) => {
    const value = decodeHessian2(Buffer.from(vector.hex, "hex"));
    const lost = LOST[recording][name];
    const plain = jsonToPlain(vector.json);
    if (lost instanceof RegExp) expect(() => json(value)).toThrow(lost);
    else if (lost !== undefined) expect(json(value)).toBe(lost);
    else if (printJson(vector.json) === '{"$cycle":true}')
      expect(() => json(value)).toThrow("contains itself, which JSON cannot say");
    else expect(jsonToPlain(valueToJson(value))).toEqual(plain);
  });
});

test.each<readonly [name: string, value: Value, options: ToJsonOptions, text: string]>([
  ["a long of 2^53-1", 9007199254740991n, {}, "9007199254740991"],
  ["a long of 2^53", 9007199254740992n, {}, '"9007199254740992"'],
  ["a long of -2^53", -9007199254740992n, {}, '"-9007199254740992"'],
  ["a big long in digits", 9007199254740993n, { longs: "digits" }, "9007199254740993"],
  ["a small long as a string", 5n, { longs: "strings" }, '"5"'],
  ["a double without a fraction", doubleValue(2), {}, "2.0"],
  ["a big double", doubleValue(1e300), {}, "1e+300"],
  ["minus zero", doubleValue(-0), {}, "-0.0"],
  ["NaN", doubleValue(Number.NaN), {}, '"NaN"'],
  ["infinity", doubleValue(-Infinity), {}, '"-Infinity"'],
  [
    "thousandths, as a person writes them",
    { type: "double", value: 1094975.4880000001, milli: 1094975488 },
    {},
    "1094975.488",
  ],
  ["a float", floatValue(1.1), {}, "1.1"],
  ["a char", { type: "char", value: "x" }, {}, '"x"'],
  ["bytes", Uint8Array.of(1, 2, 255), {}, '"AQL/"'],
  ["a date", dateValue(0), {}, '"1970-01-01T00:00:00.000Z"'],
  ["a date in ms", dateValue(1700000000123), { dates: "ms" }, "1700000000123"],
  ["a date that no calendar of JavaScript has", dateValue(2n ** 62n), {}, '"4611686018427387904"'],
  [
    "a map of strings",
    mapValue(
      [
        ["b", 1],
        ["a", 2],
        ["10", 3],
      ],
      "java.util.TreeMap",
    ),
    {},
    '{"b":1,"a":2,"10":3}',
  ],
  [
    "a map with another key",
    mapValue([
      ["b", 1],
      [2, "c"],
    ]),
    {},
    '[["b",1],[2,"c"]]',
  ],
  [
    "a map whose key repeats",
    mapValue([
      ["a", 1],
      ["a", 2],
    ]),
    {},
    '{"a":2}',
  ],
  [
    "a map with names of JavaScript",
    mapValue([
      ["__proto__", 1],
      ["constructor", 2],
    ]),
    {},
    '{"__proto__":1,"constructor":2}',
  ],
  ["an object", objectValue("com.acme.A", [["x", 1]]), {}, '{"x":1}'],
  [
    "an object with its class",
    objectValue("com.acme.A", [["x", 1]]),
    { classNames: true },
    '{"class":"com.acme.A","x":1}',
  ],
  ["an object with a field of a bad name", objectValue("A", [["__proto__", listValue([])]]), {}, '{"__proto__":[]}'],
  ["an enum", objectValue("com.acme.Color", [["name", "RED"]]), { classNames: true }, '"RED"'],
  ["an object with a name", objectValue("com.acme.User", [["name", "Ann"]]), {}, '{"name":"Ann"}'],
  ["an optional", objectValue("java.util.Optional", [["value", listValue([1])]]), {}, "[1]"],
  ["an empty optional", objectValue("java.util.Optional", [["value", null]]), {}, "null"],
  [
    "the smallest exception",
    exceptionValue("no"),
    {},
    '{"exceptionClass":"java.lang.RuntimeException","message":"no","cause":null,"stackTrace":[]}',
  ],
  ["a lone surrogate", "\ud800", {}, '"\\ud800"'],
])("%s", (_name, value, options, text) => {
  expect(json(value, options)).toBe(text);
});

test("a value that is met twice is written twice", () => {
  const shared = listValue([1]);
  expect(json(listValue([shared, shared]))).toBe("[[1],[1]]");
});

describe("what JSON cannot hold", () => {
  test("a cycle is refused by name, or shown as null", () => {
    const map: MapValue = mapValue([["a", 1]], "java.util.TreeMap");
    map.entries.push(["self", listValue([map])]);
    expect(() => json(map)).toThrow(ProtocolError);
    expect(() => json(map)).toThrow("java.util.TreeMap contains itself, which JSON cannot say");
    expect(json(map, { cycles: "null" })).toBe('{"a":1,"self":[null]}');
  });

  test("an optional that holds itself is a cycle too", () => {
    const optional = objectValue("java.util.Optional", [["value", null]]);
    optional.values[0] = optional;
    expect(() => json(optional)).toThrow("java.util.Optional contains itself");
  });

  test("java.time objects that hold themselves are shown with their fields, until the cycle", () => {
    const time = objectValue("com.alibaba.com.caucho.hessian.io.java8.LocalDateTimeHandle", [
      ["time", null],
      ["date", null],
    ]);
    time.values[0] = time;
    expect(json(time, { cycles: "null" })).toBe('{"time":null,"date":null}');
  });
});

describe("output is bounded", () => {
  /** 2^30 lists when it is expanded, 60 bytes on the wire. */
  function bomb(): Value {
    let list: ListValue = listValue([]);
    for (let level = 0; level < 30; level++) list = listValue([list, list]);
    return list;
  }

  test("a reference bomb ends at maxValues, soon and small", () => {
    const started = performance.now();
    const before = process.memoryUsage().heapUsed;
    expect(() => json(bomb())).toThrow("json of more values than maxValues 1000000");
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(300_000_000);
  });

  test.each<readonly [name: string, value: Value]>([
    ["text", listValue(Array(100).fill("x".repeat(100)))],
    ["bytes", listValue(Array(100).fill(new Uint8Array(100)))],
    ["names", listValue(Array(100).fill(objectValue("A", [["x".repeat(100), 1]])))],
    ["keys", listValue(Array(100).fill(mapValue([["x".repeat(100), 1]])))],
    ["longs", listValue(Array(1_000).fill(2n ** 60n))],
  ])("%s over maxChars are refused", (_name, value) => {
    expect(() => json(value, { maxChars: 5_000 })).toThrow("json grows over maxChars 5000");
    expect(() => json(value, { maxChars: 50_000 })).not.toThrow();
  });

  test("values nested over maxDepth are refused, 1,024 levels are not", () => {
    expect(() => json(listValue([listValue([])]), { maxDepth: 1 })).toThrow("values nested deeper than maxDepth 1");
    let list: ListValue = listValue([]);
    for (let i = 1; i < 1024; i++) list = listValue([list]);
    expect(json(list, { maxDepth: 1024 })).toHaveLength(2048);
  });
});
