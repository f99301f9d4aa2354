import { expect, test } from "vitest";
import {
  bigDecimalValue,
  bigIntegerOf,
  bigIntegerValue,
  bitSetValue,
  classValue,
  dateText,
  enumName,
  enumValue,
  localeValue,
  lostItsElements,
  plainOf,
} from "../../../../src/codecs/hessian2/java.ts";
import { dateValue, listValue, objectValue, type Value } from "../../../../src/codecs/value.ts";

const IO = "com.alibaba.com.caucho.hessian.io.";

test.each([0n, 1n, -1n, 2n ** 31n, 2n ** 32n, -(2n ** 64n), 123456789012345678901234567890n])(
  "the BigInteger %s is made and read back",
  (value) => {
    expect(bigIntegerOf(bigIntegerValue(value))).toBe(value);
  },
);

test.each<readonly [name: string, signum: Value, mag: Value]>([
  ["a sign that is a string", "1", listValue([1], "[int")],
  ["no magnitude", 1, null],
  ["a magnitude of longs", 1, listValue([1n])],
  ["a magnitude of 64 KiB digits and more", 1, listValue(Array(10_000).fill(-1))],
])("a BigInteger with %s is an object like any other", (_name, signum, mag) => {
  const object = objectValue("java.math.BigInteger", [
    ["signum", signum],
    ["mag", mag],
  ]);
  expect(plainOf(object)).toBeUndefined();
});

test.each<readonly [name: string, object: ReturnType<typeof objectValue>, plain: Value | undefined]>([
  ["a BigDecimal", bigDecimalValue("1.10"), "1.10"],
  ["a BigDecimal without its text", objectValue("java.math.BigDecimal", [["value", 1]]), undefined],
  ["a class", classValue("int"), "int"],
  ["a locale", localeValue("zh-CN"), "zh-CN"],
  ["an enum", enumValue("com.acme.Color", "RED"), "RED"],
  ["a URI", objectValue("java.net.URI", [["string", "a:b"]]), "a:b"],
  [
    "a calendar",
    objectValue(`${IO}CalendarHandle`, [
      ["type", null],
      ["date", dateValue(5)],
    ]),
    dateValue(5),
  ],
  ["a timestamp", objectValue("java.sql.Timestamp", [["value", dateValue(5)]]), dateValue(5)],
  ["a timestamp without its date", objectValue("java.sql.Timestamp", [["value", 5]]), undefined],
  [
    "an enum set",
    objectValue(`${IO}EnumSetHandler`, [
      ["type", null],
      ["objects", listValue([1])],
    ]),
    listValue([1]),
  ],
  ["a bit set", objectValue(`${IO}BitSetHandle`, [["words", listValue([5n, -(2n ** 63n)])]]), listValue([0, 2, 127])],
  [
    "a bit set of half a megabyte",
    objectValue(`${IO}BitSetHandle`, [["words", listValue(Array(5000).fill(-1n))]]),
    undefined,
  ],
  ["an atomic boolean", objectValue("java.util.concurrent.atomic.AtomicBoolean", [["value", 1]]), true],
  [
    "an atomic boolean of another shape",
    objectValue("java.util.concurrent.atomic.AtomicBoolean", [["x", 1]]),
    undefined,
  ],
  [
    "an address",
    objectValue("java.net.InetAddress", [["holder", objectValue("H", [["address", -1]])]]),
    "255.255.255.255",
  ],
  ["a class of the user's", objectValue("com.acme.A", [["x", 1]]), undefined],
])("%s is shown as what it means", (_name, object, plain) => {
  expect(plainOf(object)).toEqual(plain);
});

test.each<readonly [name: string, object: ReturnType<typeof objectValue>, constant: string | undefined]>([
  ["capitals", enumValue("A", "RED_2"), "RED_2"],
  ["a person's name", objectValue("com.acme.User", [["name", "Ann"]]), undefined],
  [
    "a name among other fields",
    objectValue("com.acme.User", [
      ["name", "ANN"],
      ["age", 1],
    ]),
    undefined,
  ],
  ["a field of another name", objectValue("com.acme.A", [["code", "RED"]]), undefined],
  ["null", objectValue("com.acme.A", [["name", null]]), undefined],
  ["a class of the JDK's", classValue("INT"), undefined],
])("%s: whether that is an enum", (_name, object, constant) => {
  expect(enumName(object)).toBe(constant);
});

test("java.util.CollSer is known to have lost its elements", () => {
  expect(lostItsElements(objectValue("java.util.CollSer", [["tag", 1]]))).toBe(true);
  expect(lostItsElements(objectValue("java.util.HashSet", []))).toBe(false);
});

test.each([
  [0n, "1970-01-01T00:00:00.000Z"],
  [253402300800000n, "+10000-01-01T00:00:00.000Z"],
  [-62198755200000n, "-000001-01-01T00:00:00.000Z"],
  [8640000000000001n, undefined],
])("the date %i is %s", (ms, text) => {
  expect(dateText(dateValue(ms))).toBe(text);
});

test("a bit set keeps its bits and takes none beyond its bound", () => {
  expect(plainOf(bitSetValue([0, 5, 63, 64, 262_143]))).toEqual(listValue([0, 5, 63, 64, 262_143]));
  for (const bit of [-1, 0.5, 262_144]) expect(() => bitSetValue([bit])).toThrow(RangeError);
});
