import { describe, expect, test } from "vitest";
import { requirePlainArgument } from "../../../../src/bridge-proxy/dubbo/plain-argument.ts";
import { toBeanForm } from "../../../../src/codecs/bean-form.ts";
import {
  dateValue,
  doubleValue,
  floatValue,
  listValue,
  mapValue,
  objectValue,
  type Value,
} from "../../../../src/codecs/value.ts";

const ask = (value: Value | undefined, type: string | undefined, path = "0") =>
  requirePlainArgument({ effectiveArgument: (n) => (n === 0 ? value : undefined), effectiveType: () => type }, path);

describe("an argument is what consumers send for its type", () => {
  const decimal = objectValue("java.math.BigDecimal", [["value", "7"]]);
  const rows: [string, Value, string, boolean][] = [
    ["a long", 7n, "J", true],
    ["an int for a long", 7, "java.lang.Long", true],
    ["a text for a long", "07", "long", false],
    ["a text for a long as it would be written", "-7", "long", true],
    ["a text for a long that is none", "9223372036854775808", "long", false],
    ["the least long", -(2n ** 63n), "J", true],
    ["a long for an int", 7n, "int", true],
    ["a long for an int that is over", 2n ** 32n + 7n, "int", false],
    ["an int for a byte", 127, "B", true],
    ["an int for a byte that is over", 263, "java.lang.Byte", false],
    ["a text for a short that is over", "65543", "short", false],
    ["a text for a truth as it would be written", "true", "boolean", true],
    ["a fraction for an int", doubleValue(7.5), "I", false],
    ["an int for a double", 7, "D", true],
    ["a double", doubleValue(7), "java.lang.Double", true],
    ["a float", floatValue(7), "float", true],
    ["a text for a double", "7.0", "double", false],
    ["a truth", true, "Z", true],
    ["a text for a truth", "TRUE", "java.lang.Boolean", false],
    ["a text", "a", "java.lang.String", true],
    ["a double for a text", doubleValue(7), "java.lang.String", false],
    ["a char", "a", "C", true],
    ["a decimal", decimal, "java.math.BigDecimal", true],
    ["a text for a decimal", "7.50", "java.math.BigDecimal", true],
    ["a text for a decimal that is written otherwise", "7e0", "java.math.BigDecimal", false],
    ["a text for a whole number", "7", "java.math.BigInteger", true],
    ["a text for a whole number that is written otherwise", "+7", "java.math.BigInteger", false],
    ["a date", dateValue(7), "java.util.Date", true],
    ["a text for a date", "1970-01-01", "java.util.Date", false],
    ["a text for an enum", "NEW", "com.acme.Status", true],
    ["a map for a class", mapValue([]), "com.acme.Order", true],
    ["nothing", null, "long", true],
  ];
  test.each(rows)("%s", (_, value, type, isPlain) => {
    if (isPlain) expect(() => ask(value, type)).not.toThrow();
    else expect(() => ask(value, type)).toThrow("which is written otherwise");
  });

  test("its type is said", () => {
    expect(() => ask("07", undefined)).toThrow("does not say its type");
    expect(() => ask(undefined, undefined)).not.toThrow();
  });
});

test("a property stands in a map once, in whatever case of letters", () => {
  const ORDER = "com.acme.Order";
  const order = (...entries: [Value, Value][]) => mapValue([["lines", listValue([mapValue(entries)])]]);
  const path = "0.lines.0.sku";
  expect(() => ask(order(["Sku", "a"], ["x", "b"]), ORDER, path)).not.toThrow();
  expect(() => ask(order(["sku", "a"], ["sku", "b"]), ORDER, path)).not.toThrow();
  expect(() => ask(order(["sku", "a"], ["Sku", "b"]), ORDER, path)).toThrow("several cases");
  expect(() => ask(order(["SKU", "a"], ["Sku", "b"]), ORDER, path)).toThrow("several cases");
  const bean = objectValue(ORDER, [
    ["sku", "a"],
    ["Sku", "b"],
  ]);
  expect(() => ask(bean, ORDER, "0.sku")).not.toThrow();
  expect(() => ask(toBeanForm(bean), ORDER, "0.sku")).not.toThrow();
  expect(() => ask(mapValue([]), ORDER, path)).not.toThrow();
});
