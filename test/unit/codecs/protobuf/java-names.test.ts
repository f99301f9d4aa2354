import { create } from "@bufbuild/protobuf";
import { FileOptionsSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { compileJava } from "../../../../src/codecs/java-schema.ts";
import {
  beanFields,
  classOfMessage,
  constantOf,
  fieldNamed,
  inOrder,
  isBeanOf,
  numberOfConstant,
} from "../../../../src/codecs/protobuf/java-names.ts";
import { grpcServiceOf } from "../../../../src/codecs/protobuf/service.ts";
import { ordersJava, ordersMessage, protobufOf } from "../../../support/proto-fixtures.ts";

const names = grpcServiceOf({
  name: "a.B",
  protobuf: protobufOf(`syntax = "proto3"; package a;
    service B { rpc Call(Names) returns (Names.Inner); }
    message Names { string URL = 3; string line_items = 1; string other = 2 [json_name = "another"]; string a_b = 4; string ab = 5; message Inner {} }
    enum Kind { KIND_UNSPECIFIED = 0; KIND_LARGE = 1; }
    message Uses { Kind kind = 1; }`),
})!.types;
const message = names.getMessage("a.Names")!;
const java = compileJava({
  methods: [],
  types: {
    "com.acme.Snake": { properties: { line_items: "int", url: "int", other: "long" } },
    "com.acme.Camel": { properties: { lineItems: "int", another: "int" } },
  },
});

test.each<[string, string[]]>([
  ["com.acme.Camel", ["lineItems", "another", "URL", "aB", "ab"]],
  ["com.acme.Snake", ["line_items", "other", "url", "aB", "ab"]],
  ["com.acme.Unknown", ["lineItems", "another", "URL", "aB", "ab"]],
])("fields as properties of %s, in the order of their numbers", (className, properties) => {
  expect(beanFields(java, message, className).map(({ property }) => property)).toEqual(properties);
  expect(beanFields(java, message, className)).toBe(beanFields(java, message, className));
});

test("a message is a bean where all its fields are properties", () => {
  const orders = compileJava(ordersJava);
  expect(isBeanOf(orders, ordersMessage("Order"), "com.acme.Order")).toBe(true);
  expect(isBeanOf(orders, ordersMessage("GetOrderRequest"), "com.acme.Order")).toBe(true);
  expect(isBeanOf(orders, ordersMessage("OrderList"), "com.acme.Order")).toBe(false);
  expect(isBeanOf(orders, ordersMessage("Order"), "com.acme.None")).toBe(false);
});

test.each<[string, string | undefined]>([
  ["line_items", "line_items"],
  ["lineItems", "line_items"],
  ["LINEITEMS", "line_items"],
  ["another", "other"],
  ["url", "URL"],
  ["ab", "ab"],
  ["aB", "a_b"],
  ["a_B", undefined],
  ["class", undefined],
])("property %s is field %s", (property, field) => {
  expect(fieldNamed(message, property)?.name).toBe(field);
});

test("fields are in the order of their numbers", () => {
  expect(inOrder(message).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
});

test("an enum's constants with and without the prefix that all share", () => {
  const kind = names.getEnum("a.Kind")!;
  expect([1, 7].map((number) => constantOf(kind, number, undefined))).toEqual(["LARGE", undefined]);
  expect(constantOf(kind, 1, ["KIND_LARGE"])).toBe("KIND_LARGE");
  expect(constantOf(kind, 1, ["LARGE"])).toBe("LARGE");
  expect(constantOf(kind, 1, ["SMALL"])).toBeUndefined();
  expect(["LARGE", "KIND_LARGE", "large"].map((name) => numberOfConstant(kind, name))).toEqual([1, 1, undefined]);
});

test("a message's class is in java_package, or in the file's own", () => {
  expect(classOfMessage(message)).toBe("a.Names");
  const inner = names.getMessage("a.Names.Inner")!;
  const proto = { ...inner.file.proto, options: create(FileOptionsSchema, { javaPackage: "com.acme" }) };
  expect(classOfMessage({ ...inner, file: { ...inner.file, proto } })).toBe("com.acme.Names$Inner");
  expect(classOfMessage(ordersMessage("Order"))).toBe("com.acme.Order");
});
