import { create, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { describe, expect, test } from "vitest";
import { bigDecimalValue, bigIntegerValue, enumValue } from "../../../../src/codecs/hessian2/java.ts";
import { valueToJson } from "../../../../src/codecs/hessian2/json.ts";
import { compileJava } from "../../../../src/codecs/java-schema.ts";
import { parseJavaType } from "../../../../src/codecs/java-types.ts";
import { jsonToPlain } from "../../../../src/codecs/json-text.ts";
import { grpcServiceOf } from "../../../../src/codecs/protobuf/service.ts";
import { JavaBuilder, type ToJavaOptions } from "../../../../src/codecs/protobuf/to-java.ts";
import {
  dateValue,
  doubleValue,
  floatValue,
  listValue,
  mapValue,
  objectValue,
  type Value,
} from "../../../../src/codecs/value.ts";
import { ordersJava, ordersMessage, ordersSchema } from "../../../support/proto-fixtures.ts";

const java = compileJava(ordersJava);
const maps: ToJavaOptions = { java, beans: "maps", defaults: false };
const objects: ToJavaOptions = { java, beans: "objects", defaults: true };

function built(message: string, json: JsonValue, type?: string, options = maps): Value {
  const desc = ordersMessage(message);
  const read = reflect(desc, fromJson(desc, json));
  return new JavaBuilder(options).message(read, type === undefined ? undefined : parseJavaType(type));
}

/** The message's first field, as a value of a type. */
function field(message: string, json: JsonValue, type?: string, options = maps): Value {
  const desc = ordersMessage(message);
  const read = reflect(desc, fromJson(desc, json));
  return new JavaBuilder(options).field(read, desc.fields[0]!, type === undefined ? undefined : parseJavaType(type));
}

const date = dateValue(1_795_289_400_123);

test.each<[string, string, JsonValue, string | undefined, Value]>([
  ["int32", "Int", { value: -5 }, undefined, -5],
  ["int64", "Long", { value: "-5" }, undefined, -5n],
  ["double", "Double", { value: 2 }, undefined, doubleValue(2)],
  ["float", "Float", { value: 1.1 }, undefined, floatValue(1.1)],
  ["bool", "Bool", { value: true }, undefined, true],
  ["bytes", "Blob", { value: "AP8=" }, undefined, new Uint8Array([0, 255])],
  ["a Timestamp", "At", { value: "2026-11-21T19:30:00.123456Z" }, undefined, date],
  ["an enum without its prefix", "Status", { value: 1 }, undefined, "PAID"],
  ["int32 as long", "Int", { value: -5 }, "long", -5n],
  ["int32 as byte", "Int", { value: -128 }, "byte", -128],
  ["int32 as double", "Int", { value: 3 }, "double", doubleValue(3)],
  ["int64 as int", "Long", { value: "5" }, "java.lang.Integer", 5],
  ["int64 as text", "Long", { value: "5" }, "java.lang.String", "5"],
  ["int64 as Date", "Long", { value: "1795289400123" }, "java.util.Date", date],
  ["int64 as BigDecimal", "Long", { value: "5" }, "java.math.BigDecimal", bigDecimalValue("5")],
  ["int64 as Object", "Long", { value: "5" }, "java.lang.Object", 5n],
  ["double as float", "Double", { value: 1.1 }, "float", floatValue(1.1)],
  ["double as BigDecimal", "Double", { value: 0.1 }, "java.math.BigDecimal", bigDecimalValue("0.1")],
  ["float as BigDecimal", "Float", { value: 0.1 }, "java.math.BigDecimal", bigDecimalValue("0.1")],
  ["text as BigDecimal", "Text", { value: "1.50" }, "java.math.BigDecimal", bigDecimalValue("1.50")],
  ["text as BigInteger", "Text", { value: "18446744073709551616" }, "java.math.BigInteger", bigIntegerValue(1n << 64n)],
  ["text as long", "Text", { value: "42" }, "long", 42n],
  ["text as char", "Text", { value: "c" }, "char", { type: "char", value: "c" }],
  ["text as Date", "Text", { value: "2026-11-21T19:30:00.123Z" }, "java.util.Date", date],
  ["text as an enum", "Text", { value: "PAID" }, "com.acme.OrderStatus", "PAID"],
  ["an enum as text", "Status", { value: 1 }, "java.lang.String", "ORDER_STATUS_PAID"],
  ["an enum as int", "Status", { value: 1 }, "int", 1],
  ["an enum as an enum", "Status", { value: 3 }, "com.acme.OrderStatus", "CANCELLED"],
  ["a Timestamp as long", "At", { value: "2026-11-21T19:30:00.123Z" }, "long", 1_795_289_400_123n],
  ["a Timestamp as text", "At", { value: "2026-11-21T19:30:00.100Z" }, "java.lang.String", "2026-11-21T19:30:00.1Z"],
  ["nothing as long", "Long", {}, "long", 0n],
  ["nothing as text", "Text", {}, "java.lang.String", ""],
  ["nothing with presence", "MaybeLong", {}, "java.lang.Long", null],
  ["nothing with presence as a primitive", "MaybeLong", {}, "long", 0n],
  ["zero with presence", "MaybeLong", { value: "0" }, "java.lang.Long", 0n],
  ["no Timestamp", "At", {}, "java.util.Date", null],
  ["nothing as BigDecimal", "Text", {}, "java.math.BigDecimal", null],
  ["nothing as an enum", "Text", {}, "com.acme.OrderStatus", null],
  ["nothing of a number as Date", "Long", {}, "java.util.Date", null],
  ["nothing of a number as BigDecimal", "Long", {}, "java.math.BigDecimal", bigDecimalValue("0")],
])("%s", (_, message, json, type, value) => {
  expect(field(message, json, type)).toEqual(value);
});

test.each([
  ["LocalDateTime", "2026-11-21T19:30:00.123456"],
  ["LocalDate", "2026-11-21"],
  ["LocalTime", "19:30:00.123456"],
  ["Instant", "2026-11-21T19:30:00.123456Z"],
  ["OffsetDateTime", "2026-11-21T19:30:00.123456Z"],
  ["ZonedDateTime", "2026-11-21T19:30:00.123456Z"],
])("a Timestamp as java.time.%s keeps its nanoseconds", (name, text) => {
  const value = field("At", { value: "2026-11-21T19:30:00.123456Z" }, `java.time.${name}`);
  expect(valueToJson(value)).toBe(text);
});

test.each<[string, string, JsonValue, string, string]>([
  ["over byte", "Int", { value: 128 }, "byte", "field value: int32 128 does not fit byte"],
  ["over int", "Long", { value: "2147483648" }, "int", "field value: int64 2147483648 does not fit int"],
  ["a fraction", "Double", { value: 1.5 }, "long", "field value: double 1.5 does not fit long"],
  ["infinity", "Double", { value: "Infinity" }, "java.math.BigDecimal", "Infinity does not fit java.math.BigDecimal"],
  ["over float", "Double", { value: 1e300 }, "float", "field value: 1e+300 does not fit float"],
  ["a long that no double holds", "Long", { value: "9007199254740993" }, "double", "does not fit double"],
  ["text", "Text", { value: "x" }, "int", 'field value: string "x" does not fit int'],
  ["two characters", "Text", { value: "xy" }, "char", 'string "xy" does not fit char'],
  ["bytes", "Blob", { value: "AA==" }, "java.lang.String", "field value: bytes of 1 does not fit java.lang.String"],
  ["bool", "Bool", { value: true }, "int", "field value: bool true does not fit int"],
  ["a list", "Keys", { keys: ["a"] }, "java.lang.String", "field keys: a repeated field does not fit java.lang.String"],
  ["an item", "Keys", { keys: ["1", "x"] }, "int[]", 'field keys[1]: string "x" does not fit int'],
  ["a map", "Texts", { entries: { a: "b" } }, "long", "field entries: a map does not fit long"],
  [
    "a key",
    "Texts",
    { entries: { a: "b" } },
    "java.util.Map<java.lang.Long,java.lang.String>",
    'field entries["a"]: string "a" does not fit java.lang.Long',
  ],
  ["a date", "At", { value: "2026-11-21T19:30:00Z" }, "boolean", "field value: a Timestamp does not fit boolean"],
  [
    "an enum that Java lacks",
    "Status",
    { value: 1 },
    "com.acme.Other",
    "field value: ORDER_STATUS_PAID does not fit com.acme.Other",
  ],
  [
    "an enum without a name",
    "Status",
    { value: 9 },
    "com.acme.OrderStatus",
    "field value: 9, which com.acme.OrderStatus has no name for does not fit",
  ],
])("%s that does not fit", (_, message, json, type, text) => {
  const types = { "com.acme.Other": { enums: ["OLD"] }, "com.acme.OrderStatus": { enums: ["NEW"] } };
  const options = { ...maps, java: compileJava({ methods: [], types }) };
  expect(() => field(message, json, type, options)).toThrow(text);
});

test.each([
  ["NaN", { kind: { case: "numberValue", value: Number.NaN } }],
  ["infinity", { kind: { case: "numberValue", value: Number.NEGATIVE_INFINITY } }],
])("a Struct with %s is refused", (_, value) => {
  const desc = ordersMessage("Kinds");
  const message = create(desc, { plain: { a: 1 } } as never);
  const plain = grpcServiceOf(ordersSchema)!.types.getMessage("google.protobuf.Struct")!;
  const item = grpcServiceOf(ordersSchema)!.types.getMessage("google.protobuf.Value")!;
  const struct = create(plain, { fields: { a: create(item, value as never) } } as never);
  const read = reflect(desc, message);
  read.set(desc.fields.find(({ name }) => name === "plain")!, reflect(plain, struct));
  expect(() => new JavaBuilder(maps).message(read)).toThrow("field plain: a google.protobuf.Struct that is no JSON");
});

test("a Timestamp that is none is refused", () => {
  const desc = ordersMessage("At");
  const message = create(desc, { value: { seconds: 1n << 62n, nanos: 0 } } as never);
  expect(() => new JavaBuilder(maps).message(reflect(desc, message))).toThrow("field value: a Timestamp of");
});

const order: JsonValue = {
  id: "7",
  customer: { name: "Zoë", tags: { a: "1" } },
  status: "ORDER_STATUS_PAID",
  total: "1.50",
  created: "2026-11-21T19:30:00.123Z",
  lines: [{ sku: "x", quantity: 2, price: "0.1" }],
};

describe("messages", () => {
  test("are maps of what is set in generic calls, as the class's properties are", () => {
    expect(built("Order", order, "com.acme.Order")).toEqual(
      mapValue([
        ["id", 7n],
        [
          "customer",
          mapValue([
            ["name", "Zoë"],
            ["tags", mapValue([["a", "1"]])],
          ]),
        ],
        ["status", "PAID"],
        ["total", bigDecimalValue("1.50")],
        ["created", date],
        [
          "lines",
          listValue([
            mapValue([
              ["sku", "x"],
              ["quantity", 2],
              ["price", bigDecimalValue("0.1")],
            ]),
          ]),
        ],
      ]),
    );
  });

  test("of classes that nobody describes have the enums of their message", () => {
    const json = { id: "7", status: "ORDER_STATUS_PAID", total: "1.50" };
    const told = [["id", 7n] as const, ["total", "1.50"] as const];
    const status = ["status", enumValue("com.acme.OrderStatus", "PAID")] as const;
    expect(built("Order", json, undefined, { ...objects, java: undefined, defaults: false })).toEqual(
      objectValue("com.acme.Order", [told[0]!, status, told[1]!]),
    );
    // In a generic call's map the provider makes the enum.
    expect(built("Order", json, undefined, { ...maps, java: undefined })).toEqual(
      mapValue([told[0]!, ["status", "PAID"], told[1]!].map(([name, value]) => [name, value])),
    );
  });

  test("are objects of their classes elsewhere, what is not set as it is by default", () => {
    const value = built("Order", { ...(order as object), customer: null } as JsonValue, "com.acme.Order", objects);
    expect(value).toEqual(
      objectValue("com.acme.Order", [
        ["id", 7n],
        ["status", enumValue("com.acme.OrderStatus", "PAID")],
        ["total", bigDecimalValue("1.50")],
        ["created", date],
        ["signature", new Uint8Array()],
        [
          "lines",
          listValue([
            objectValue("com.acme.OrderLine", [
              ["sku", "x"],
              ["quantity", 2],
              ["price", bigDecimalValue("0.1")],
            ]),
          ]),
        ],
        ["servedBy", ""],
      ]),
    );
  });

  test("of a class that nobody knows are named by the file, equal ones by one shape", () => {
    const value = built("OrderList", { orders: [{ id: "1" }, { id: "2" }] }, undefined, {
      ...objects,
      java: undefined,
    });
    const { values, shape } = value as { values: Value[]; shape: { name: string } };
    expect(shape.name).toBe("com.acme.OrderList");
    const [first, second] = (values[0] as { items: { shape: { name: string } }[] }).items;
    expect(first!.shape.name).toBe("com.acme.Order");
    expect(second!.shape).toBe(first!.shape);
  });

  test("may be Java's maps", () => {
    const type = "java.util.TreeMap<java.lang.String,java.lang.Long>";
    expect(built("Long", { value: "7" }, type)).toEqual(mapValue([["value", 7n]], "java.util.TreeMap"));
  });

  test("are no scalars", () => {
    expect(() => built("Order", {}, "long")).toThrow("the message: a message com.acme.Order does not fit long");
  });

  test("of protobuf's own are what they hold", () => {
    const kinds: JsonValue = {
      span: "1.5s",
      plain: { a: [1, "b", null, true], c: { d: 2 } },
      large: "18446744073709551615",
      count: 4294967295,
      text: "t",
      inner: { number: 0 },
      boxed: "5",
      states: { true: "ORDER_STATUS_PAID" },
      points: ["2026-11-21T19:30:00.123Z"],
      signed: "-3",
    };
    const value = built("Kinds", kinds, undefined);
    expect(jsonToPlain(valueToJson(value))).toEqual({
      span: 1500,
      plain: { a: [1, "b", null, true], c: { d: 2 } },
      large: "18446744073709551615",
      count: 4294967295,
      text: "t",
      inner: { number: 0 },
      boxed: 5,
      states: [[true, "PAID"]],
      points: ["2026-11-21T19:30:00.123Z"],
      signed: -3,
    });
  });
});

test.each<[string, string, JsonValue, string, string | null]>([
  ["a list for an array, in generic calls", "Ints", { values: [1] }, "int[]", null],
  ["a Set", "Keys", { keys: ["a"] }, "java.util.Set<java.lang.String>", "java.util.HashSet"],
  ["a List", "Keys", { keys: ["a"] }, "java.util.List<java.lang.String>", null],
])("%s", (_, message, json, type, className) => {
  expect(field(message, json, type)).toMatchObject({ className });
});

test("a number over long is a BigInteger, but for a provider whose types are not known", () => {
  const kinds = { large: "18446744073709551615" };
  expect(built("Kinds", kinds)).toEqual(mapValue([["large", bigIntegerValue((1n << 64n) - 1n)]]));
  expect(() => built("Kinds", kinds, undefined, { ...maps, java: undefined })).toThrow(
    "field large: uint64 18446744073709551615 does not fit long",
  );
});

test.each([
  ["1.5s", "PT1.5S"],
  ["-0.25s", "PT-0.25S"],
  ["3600s", "PT1H"],
])("a Duration of %s is java.time's %s", (span, text) => {
  expect(valueToJson(field("Kinds", { span }, "java.time.Duration"))).toBe(text);
});

test("an array has its class where messages are objects", () => {
  expect(field("Ints", { values: [1] }, "int[]", objects)).toEqual(listValue([1], "[int"));
});

test("an enum's nameless zero is null where Java has no constant for it", () => {
  const types = { "a.Kind": { enums: ["LARGE"] } };
  const options = { ...maps, java: compileJava({ methods: [], types }) };
  expect(field("Status", {}, "a.Kind", options)).toBeNull();
});
