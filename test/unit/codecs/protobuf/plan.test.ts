import { fromJson } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { expect, test } from "vitest";
import { compileJava } from "../../../../src/codecs/java-schema.ts";
import { argumentsOf, planOf, streamPlanOf } from "../../../../src/codecs/protobuf/plan.ts";
import { grpcServiceOf } from "../../../../src/codecs/protobuf/service.ts";
import { JavaBuilder } from "../../../../src/codecs/protobuf/to-java.ts";
import type { JavaDefinition } from "../../../../src/model/schema.ts";
import { feedSchema, ordersJava, ordersMethod, protobufOf } from "../../../support/proto-fixtures.ts";

const service = grpcServiceOf({
  name: "a.B",
  protobuf: protobufOf(`syntax = "proto3"; package a;
    import "google/protobuf/empty.proto"; import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";
    service B {
      rpc None(google.protobuf.Empty) returns (Two);
      rpc Two(Two) returns (Two);
      rpc Id(Id) returns (Two);
      rpc Text(Text) returns (Two);
      rpc Wrapped(Wrapped) returns (Two);
      rpc Boxed(google.protobuf.Int64Value) returns (Two);
      rpc At(google.protobuf.Timestamp) returns (Two);
      rpc Request(TwoRequest) returns (Two);
      rpc Entity(Entity) returns (Two);
      rpc Pick(Pick) returns (Two);
      rpc Tags(Tags) returns (Two);
      rpc Stream(stream Two) returns (Two);
    }
    message Two { int64 b = 2; string a = 1; }
    message TwoRequest { int64 b = 2; string a = 1; }
    message Id { int64 id = 1; }
    message Text { string text = 1; }
    message Wrapped { Entity entity = 1; }
    message Entity { int64 id = 1; string name = 2; }
    enum Choice { ONE = 0; TWO = 1; }
    message Pick { Choice choice = 1; }
    message Tags { map<string, string> tags = 1; }`),
})!;
const method = (name: string) => service.methods.get(name)!;

/** `one(type, ...names); two(...)` */
function javaOf(text: string) {
  const methods = text
    .split(";")
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const [, name, inside] = /^\s*(\w+)\((.*)\)\s*$/.exec(part)!;
      const parameters = inside === "" ? [] : inside!.split(", ").map((one) => one.split(" "));
      return {
        name: name!,
        parameterTypes: parameters.map(([type]) => type!),
        returnType: "void",
        ...(parameters.every(([, said]) => said !== undefined) && {
          parameterNames: parameters.map(([, said]) => said!),
        }),
      };
    });
  const types: JavaDefinition["types"] = {
    "com.acme.Entity": { properties: { id: "long", name: "java.lang.String" } },
    "com.acme.Holder": { properties: { entity: "com.acme.Entity" } },
    "com.acme.Choice": { enums: ["ONE", "TWO"] },
  };
  return compileJava({ methods, types });
}

const shown = (plan: ReturnType<typeof planOf>) => ({
  method: plan.method,
  types: plan.types,
  arguments: plan.whole === undefined ? plan.fields.map(([{ name }]) => name) : "the message",
});

test.each<[string, string, string, string[], string[] | "the message"]>([
  ["no field is no argument", "None", "none()", [], []],
  [
    "fields in the order of their numbers",
    "Two",
    "two(java.lang.String, long)",
    ["java.lang.String", "long"],
    ["a", "b"],
  ],
  ["fields by names", "Two", "two(long b, java.lang.String a)", ["long", "java.lang.String"], ["b", "a"]],
  ["a class", "Entity", "entity(com.acme.Entity)", ["com.acme.Entity"], "the message"],
  ["a class that nobody described", "Two", "two(com.acme.None)", ["com.acme.None"], "the message"],
  ["a class in a field", "Wrapped", "wrapped(com.acme.Entity)", ["com.acme.Entity"], ["entity"]],
  ["a class in a field, by its name", "Wrapped", "wrapped(com.other.Entity)", ["com.other.Entity"], ["entity"]],
  ["a class in a field, by the parameter's", "Wrapped", "wrapped(com.other.X entity)", ["com.other.X"], ["entity"]],
  ["a class with just that field", "Wrapped", "wrapped(com.acme.Holder)", ["com.acme.Holder"], "the message"],
  ["a scalar", "Id", "id(int)", ["int"], ["id"]],
  ["an enum", "Pick", "pick(com.acme.Choice)", ["com.acme.Choice"], ["choice"]],
  ["a map", "Tags", "tags(java.util.Map)", ["java.util.Map"], ["tags"]],
  ["a message as a map", "Entity", "entity(java.util.Map)", ["java.util.Map"], "the message"],
  ["a message as anything", "Entity", "entity(java.lang.Object)", ["java.lang.Object"], "the message"],
  ["a wrapper of protobuf's", "Boxed", "boxed(java.lang.Long)", ["java.lang.Long"], "the message"],
  ["a date", "At", "at(java.util.Date)", ["java.util.Date"], "the message"],
  [
    "an overload by its count",
    "Two",
    "two(long); two(java.lang.String, long)",
    ["java.lang.String", "long"],
    ["a", "b"],
  ],
  ["an overload by its kind: long", "Id", "id(java.lang.String); id(int); id(long)", ["long"], ["id"]],
  [
    "an overload by its kind: text",
    "Text",
    "text(java.util.Date); text(java.lang.String)",
    ["java.lang.String"],
    ["text"],
  ],
  ["anything rather than nothing", "Id", "id(java.lang.Object); id(byte[])", ["java.lang.Object"], ["id"]],
])("%s", (_, name, java, types, fields) => {
  const plan = planOf(method(name), javaOf(java));
  expect(shown(plan)).toEqual({ method: name.toLowerCase(), types, arguments: fields });
});

