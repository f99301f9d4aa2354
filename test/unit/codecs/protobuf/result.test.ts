import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { expect, test } from "vitest";
import { valueToJson } from "../../../../src/codecs/hessian2/json.ts";
import { compileJava } from "../../../../src/codecs/java-schema.ts";
import { parseJavaType } from "../../../../src/codecs/java-types.ts";
import { jsonToPlain } from "../../../../src/codecs/json-text.ts";
import { resultOf } from "../../../../src/codecs/protobuf/result.ts";
import { JavaBuilder } from "../../../../src/codecs/protobuf/to-java.ts";
import { ordersJava, ordersMessage } from "../../../support/proto-fixtures.ts";

const java = compileJava(ordersJava);

function result(message: string, json: JsonValue, returns: string | undefined) {
  const desc = ordersMessage(message);
  const type = returns === undefined ? undefined : parseJavaType(returns);
  const builder = new JavaBuilder({ java, beans: "maps", defaults: false });
  return jsonToPlain(valueToJson(resultOf(reflect(desc, fromJson(desc, json)), type, java, builder)));
}

test.each<[string, string, JsonValue, string | undefined, unknown]>([
  ["nothing", "Int", { value: 5 }, "void", null],
  ["a class", "Order", { id: "7" }, "com.acme.Order", { id: 7 }],
  ["a class in the only field", "OrderList", { orders: [{ id: "7" }] }, "java.util.List<com.acme.Order>", [{ id: 7 }]],
  ["a scalar", "Int", { value: 5 }, "int", 5],
  [
    "a map in the only field",
    "Texts",
    { entries: { a: "b" } },
    "java.util.Map<java.lang.String,java.lang.String>",
    { a: "b" },
  ],
  ["a message as a map", "Customer", { name: "x" }, "java.util.Map<java.lang.String,java.lang.Object>", { name: "x" }],
  ["an enum", "Status", { value: 1 }, "com.acme.OrderStatus", "PAID"],
  ["a date", "At", { value: "1970-01-01T00:00:00Z" }, "java.util.Date", "1970-01-01T00:00:00.000Z"],
  ["not known: the only field", "Long", { value: "5" }, undefined, 5],
  [
    "not known: a date in the only field",
    "At",
    { value: "1970-01-01T00:00:00Z" },
    undefined,
    "1970-01-01T00:00:00.000Z",
  ],
  ["not known: a message", "Order", { id: "7" }, undefined, { id: 7 }],
  ["not known: an answer by its name", "OrdersByKeyReply", { orders: {} }, undefined, {}],
])("%s", (_, message, json, returns, value) => {
  expect(result(message, json, returns)).toEqual(value);
});

test("several fields are no scalar", () => {
  expect(() => result("Order", {}, "long")).toThrow("the answer com.acme.Order of 9 fields does not fit long");
});
