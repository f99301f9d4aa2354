import { fromBinary, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { bigDecimalValue, bigIntegerValue, enumValue } from "../../../../src/codecs/hessian2/java.ts";
import { timeFromText } from "../../../../src/codecs/hessian2/java-time.ts";
import { fieldsInOrder, fieldsToMessage, javaToMessage, onlyField } from "../../../../src/codecs/protobuf/from-java.ts";
import {
  dateValue,
  doubleValue,
  floatValue,
  listValue,
  mapValue,
  objectValue,
  type Value,
} from "../../../../src/codecs/value.ts";
import { ordersMessage, ordersMethod } from "../../../support/proto-fixtures.ts";

/** Over the wire and back, as JSON. */
function built(message: string, value: Value): JsonValue {
  const desc = ordersMessage(message);
  return toJson(desc, fromBinary(desc, toBinary(desc, javaToMessage(desc, value))));
}

const date = dateValue(1_795_289_400_123);
const order = (...more: [string, Value][]) => mapValue([["class", "com.acme.Order"], ["id", 7n], ...more]);

test.each<[string, string, Value, JsonValue]>([
  ["int", "Int", -5, { value: -5 }],
  ["long in int32", "Int", 5n, { value: 5 }],
  ["long", "Long", -(1n << 63n), { value: "-9223372036854775808" }],
  ["int in int64", "Long", 5, { value: "5" }],
  ["BigInteger", "Long", bigIntegerValue(5n), { value: "5" }],
  ["a double without a fraction in int64", "Long", doubleValue(3), { value: "3" }],
  ["digits in int64", "Long", "42", { value: "42" }],
  ["Date in int64", "Long", date, { value: "1795289400123" }],
  ["double", "Double", doubleValue(1e300), { value: 1e300 }],
  ["NaN", "Double", doubleValue(Number.NaN), { value: "NaN" }],
  ["a double of thousandths", "Double", { type: "double", value: 0.001 * 1234, milli: 1234 }, { value: 1.234 }],
  ["float", "Float", floatValue(1.5), { value: 1.5 }],
  ["BigDecimal in double", "Double", bigDecimalValue("1.50"), { value: 1.5 }],
  ["BigDecimal in text", "Text", bigDecimalValue("1.50"), { value: "1.50" }],
  ["long in text", "Text", 5n, { value: "5" }],
  ["double in text", "Text", doubleValue(0.1), { value: "0.1" }],
  ["char", "Text", { type: "char", value: "c" }, { value: "c" }],
  ["Date in text", "Text", date, { value: "2026-11-21T19:30:00.123Z" }],
  ["an enum in text", "Text", enumValue("a.E", "PAID"), { value: "PAID" }],
  ["LocalDate in text", "Text", timeFromText("LocalDate", "2026-11-21")!, { value: "2026-11-21" }],
  ["UUID in text", "Text", objectValue("java.util.UUID", [["value", "u"]]), { value: "u" }],
  ["bytes", "Blob", new Uint8Array([0, 255]), { value: "AP8=" }],
  ["true", "Bool", true, { value: true }],
  ["a list", "Keys", listValue(["a", ""]), { keys: ["a", ""] }],
  ["byte[] in numbers", "Ints", new Uint8Array([1, 255]), { values: [1, -1] }],
  ["a map", "Texts", mapValue([["a", "b"]]), { entries: { a: "b" } }],
  ["a map named like the field", "Texts", mapValue([["entries", mapValue([["a", "b"]])]]), { entries: { a: "b" } }],
  [
    "a map of two, one named like the field",
    "Texts",
    mapValue([
      ["entries", "x"],
      ["a", "b"],
    ]),
    { entries: { entries: "x", a: "b" } },
  ],
  [
    "a null in a map",
    "Texts",
    mapValue([
      ["a", null],
      ["b", "c"],
    ]),
    { entries: { b: "c" } },
  ],
  ["long keys", "LongKeys", mapValue([[7n, "b"]]), { entries: { "7": "b" } }],
  ["Date", "At", date, { value: "2026-11-21T19:30:00.123Z" }],
  [
    "Instant",
    "At",
    timeFromText("Instant", "2026-11-21T19:30:00.123456789Z")!,
    { value: "2026-11-21T19:30:00.123456789Z" },
  ],
  ["LocalDateTime", "At", timeFromText("LocalDateTime", "2026-11-21T19:30:00")!, { value: "2026-11-21T19:30:00Z" }],
  ["milliseconds", "At", 1_795_289_400_123n, { value: "2026-11-21T19:30:00.123Z" }],
  ["an enum by its bare name", "Status", "PAID", { value: "ORDER_STATUS_PAID" }],
  ["an enum by its whole name", "Status", "ORDER_STATUS_PAID", { value: "ORDER_STATUS_PAID" }],
  ["an enum's object", "Status", enumValue("a.E", "SHIPPED"), { value: "ORDER_STATUS_SHIPPED" }],
  ["an enum by its number", "Status", 3, { value: "ORDER_STATUS_CANCELLED" }],
  ["null", "Order", null, {}],
  ["a value for an empty message", "Long", null, {}],
  ["a list of beans", "OrderList", listValue([order(), order()]), { orders: [{ id: "7" }, { id: "7" }] }],
  ["beans by key", "OrdersByKeyReply", mapValue([["k", order()]]), { orders: { k: { id: "7" } } }],
])("%s", (_, message, value, json) => {
  expect(built(message, value)).toEqual(json);
});

describe("objects", () => {
  test("are messages by their properties, unknown ones and null left out", () => {
    const value = order(
      ["servedBy", "x"],
      ["note", null],
      ["unknown", 5],
      ["created", date],
      ["customer", mapValue([["name", "Zoë"]])],
    );
    expect(built("Order", value)).toEqual({
      id: "7",
      servedBy: "x",
      created: "2026-11-21T19:30:00.123Z",
      customer: { name: "Zoë" },
    });
  });

  test("of a class are as good as maps", () => {
    const value = objectValue("com.acme.WhoAmI", [
      ["label", "a"],
      ["remoteAddress", "b"],
    ]);
    expect(built("WhoAmIReply", value)).toEqual({ label: "a", remoteAddress: "b" });
  });

  test("of a class with nothing but a name are no enum, however the name is written", () => {
    const customer = (name: string) => objectValue("com.acme.Customer", [["name", name]]);
    for (const name of ["Acme", "ACME"])
      expect(built("Order", objectValue("com.acme.Order", [["customer", customer(name)]]))).toEqual({
        customer: { name },
      });
  });

  test("may be spelled as the .proto file does", () => {
    expect(built("WhoAmIReply", mapValue([["remote_address", "b"]]))).toEqual({ remoteAddress: "b" });
  });

  test("fill a oneof with what is more than its default", () => {
    const both = (text: string, number: number) =>
      mapValue([
        ["text", text],
        ["number", number],
      ]);
    expect(built("Kinds", both("t", 0))).toEqual({ text: "t" });
    expect(() => built("Kinds", both("t", 1))).toThrow(
      "field number: the value has both text and number, of which com.acme.Kinds takes one",
    );
  });
});

test("messages of protobuf's own", () => {
  const value = mapValue([
    ["span", timeFromText("Duration", "PT1.5S")!],
    ["plain", mapValue([["a", listValue([1, "b", null])]])],
    ["large", bigIntegerValue((1n << 64n) - 1n)],
    ["count", 4_294_967_295n],
    ["boxed", 5n],
    ["states", mapValue([[true, "PAID"]])],
    ["points", listValue([date])],
  ]);
  expect(built("Kinds", value)).toEqual({
    span: "1.500s",
    plain: { a: [1, "b", null] },
    large: "18446744073709551615",
    count: 4294967295,
    boxed: "5",
    states: { true: "ORDER_STATUS_PAID" },
    points: ["2026-11-21T19:30:00.123Z"],
  });
});

const cycle = mapValue([["class", "a.B"]]);
cycle.entries.push(["inner", cycle]);

test.each<[string, string, Value, string]>([
  ["over int32", "Int", 1n << 31n, "field value: the number 2147483648 does not fit int32"],
  ["a fraction", "Int", doubleValue(1.5), "field value: the number 1.5 does not fit int32"],
  ["text in int32", "Int", "x", 'field value: the string "x" does not fit int32'],
  ["below an unsigned number", "Kinds", mapValue([["count", -1]]), "field count: the number -1 does not fit uint32"],
  ["over float", "Float", doubleValue(1e300), "field value: the number 1e+300 does not fit float"],
  ["a long that no double holds", "Double", 9007199254740993n, "does not fit double"],
  ["true in text", "Text", true, "field value: true does not fit string"],
  ["half a character", "Text", "\ud800", "does not fit a string of Unicode"],
  ["text in bytes", "Blob", "x", "does not fit bytes"],
  [
    "an enum without such a constant",
    "Status",
    "LOST",
    'field value: the string "LOST" does not fit enum com.acme.OrderStatus',
  ],
  ["a date before the year 1", "At", dateValue(-(1n << 62n)), "does not fit a Timestamp"],
  ["a scalar for a message", "Order", 5, "the value: the number 5 does not fit a message com.acme.Order of 9 fields"],
  [
    "a class with nothing in common",
    "Order",
    mapValue([
      ["class", "java.util.concurrent.CompletableFuture"],
      ["done", true],
    ]),
    "the value: java.util.concurrent.CompletableFuture does not fit a message com.acme.Order, which has none of its properties",
  ],
  [
    "a scalar in a message",
    "Order",
    order(["customer", 5]),
    "field customer: the number 5 does not fit a message com.acme.Customer",
  ],
  ["a scalar for a list", "Order", order(["lines", 5]), "field lines: the number 5 does not fit a repeated field"],
  ["null in a list", "Keys", listValue([null]), "field keys[0]: null does not fit an item of protobuf"],
  [
    "deep inside",
    "Order",
    order(["lines", listValue([mapValue([]), mapValue([["quantity", "x"]])])]),
    'field lines[1].quantity: the string "x" does not fit int32',
  ],
  ["a key", "LongKeys", mapValue([["x", "b"]]), 'field entries["x"]: the string "x" does not fit int32'],
  ["a value inside itself", "Kinds", cycle, "nested deeper than 100, or inside itself"],
  ["a list without its elements", "Keys", objectValue("java.util.CollSer", [["tag", 1]]), "java.util.CollSer"],
])("%s does not fit", (_, message, value, text) => {
  expect(() => built(message, value)).toThrow(text);
});

/** A value that is written out as 10^depth of its inner one. */
function shared(inner: Value, depth: number, wrap: (items: Value[]) => Value): Value {
  let value = inner;
  for (let i = 0; i < depth; i++) value = wrap(Array.from({ length: 10 }, () => value));
  return value;
}

test("objects may stand in many places beside others, and by themselves only so often: few bytes would be the work of a million", () => {
  const line = mapValue([["sku", "x"]]);
  const beside = Array.from({ length: 60_000 }, () => order(["lines", listValue([line])]));
  expect(() => javaToMessage(ordersMessage("OrderList"), listValue(beside))).not.toThrow();
  const one = order(["lines", listValue(Array.from({ length: 100 }, () => line))]);
  const alone = listValue(Array.from({ length: 1000 }, () => one));
  expect(() => javaToMessage(ordersMessage("OrderList"), alone)).toThrow(
    "message of more than 50000 objects that stand in it again",
  );
});

test.each<[string, string, Value, string]>([
  [
    "values",
    "OrderList",
    listValue(
      Array.from({ length: 20_000 }, () =>
        order(["lines", listValue(Array.from({ length: 100 }, () => mapValue([["sku", "x"]])))]),
      ),
    ),
    "more than 1000000 values",
  ],
  [
    "characters",
    "Keys",
    listValue(Array.from({ length: 100 }, () => "x".repeat(1_000_000))),
    "more than 67108864 characters",
  ],
  [
    "values of a Struct",
    "Kinds",
    mapValue([["plain", mapValue([["a", shared(0, 7, (items) => listValue(items))]])]]),
    "maxValues",
  ],
])("%s without end are refused", (_, message, value, text) => {
  expect(() => built(message, value)).toThrow(text);
});

test("arguments are fields in the order of their numbers", () => {
  const { input } = ordersMethod("CreateOrder");
  const { fields } = ordersMessage("OrderLine");
  expect(fieldsInOrder(ordersMessage("OrderLine"), ["a", 1, "b"])).toEqual([
    [fields[0], "a"],
    [fields[1], 1],
    [fields[2], "b"],
  ]);
  expect(() => fieldsInOrder(input, [1])).toThrow("1 arguments do not fit message com.acme.Order of 9 fields");
  const message = fieldsToMessage(
    ordersMessage("OrderLine"),
    fieldsInOrder(ordersMessage("OrderLine"), ["a", 1, null]),
  );
  expect(toJson(ordersMessage("OrderLine"), message)).toEqual({ sku: "a", quantity: 1 });
});

test("a message of one field has an only one", () => {
  expect(onlyField(ordersMessage("Int"))?.name).toBe("value");
  expect(onlyField(ordersMessage("Order"))).toBeUndefined();
});
