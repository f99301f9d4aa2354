import { fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import type { CallerCall } from "../../../../src/bridge-proxy/bridge/caller-form.ts";
import { type StreamForm, streamFormOf } from "../../../../src/bridge-proxy/bridge/stream-form.ts";
import { encodeFastjson2 } from "../../../../src/codecs/fastjson2/writer.ts";
import { valueToJson } from "../../../../src/codecs/hessian2/json.ts";
import { decodeHessian2 } from "../../../../src/codecs/hessian2/reader.ts";
import { encodeHessian2 } from "../../../../src/codecs/hessian2/writer.ts";
import { javaClasses } from "../../../../src/codecs/java-classes.ts";
import { jsonToPlain } from "../../../../src/codecs/json-text.ts";
import { grpcServiceOf } from "../../../../src/codecs/protobuf/service.ts";
import {
  decodeRequestWrapper,
  decodeResponseWrapper,
  encodeRequestWrapper,
  encodeResponseWrapper,
} from "../../../../src/codecs/triple/body.ts";
import { parseRequestHead } from "../../../../src/codecs/triple/head.ts";
import { fieldOf, type ObjectValue, objectValue, type Value } from "../../../../src/codecs/value.ts";
import type { ServiceSchema } from "../../../../src/model/schema.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import { mutate, seeded } from "../../../support/mutate.ts";
import { feedReported, feedSchema, ordersSchema } from "../../../support/proto-fixtures.ts";

const protoAlone = { name: feedSchema.name, protobuf: feedSchema.protobuf! };
const methods = grpcServiceOf(feedSchema)!.methods;

function callOf(method: string, callee: ServiceSchema | undefined, more: Partial<CallerCall> = {}): CallerCall {
  const contentType = more.contentType ?? "application/grpc";
  return {
    head: parseRequestHead([":path", `/com.acme.OrderFeed/${method}`, "content-type", contentType]),
    contentType,
    path: "",
    schemas: { caller: feedSchema, callee },
    destination: { service: serviceKey("com.acme.OrderFeed", "", ""), timeoutMs: 1000, token: "" },
    ...more,
  };
}

const toWrapper = (method: string, callee: ServiceSchema | undefined = feedSchema) =>
  streamFormOf(callOf(method, callee), undefined)!;
const toProtobuf = (method: string, callee: ServiceSchema = feedSchema) =>
  streamFormOf(callOf(method, callee), callee)!;

function input(method: string, json: unknown): Buffer {
  const type = methods.get(method)!.input;
  return Buffer.from(toBinary(type, fromJson(type, json as never)));
}

function output(method: string, bytes: Uint8Array): unknown {
  const type = methods.get(method)!.output;
  return toJson(type, fromBinary(type, bytes));
}

/** What the provider gets: types and values as JSON, classes of objects. */
function wrapped(form: StreamForm, message: Buffer) {
  const { serializeType, args, argTypes } = decodeRequestWrapper(Buffer.from(form.request(message)));
  const values = args.map((arg) => decodeHessian2(arg));
  const classes = values.map((value) => (value as { shape?: { name: string } }).shape?.name);
  return { serializeType, argTypes, json: values.map((value) => jsonToPlain(valueToJson(value))), classes };
}

const answer = (value: Value) =>
  encodeResponseWrapper({ serializeType: "hessian4", data: encodeHessian2(value), type: "com.acme.Order" });
const order = objectValue("com.acme.Order", [
  ["id", 7n],
  ["note", "n"],
]);

test("a request message is the arguments of a method that answers with a stream", () => {
  const form = toWrapper("Orders");
  expect(form.method).toBe("orders");
  expect(wrapped(form, input("Orders", { value: 3 }))).toMatchObject({
    serializeType: "hessian4",
    argTypes: ["int"],
    json: [3],
  });
  expect(wrapped(toWrapper("Orders", protoAlone), input("Orders", { value: 3 }))).toMatchObject({
    argTypes: ["int"],
    json: [3],
  });
});

test("each message of a stream is an object of Java's class, or of its message's own", () => {
  const message = input("Review", { id: "7", note: "n", total: "1.50" });
  for (const callee of [feedSchema, protoAlone, undefined]) {
    expect(wrapped(toWrapper("Review", callee), message)).toMatchObject({
      argTypes: ["com.acme.Order"],
      classes: ["com.acme.Order"],
      json: [{ id: 7, note: "n" }],
    });
  }
});

test("an answer of a Java provider is the method's message", () => {
  expect(output("Review", toWrapper("Review").answer(answer(order)))).toEqual({ id: "7", note: "n" });
  expect(output("Collect", toWrapper("Collect").answer(answer("2 orders")))).toBe("2 orders");
});

test("an exception of a Java provider is a status with its class and message", () => {
  const thrown = objectValue("com.acme.OrderException", [["detailMessage", "no such order"]]);
  expect(toWrapper("Review").thrown!(answer(thrown))).toEqual({
    grpc: 2,
    text: "com.acme.OrderException: no such order",
  });
});

const request = (args: readonly Value[], argTypes: readonly string[]) =>
  encodeRequestWrapper({ serializeType: "hessian4", args: args.map((arg) => encodeHessian2(arg)), argTypes });

test("a Java consumer's messages are the method's, its arguments their fields", () => {
  const orders = toProtobuf("orders");
  expect(orders.method).toBe("Orders");
  expect(Buffer.from(orders.request(request([5], ["int"]))).toString("hex")).toBe("0805");
  const review = toProtobuf("review");
  expect(output("Review", review.request(request([order], ["com.acme.Order"])))).toEqual({ id: "7", note: "n" });
  expect(orders.thrown).toBeUndefined();
});

test("in fastjson2, which 3.2 prefers, too", () => {
  const value = Buffer.from(encodeFastjson2(5));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  const message = encodeRequestWrapper({
    serializeType: "fastjson2",
    args: [Buffer.concat([length, value])],
    argTypes: ["int"],
  });
  expect(Buffer.from(toProtobuf("orders").request(message)).toString("hex")).toBe("0805");
});

test("a gRPC provider's messages are objects of the class that Java names, all fields set", () => {
  for (const callee of [feedSchema, protoAlone]) {
    const { data, type, serializeType } = decodeResponseWrapper(
      Buffer.from(toProtobuf("review", callee).answer(input("Review", { id: "7" }))),
    );
    const value = decodeHessian2(data) as { shape: { name: string } } & Value;
    expect([serializeType, type, value.shape.name]).toEqual(["hessian4", "java.lang.Object", "com.acme.Order"]);
    expect(jsonToPlain(valueToJson(value))).toMatchObject({ id: 7, servedBy: "" });
  }
  const text = decodeResponseWrapper(Buffer.from(toProtobuf("collect").answer(Buffer.from("0a0161", "hex"))));
  expect(decodeHessian2(text.data)).toBe("a");
});

test.each<[string, () => unknown, string]>([
  ["is no protobuf", () => toWrapper("Review").request(Buffer.of(0xff)), "no com.acme.Order"],
  ["is no wrapper", () => toProtobuf("review").request(Buffer.from("0801", "hex")), "triple wrapper without"],
  [
    "is in another format",
    () =>
      toProtobuf("review").request(
        encodeRequestWrapper({ serializeType: "msgpack", args: [Buffer.of(1)], argTypes: ["int"] }),
      ),
    'wrapper in "msgpack", only hessian and fastjson2 are translated',
  ],
  ["does not fit", () => toWrapper("Review").answer(answer(5)), "does not fit a message com.acme.Order"],
])("a message that %s is refused", (_name, translate, message) => {
  expect(translate).toThrow(message);
});

test("methods that are no streams, and JSON, have another form", () => {
  expect(streamFormOf(callOf("Nope", feedSchema), undefined)).toBeUndefined();
  expect(streamFormOf(callOf("orders", feedSchema), undefined)).toBeUndefined();
  expect(streamFormOf(callOf("orders", feedSchema, { contentType: "application/json" }), feedSchema)).toBeUndefined();
  expect(streamFormOf(callOf("orders", undefined), { name: "com.acme.OrderFeed" })).toBeUndefined();
});

test("a caller outside the mesh sends no serialized Java objects", () => {
  const form = streamFormOf(callOf("orders", feedSchema, { outside: true }), feedSchema)!;
  expect(() => form.request(request([5], ["int"]))).toThrow("not taken from outside the mesh");
});

test("mutated messages are translated or refused, and nothing else", () => {
  const below = seeded(17);
  const corpus = [
    input("Review", { id: "7", note: "n", lines: [{ sku: "a" }], customer: { tags: { a: "b" } } }),
    request([order], ["com.acme.Order"]),
    answer(order),
  ];
  const forms = [toWrapper("Review"), toProtobuf("review"), toWrapper("Orders"), toProtobuf("orders", protoAlone)];
  for (let i = 0; i < 3000; i++) {
    const mutant = mutate(corpus[below(corpus.length)]!, corpus, [0x0a, 0x12, 0x1a, 0xff, 0x80], below);
    const form = forms[below(forms.length)]!;
    for (const translate of [form.request, form.answer, form.thrown ?? form.answer]) {
      try {
        translate(mutant);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }
  }
});

test("classes that a stream's own metadata leaves out are those of other interfaces'", () => {
  const more = { classes: () => javaClasses([ordersSchema]) };
  const form = streamFormOf(callOf("Review", feedReported, more), undefined)!;
  const message = input("Review", { id: "7", total: "1.50", status: "ORDER_STATUS_PAID" });
  const { args, argTypes } = decodeRequestWrapper(Buffer.from(form.request(message)));
  const value = decodeHessian2(args[0]!) as ObjectValue;
  expect([argTypes, value.shape.name]).toEqual([["com.acme.Order"], "com.acme.Order"]);
  const className = (name: string) => (fieldOf(value, name) as ObjectValue).shape.name;
  expect([className("total"), className("status")]).toEqual(["java.math.BigDecimal", "com.acme.OrderStatus"]);
  const back = streamFormOf(callOf("review", feedReported, more), feedReported)!;
  const { data } = decodeResponseWrapper(Buffer.from(back.answer(message)));
  expect((fieldOf(decodeHessian2(data) as ObjectValue, "status") as ObjectValue).shape.name).toBe(
    "com.acme.OrderStatus",
  );
});

test("a stream that the Java interface is known not to have is refused, else the provider is to say", () => {
  const callee = { ...feedReported, java: { methods: [], types: {} } };
  expect(() => toWrapper("Review", callee)).toThrow("the Java interface of com.acme.OrderFeed has no method review");
  expect(toWrapper("Review", protoAlone).method).toBe("review");
});
