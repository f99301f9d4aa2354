import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { arrayName, type FromJsonOptions, jsonToValue } from "../../../../src/codecs/hessian2/from-json.ts";
import { valueToJson } from "../../../../src/codecs/hessian2/json.ts";
import { parseJavaType } from "../../../../src/codecs/java-types.ts";
import { parseJson, printJson } from "../../../../src/codecs/json-text.ts";
import {
  dateValue,
  doubleValue,
  floatValue,
  listValue,
  mapValue,
  objectValue,
  type Value,
} from "../../../../src/codecs/value.ts";

function value(json: string, type?: string, options?: FromJsonOptions): Value {
  return jsonToValue(parseJson(json), type, options);
}

test.each<readonly [name: string, json: string, expected: Value]>([
  ["null", "null", null],
  ["a boolean", "true", true],
  ["a string", '"a"', "a"],
  ["an int", "2147483647", 2147483647],
  ["a long", "2147483648", 2147483648n],
  ["a long whose digits a double would lose", "9007199254740993", 9007199254740993n],
  [
    "more than a long",
    "9223372036854775808",
    objectValue("java.math.BigInteger", [
      ["mag", listValue([-2147483648, 0], "[int")],
      ["signum", 1],
    ]),
  ],
  ["a fraction", "1.5", doubleValue(1.5)],
  ["a fraction of nothing", "1.0", doubleValue(1)],
  ["an exponent", "1e3", doubleValue(1000)],
  ["an array", '[1,"a"]', listValue([1, "a"])],
  [
    "an object",
    '{"b":1,"2":null}',
    mapValue([
      ["b", 1],
      ["2", null],
    ]),
  ],
  ["an object with a class", '{"class":"com.acme.A","x":1}', objectValue("com.acme.A", [["x", 1]])],
  ["an object of a class of maps", '{"class":"java.util.TreeMap","x":1}', mapValue([["x", 1]], "java.util.TreeMap")],
  [
    "an object of class Object",
    '{"class":"java.lang.Object","x":1}',
    mapValue([
      ["class", "java.lang.Object"],
      ["x", 1],
    ]),
  ],
  ["an object with __proto__", '{"__proto__":{"x":1}}', mapValue([["__proto__", mapValue([["x", 1]])]])],
])("without a type, %s", (_name, json, expected) => {
  expect(value(json)).toEqual(expected);
});

test("for generic calls the key class stays an entry", () => {
  expect(value('{"class":"com.acme.A","x":[{"class":"B"}]}', undefined, { classKey: "entry" })).toEqual(
    mapValue([
      ["class", "com.acme.A"],
      ["x", listValue([mapValue([["class", "B"]])])],
    ]),
  );
});

