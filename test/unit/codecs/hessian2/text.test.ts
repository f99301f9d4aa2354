import { expect, test } from "vitest";
import { bigIntegerValue, enumValue } from "../../../../src/codecs/hessian2/java.ts";
import { timeFromText } from "../../../../src/codecs/hessian2/java-time.ts";
import { scalarText } from "../../../../src/codecs/hessian2/text.ts";
import {
  dateValue,
  doubleValue,
  floatValue,
  listValue,
  mapValue,
  objectValue,
  type Value,
} from "../../../../src/codecs/value.ts";

test.each<readonly [name: string, value: Value, text: string | undefined]>([
  ["null", null, undefined],
  ["true", true, "true"],
  ["an int", -5, "-5"],
  ["a long beyond 2^53", 9007199254740993n, "9007199254740993"],
  ["a string", "a", "a"],
  ["a double", doubleValue(1.5), "1.5"],
  [
    "thousandths that Java's product misses",
    { type: "double", value: 1094975.4880000001, milli: 1094975488 },
    "1094975.488",
  ],
  ["a float", floatValue(1.1), "1.1"],
  ["a char", { type: "char", value: "x" }, "x"],
  ["bytes", Uint8Array.of(1), undefined],
  ["a date", dateValue(0), "1970-01-01T00:00:00.000Z"],
  ["a date beyond all calendars", dateValue(2n ** 63n - 1n), "9223372036854775807"],
  ["an enum", enumValue("com.acme.Color", "RED"), "RED"],
  ["an enum in small letters", enumValue("com.acme.Color", "red"), "red"],
  ["a BigDecimal", objectValue("java.math.BigDecimal", [["value", "1.10"]]), "1.10"],
  ["a BigInteger", bigIntegerValue(-(2n ** 70n)), String(-(2n ** 70n))],
  ["a LocalDate", timeFromText("LocalDate", "2024-02-29")!, "2024-02-29"],
  ["a timestamp", objectValue("java.sql.Timestamp", [["value", dateValue(0)]]), "1970-01-01T00:00:00.000Z"],
  ["an optional long", objectValue("java.util.Optional", [["value", 5n]]), "5"],
  ["an empty optional", objectValue("java.util.Optional", [["value", null]]), undefined],
  ["an optional list", objectValue("java.util.Optional", [["value", listValue([])]]), undefined],
  ["a list", listValue([1]), undefined],
  ["a map", mapValue([]), undefined],
  [
    "an object of two fields",
    objectValue("A", [
      ["name", "a"],
      ["x", 1],
    ]),
    undefined,
  ],
  ["an object of another field", objectValue("A", [["code", "a"]]), undefined],
])("%s", (_name, value, text) => {
  expect(scalarText(value)).toBe(text);
});

test("an optional that holds itself has no text", () => {
  const optional = objectValue("java.util.Optional", [["value", null]]);
  optional.values[0] = optional;
  expect(scalarText(optional)).toBeUndefined();
});