test("a Java method with the very name goes before the one with a small letter", () => {
  expect(planOf(method("Id"), javaOf("Id(int); id(long)")).method).toBe("Id");
});

test.each<[string, string, string[] | "the message"]>([
  ["no field", "None", []],
  ["one scalar", "Id", ["id"]],
  ["a message whose name ends like a request's", "Request", ["a", "b"]],
  ["any other message", "Two", "the message"],
  ["a message in a message", "Wrapped", "the message"],
  ["a wrapper of protobuf's", "Boxed", "the message"],
])("without Java's types: %s", (_, name, fields) => {
  const known = { method: name.slice(0, 1).toLowerCase() + name.slice(1), types: null, arguments: fields };
  expect(shown(planOf(method(name), undefined))).toEqual(known);
  expect(shown(planOf(method(name), javaOf("other()")))).toEqual(known);
});

test.each([
  [
    "no overload fits",
    "Two",
    "two(long); two(int, int, int)",
    "message a.Two of 2 fields fits none of two(long), two(int, int, int)",
  ],
  ["a kind that does not fit", "Text", "text(byte[])", "message a.Text of 1 fields fits none of text(byte[])"],
  [
    "two fit alike",
    "Id",
    "id(java.math.BigDecimal); id(java.util.Date)",
    "fits both id(java.math.BigDecimal) and id(java.util.Date)",
  ],
  ["a stream", "Stream", "stream(int)", "Stream is a stream, which is not translated"],
])("%s, which is refused", (_, name, java, text) => {
  expect(() => planOf(method(name), javaOf(java))).toThrow(text);
});

test("a plan is made once for a method and Java's types", () => {
  const java = compileJava(ordersJava);
  expect(planOf(ordersMethod("Find"), java)).toBe(planOf(ordersMethod("Find"), java));
  expect(planOf(ordersMethod("Find"), java).types).toEqual(["long"]);
});

test("arguments by a plan", () => {
  const java = javaOf("two(long b, java.lang.String a)");
  const message = reflect(method("Two").input, fromJson(method("Two").input, { a: "x", b: "7" }));
  const builder = new JavaBuilder({ java, beans: "maps", defaults: false });
  expect(argumentsOf(planOf(method("Two"), java), message, builder)).toEqual([7n, "x"]);
  expect(argumentsOf(planOf(method("None"), java), message, builder)).toEqual([]);
});

test.each([
  ["Orders", { method: "orders", types: ["int"] }],
  ["Collect", { method: "collect", types: ["com.acme.Order"], whole: { name: "com.acme.Order" } }],
  ["Review", { method: "review", types: ["com.acme.Order"], whole: { name: "com.acme.Order" } }],
])("the messages of the stream %s are what Java's observers take", (name, plan) => {
  const stream = grpcServiceOf(feedSchema)!.methods.get(name)!;
  expect(streamPlanOf(stream, compileJava(feedSchema.java!))).toMatchObject(plan);
  expect(streamPlanOf(stream, undefined)).toMatchObject({ method: plan.method, types: null });
  // A method of that name that is none is another one.
  expect(streamPlanOf(stream, javaOf(`${plan.method}(int)`))).toMatchObject({ types: null });
});

test("a stream's message that does not fit Java's is refused, and so is a method that is no stream", () => {
  const orders = grpcServiceOf(feedSchema)!.methods.get("Orders")!;
  const java = javaOf("orders(long, long, org.apache.dubbo.common.stream.StreamObserver)");
  expect(() => streamPlanOf(orders, java)).toThrow("message com.acme.Int of 1 fields fits none of orders(long, long)");
  expect(() => streamPlanOf(method("Two"), undefined)).toThrow("Two is no stream");
});