test.each<readonly [type: string, json: string, expected: Value]>([
  ["V", "1", null],
  ["Z", "true", true],
  ["B", "-128", -128],
  ["S", "32767", 32767],
  ["I", '"7"', 7],
  ["J", "7", 7n],
  ["java.lang.Long", "null", null],
  ["long", '"9223372036854775807"', 9223372036854775807n],
  ["F", "1.1", floatValue(1.1)],
  ["D", "7", doubleValue(7)],
  ["double", '"Infinity"', doubleValue(Infinity)],
  ["C", '"x"', { type: "char", value: "x" }],
  ["java.lang.String", '"7"', "7"],
  ["java.lang.Number", "7", 7],
  ["java.math.BigDecimal", "1.10", objectValue("java.math.BigDecimal", [["value", "1.10"]])],
  ["java.math.BigDecimal", '"1E+30"', objectValue("java.math.BigDecimal", [["value", "1E+30"]])],
  ["java.util.Date", '"1970-01-01"', dateValue(0)],
  ["java.util.Date", '"1970-01-01T00:00:01"', dateValue(1000)],
  ["java.util.Date", '"1970-01-01T01:00:00.500+01:00"', dateValue(500)],
  ["java.util.Date", "-1", dateValue(-1)],
  ["java.sql.Timestamp", "5", objectValue("java.sql.Timestamp", [["value", dateValue(5)]])],
  ["java.util.Locale", '"zh-CN"', objectValue("com.alibaba.com.caucho.hessian.io.LocaleHandle", [["value", "zh_CN"]])],
  [
    "java.util.Calendar",
    '"1970-01-01T00:00:01Z"',
    objectValue("com.alibaba.com.caucho.hessian.io.CalendarHandle", [
      ["type", null],
      ["date", dateValue(1000)],
    ]),
  ],
  [
    "java.util.EnumSet<com.acme.Color>",
    '["RED"]',
    objectValue("com.alibaba.com.caucho.hessian.io.EnumSetHandler", [
      ["type", objectValue("java.lang.Class", [["name", "com.acme.Color"]])],
      ["objects", listValue([objectValue("com.acme.Color", [["name", "RED"]])], "[object")],
    ]),
  ],
  [
    "java.util.BitSet",
    "[0,63,65]",
    objectValue("com.alibaba.com.caucho.hessian.io.BitSetHandle", [
      ["words", listValue([-9223372036854775807n, 2n], "[long")],
    ]),
  ],
  [
    "java.util.concurrent.atomic.AtomicInteger",
    "7",
    objectValue("java.util.concurrent.atomic.AtomicInteger", [["value", 7]]),
  ],
  [
    "java.util.concurrent.atomic.AtomicLong",
    "7",
    objectValue("java.util.concurrent.atomic.AtomicLong", [["value", 7n]]),
  ],
  [
    "java.util.concurrent.atomic.AtomicBoolean",
    "true",
    objectValue("java.util.concurrent.atomic.AtomicBoolean", [["value", 1]]),
  ],
  ["java.util.Optional<java.lang.Long>", "7", objectValue("java.util.Optional", [["value", 7n]])],
  ["com.acme.Color", '"RED"', objectValue("com.acme.Color", [["name", "RED"]])],
  ["[B", '"AQI="', Uint8Array.of(1, 2)],
  ["byte[]", "[1,-1]", Uint8Array.of(1, 255)],
  ["char[]", '["a","b"]', "ab"],
  ["[C", '"ab"', "ab"],
  ["[J", "[1]", listValue([1n], "[long")],
  ["int[][]", "[[1],null]", listValue([listValue([1], "[int"), null], "[[int")],
  ["[Ljava/lang/String;", '["a"]', listValue(["a"], "[string")],
  ["com.acme.User[]", '[{"x":1}]', listValue([objectValue("com.acme.User", [["x", 1]])], "[com.acme.User")],
  ["java.util.List<java.lang.Long>", "[1]", listValue([1n])],
  ["java.util.List<? extends java.lang.Number>", "[1]", listValue([1])],
  ["java.util.Set<java.lang.Double>", "[1]", listValue([doubleValue(1)], "java.util.HashSet")],
  ["java.util.LinkedList", "[1]", listValue([1], "java.util.LinkedList")],
  [
    "java.util.Map<java.lang.Long,com.acme.A>",
    '{"5":{"x":1}}',
    mapValue([[5n, objectValue("com.acme.A", [["x", 1]])]]),
  ],
  ["java.util.Map", '[[1,"a"]]', mapValue([[1, "a"]])],
  ["java.util.concurrent.ConcurrentMap", "{}", mapValue([], "java.util.concurrent.ConcurrentHashMap")],
  ["com.acme.Base", '{"class":"com.acme.Derived","x":1}', objectValue("com.acme.Derived", [["x", 1]])],
])("%s of %s", (type, json, expected) => {
  expect(value(json, type)).toEqual(expected);
});

test("fields get the types that a service's metadata declares", () => {
  const types = new Map([
    [
      "com.acme.Order",
      new Map([
        ["id", "long"],
        ["tags", "java.util.Set<java.lang.String>"],
        ["next", "com.acme.Order"],
      ]),
    ],
  ]);
  const options: FromJsonOptions = { fieldsOf: (name) => types.get(name) };
  expect(value('{"id":1,"tags":["a"],"next":{"id":2},"other":3}', "com.acme.Order", options)).toEqual(
    objectValue("com.acme.Order", [
      ["id", 1n],
      ["tags", listValue(["a"], "java.util.HashSet")],
      ["next", objectValue("com.acme.Order", [["id", 2n]])],
      ["other", 3],
    ]),
  );
});

test("objects of one class and fields share their definition", () => {
  const list = value('[{"x":1},{"x":2}]', "com.acme.A[]") as { items: { shape: unknown }[] };
  expect(list.items[0]!.shape).toBe(list.items[1]!.shape);
});

