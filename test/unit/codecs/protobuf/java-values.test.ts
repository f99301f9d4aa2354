import { expect, test } from "vitest";
import { bigDecimalValue, bigIntegerValue } from "../../../../src/codecs/hessian2/java.ts";
import {
  fractionOf,
  integerOf,
  isInitial,
  isPlainMap,
  membersOf,
  namesOf,
  plain,
  pointOf,
  shown,
  spanOf,
  textOf,
} from "../../../../src/codecs/protobuf/java-values.ts";
import { dateValue, doubleValue, listValue, mapValue, objectValue, type Value } from "../../../../src/codecs/value.ts";

test.each<[string, Value, bigint | undefined, number | undefined, string | undefined]>([
  ["int", 5, 5n, 5, "5"],
  ["long", 9007199254740993n, 9007199254740993n, undefined, "9007199254740993"],
  ["double", doubleValue(1.5), undefined, 1.5, "1.5"],
  ["digits", "12", 12n, 12, "12"],
  ["a fraction's text", "1.50", undefined, 1.5, "1.50"],
  ["text", "x", undefined, undefined, "x"],
  ["a number beyond all", "9".repeat(401), undefined, undefined, "9".repeat(401)],
  ["true", true, undefined, undefined, undefined],
  ["null", null, undefined, undefined, undefined],
  ["bytes", new Uint8Array(1), undefined, undefined, undefined],
  ["a date", dateValue(0), 0n, undefined, "1970-01-01T00:00:00.000Z"],
  ["a list", listValue([]), undefined, undefined, undefined],
])("%s as a whole number, a number and a text", (_, value, integer, fraction, text) => {
  expect([integerOf(value), fractionOf(value), textOf(value)]).toEqual([integer, fraction, text]);
});

test("objects of Java's own are what they stand for, others themselves", () => {
  expect(plain(bigDecimalValue("1.5"))).toBe("1.5");
  expect(plain(bigIntegerValue(5n))).toBe("5");
  const held = (value: Value) => objectValue("java.util.concurrent.atomic.AtomicReference", [["value", value]]);
  expect([plain(held(null)), plain(held(bigDecimalValue("1.5")))]).toEqual([null, "1.5"]);
  const own = objectValue("a.B", [["x", 1]]);
  expect(plain(own)).toBe(own);
});

const parts = (name: string, values: Readonly<Record<string, number>>) =>
  mapValue([["class", `java.time.${name}`], ...Object.entries(values)]);
const day = { year: 2026, monthValue: 3, dayOfMonth: 7 };
const clock = { hour: 1, minute: 2, second: 3 };

test.each<[string, Readonly<Record<string, number>>, string]>([
  ["LocalDate", day, "2026-03-07"],
  ["LocalTime", { ...clock, nano: 0 }, "01:02:03"],
  ["LocalTime", { ...clock, nano: 5_000_000 }, "01:02:03.005000000"],
  ["LocalDateTime", { ...day, ...clock, nano: 5 }, "2026-03-07T01:02:03.000000005"],
  ["Instant", { epochSecond: 1_795_289_400, nano: 500_000_000 }, "2026-11-21T19:30:00.5Z"],
])("a java.time.%s in pieces is its text", (name, values, text) => {
  expect(plain(parts(name, values))).toBe(text);
});

test.each([
  ["a class of other time", parts("Period", { days: 1 })],
  ["an Instant that no Timestamp can be", parts("Instant", { epochSecond: 1e15, nano: 0 })],
  ["an Instant without its seconds", parts("Instant", { nano: 0 })],
  ["any other map", mapValue([["class", "a.B"]])],
])("%s stays a map", (_, value) => {
  expect(plain(value)).toBe(value);
});

test("members of maps and objects; keys that are no text are none", () => {
  const map = mapValue([
    ["a", 1],
    [2, 3],
  ]);
  expect(membersOf(map)).toEqual([["a", 1]]);
  expect(namesOf(objectValue("a.B", [["x", 1]]))).toEqual(["x"]);
  expect([isPlainMap(map), isPlainMap(mapValue([["class", "a.B"]]))]).toEqual([true, false]);
});

test.each<[Value, boolean]>([
  [0, true],
  [0n, true],
  ["", true],
  [false, true],
  [doubleValue(0), true],
  [listValue([]), true],
  [mapValue([]), true],
  [dateValue(0), false],
  [1, false],
  [objectValue("a.B", []), false],
])("%o is as Java made it: %s", (value, initial) => {
  expect(isInitial(value)).toBe(initial);
});

test("points and spans of time", () => {
  expect([pointOf(1500), pointOf("x"), pointOf(true)]).toEqual([{ seconds: 1n, nanos: 5e8 }, undefined, undefined]);
  expect([spanOf(-1500n), spanOf("PT2S"), spanOf(null)]).toEqual([
    { seconds: -1n, nanos: -5e8 },
    { seconds: 2n, nanos: 0 },
    undefined,
  ]);
});

test.each<[Value, string]>([
  ["x".repeat(50), `the string "${"x".repeat(40)}"`],
  [objectValue("a.B", []), "a.B"],
  [listValue([]), "a list"],
  [mapValue([], "java.util.TreeMap"), "java.util.TreeMap"],
  [{ type: "char", value: "c" }, 'the char "c"'],
])("%o is shown", (value, text) => {
  expect(shown(value)).toBe(text);
});
