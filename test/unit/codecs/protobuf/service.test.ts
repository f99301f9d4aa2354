import { expect, test } from "vitest";
import { grpcMethodOfJava, grpcServiceOf, javaNameOf } from "../../../../src/codecs/protobuf/service.ts";
import { ordersSchema } from "../../../support/proto-fixtures.ts";

test("a schema's service is read once", () => {
  const service = grpcServiceOf(ordersSchema)!;
  expect(service.name).toBe("com.acme.OrderService");
  expect(service.methods.get("GetOrder")?.input.typeName).toBe("com.acme.GetOrderRequest");
  expect(grpcServiceOf(ordersSchema)).toBe(service);
});

test("no schema, or one without protobuf, is no service", () => {
  expect(grpcServiceOf(undefined)).toBeUndefined();
  expect(grpcServiceOf({ name: "a.B" })).toBeUndefined();
});

test.each([
  ["bytes that are no descriptors", "a.B", Buffer.from("ffff", "hex").toString("base64"), "is no FileDescriptorSet"],
  ["nothing", "a.B", "", "without files"],
  ["another service", "a.B", ordersSchema.protobuf!, "the schema of a.B has no service of that name"],
])("%s is refused, each time", (_, name, protobuf, text) => {
  const schema = { name, protobuf };
  expect(() => grpcServiceOf(schema)).toThrow(text);
  expect(() => grpcServiceOf(schema)).toThrow(text);
});

test("a Java method is found by its name, and by that with a large first letter", () => {
  const service = grpcServiceOf(ordersSchema)!;
  expect(["GetOrder", "getOrder", "getorder", ""].map((name) => grpcMethodOfJava(service, name)?.name)).toEqual([
    "GetOrder",
    "GetOrder",
    undefined,
    undefined,
  ]);
});

test.each([
  ["GetOrder", "getOrder"],
  ["getOrder", "getOrder"],
  ["URL", "uRL"],
  ["A", "a"],
])("%s is %s in Java", (name, java) => {
  expect(javaNameOf(name)).toBe(java);
});