describe("what does not fit is refused with its place", () => {
  test.each([
    ["int", "2147483648", "value: expected int, found the number 2147483648"],
    ["int", "1.0", "value: expected int, found the number 1.0"],
    ["byte", "128", "value: expected byte, found the number 128"],
    ["J", "9223372036854775808", "expected long, found the number 9223372036854775808"],
    ["int", "null", "value: expected int, found null"],
    ["boolean", '"true"', 'value: expected boolean, found the string "true"'],
    ["C", '"ab"', 'expected char, found the string "ab"'],
    ["java.lang.String", "5", "value: expected java.lang.String, found the number 5"],
    ["double", '"x"', 'expected double, found the string "x"'],
    ["java.math.BigDecimal", '"1,5"', "expected java.math.BigDecimal"],
    ["java.util.Date", '"yesterday"', "expected java.util.Date"],
    ["java.util.Date", '"2024-02-31T25:00"', "expected java.util.Date"],
    ["java.util.UUID", '"x"', "expected java.util.UUID"],
    ["java.util.BitSet", "[262144]", "expected java.util.BitSet, found an array"],
    ["java.util.BitSet", "[-1]", "expected java.util.BitSet, found an array"],
    ["java.util.BitSet", "[1.5]", "expected java.util.BitSet, found an array"],
    ["java.util.BitSet", "[null]", "expected java.util.BitSet, found an array"],
    [
      "java.util.List<java.util.BitSet>",
      `[${Array(17).fill("[262143]").join()}]`,
      "value[16]: sets of bits are over 65536 words of 64 in all",
    ],
    ["java.util.EnumSet<com.acme.A>", "[1]", "expected java.util.EnumSet<com.acme.A>, found an array"],
    ["java.util.Calendar", '"yesterday"', "expected java.util.Calendar"],
    ["java.util.concurrent.atomic.AtomicInteger", "2147483648", "expected int, found the number 2147483648"],
    ["java.util.concurrent.atomic.AtomicBoolean", "1", "expected java.util.concurrent.atomic.AtomicBoolean"],
    ["java.time.LocalDate", '"29.2.2024"', "expected java.time.LocalDate"],
    ["java.time.Unknown", '"x"', "expected java.time.Unknown"],
    ["[I", "{}", "value: expected int[], found an object"],
    ["[I", '[1,"x"]', 'value[1]: expected int, found the string "x"'],
    ["[B", '"not base64!"', "expected byte[]"],
    ["java.util.List", "{}", "value: expected java.util.List, found an object"],
    ["java.util.Map", "[1]", "value: expected java.util.Map, found an array"],
    ["com.acme.A", "[]", "value: expected com.acme.A, found an array"],
    ["java.util.Map<java.lang.Long,int>", '{"x":1}', 'value key 0: expected java.lang.Long, found the string "x"'],
    ["java.util.Map<java.lang.String,int>", '{"x":null}', "value.x: expected int, found null"],
  ])("%s of %s", (type, json, message) => {
    expect(() => value(json, type)).toThrow(ProtocolError);
    expect(() => value(json, type)).toThrow(message);
  });
});

test.each([
  ["int", "int"],
  ["java.lang.String", "string"],
  ["java.lang.Object[]", "[object"],
  ["java.util.Date[][]", "[[date"],
  ["com.acme.User[]", "[com.acme.User"],
  ["java.lang.Integer[]", "[java.lang.Integer"],
])("the type %s is %s on the wire", (type, name) => {
  expect(arrayName(parseJavaType(type))).toBe(name);
});

test.each([
  ["java.time.LocalDate", '"2024-02-29"'],
  ["java.time.LocalDate", '"+12345-01-02"'],
  ["java.time.LocalDate", '"-0001-01-02"'],
  ["java.time.LocalTime", '"23:59:58.123456789"'],
  ["java.time.LocalDateTime", '"2024-02-29T07:05:09.120"'],
  ["java.time.Instant", '"2023-11-14T22:13:20.000000005Z"'],
  ["java.time.Instant", '"1969-12-31T23:59:59.500Z"'],
  ["java.time.Duration", '"PT26H3M4.005S"'],
  ["java.time.Duration", '"PT-1.5S"'],
  ["java.time.Duration", '"PT-0.5S"'],
  ["java.time.Duration", '"PT0S"'],
  ["java.time.Period", '"P1Y-2M30D"'],
  ["java.time.YearMonth", '"2024-05"'],
  ["java.time.MonthDay", '"--02-29"'],
  ["java.time.ZoneOffset", '"-01:15:21"'],
  ["java.time.ZoneOffset", '"Z"'],
  ["java.time.OffsetTime", '"07:05-05:00"'],
  ["java.time.OffsetDateTime", '"2024-02-29T07:05:09+08:00"'],
  ["java.time.ZonedDateTime", '"2024-02-29T07:05:09.000000001+08:00[Asia/Shanghai]"'],
  ["java.time.ZonedDateTime", '"2024-02-29T07:05:09.000000001+01:00"'],
  ["java.time.ZoneId", '"Europe/Berlin"'],
  ["java.math.BigInteger", '"-18446744073709551616"'],
  ["java.math.BigInteger", '"0"'],
  ["java.math.BigDecimal", '"1.10"'],
  ["java.util.UUID", '"00112233-4455-6677-8899-aabbccddeeff"'],
  ["java.util.Locale", '"zh-CN"'],
  ["java.net.URI", '"dubbo://h:1/a"'],
  ["java.lang.Class", '"int"'],
  ["java.util.Date", '"2023-11-14T22:13:20.123Z"'],
  ["com.acme.Color", '"RED"'],
])("%s of %s is shown as it was given", (type, json) => {
  expect(printJson(valueToJson(value(json, type)))).toBe(json);
});
