import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  grpcToDubbo,
  isGrpcRequest,
  toGrpcRequest,
  toTripleOrGrpc,
} from "../../../../src/bridge-proxy/bridge/grpc-form.ts";
import { fromBeanForm, toBeanForm } from "../../../../src/codecs/bean-form.ts";
import { decodeResponse, encodeRequest } from "../../../../src/codecs/dubbo2/body.ts";
import { GENERIC_DESCRIPTOR } from "../../../../src/codecs/dubbo2/head.ts";
import { fieldValue } from "../../../../src/codecs/fields.ts";
import { bigDecimalValue, enumValue } from "../../../../src/codecs/hessian2/java.ts";
import { grpcServiceOf } from "../../../../src/codecs/protobuf/service.ts";
import { ENVELOPE_BYTES } from "../../../../src/codecs/triple/envelope.ts";
import { dateValue, listValue, mapValue, objectValue, type Value } from "../../../../src/codecs/value.ts";
import type { ServiceSchema } from "../../../../src/model/schema.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import { ordersJava, ordersMethod, ordersSchema, protobufOf } from "../../../support/proto-fixtures.ts";

const to = {
  authority: "10.0.0.1:50051",
  service: serviceKey("com.acme.OrderService", "", ""),
  timeoutMs: 1000,
  spentMs: 0,
  token: "",
};

function frameOf(method: string, descriptor: string, args: Value[], attachments: Record<string, Value> = {}): Buffer {
  const { interface: name, group, version } = to.service;
  const service = { interface: name, group, version, method, descriptor, args, attachments };
  return encodeRequest({ idHigh: 0, idLow: 1, twoWay: true, ...service });
}

const generic = (method: string, types: Value, args: Value[], style = "true") =>
  frameOf("$invoke", GENERIC_DESCRIPTOR, [method, types, listValue(args)], { generic: style });

function request(frame: Buffer, schema: ServiceSchema = ordersSchema) {
  return toGrpcRequest(frame, to, grpcServiceOf(schema)!, schema.java);
}

function sent(frame: Buffer, schema?: ServiceSchema) {
  const { method, fields, body } = request(frame, schema);
  return [fieldValue(fields, ":path"), toJson(method.input, fromBinary(method.input, body.subarray(ENVELOPE_BYTES)))];
}

const order = objectValue("com.acme.Order", [
  ["id", 7n],
  ["status", enumValue("com.acme.OrderStatus", "PAID")],
  ["total", bigDecimalValue("1.50")],
  ["created", dateValue(0)],
  ["customer", null],
]);

test.each<[string, Buffer, string, JsonValue]>([
  ["a scalar", frameOf("getOrder", "J", [42n]), "GetOrder", { id: "42" }],
  [
    "an object",
    frameOf("createOrder", "Lcom/acme/Order;", [order]),
    "CreateOrder",
    { id: "7", status: "ORDER_STATUS_PAID", total: "1.50", created: "1970-01-01T00:00:00Z" },
  ],
  ["null", frameOf("createOrder", "Lcom/acme/Order;", [null]), "CreateOrder", {}],
  ["a wrapper of protobuf's", frameOf("sayHi", "Ljava/lang/String;", ["Zoë"]), "SayHi", "Zoë"],
  ["no argument", frameOf("whoAmI", "", []), "WhoAmI", {}],
  ["a list", frameOf("ordersByKey", "Ljava/util/List;", [listValue(["a"])]), "OrdersByKey", { keys: ["a"] }],
  ["a generic call", generic("getOrder", listValue(["long"]), [42]), "GetOrder", { id: "42" }],
  [
    "a generic call's descriptors",
    generic("createOrder", null, [toBeanForm(order)], "bean"),
    "CreateOrder",
    { id: "7", status: "ORDER_STATUS_PAID", total: "1.50", created: "1970-01-01T00:00:00Z" },
  ],
  [
    "a generic call's map",
    generic("createOrder", null, [
      mapValue([
        ["class", "com.acme.Order"],
        ["id", 7],
      ]),
    ]),
    "CreateOrder",
    { id: "7" },
  ],
])("%s", (_, frame, method, json) => {
  expect(sent(frame)).toEqual([`/com.acme.OrderService/${method}`, json]);
});

describe("several arguments", () => {
  const schema: ServiceSchema = {
    name: "a.B",
    protobuf: protobufOf(`syntax = "proto3"; package a; service B { rpc Two(Two) returns (Two); }
      message Two { int64 second = 2; string first = 1; }`),
  };
  const frame = frameOf("two", "Ljava/lang/String;J", ["x", 7n]);

  test("are fields in the order of their numbers", () => {
    expect(sent(frame, schema)).toEqual(["/a.B/Two", { first: "x", second: "7" }]);
  });

  test("are fields by their names where those are known", () => {
    const form = {
      name: "two",
      parameterTypes: ["long", "java.lang.String"],
      returnType: "void",
      parameterNames: ["second", "first"],
    };
    const named = { ...schema, java: { methods: [form], types: {} } };
    expect(sent(frameOf("two", "JLjava/lang/String;", [7n, "x"]), named)).toEqual([
      "/a.B/Two",
      { first: "x", second: "7" },
    ]);
  });

  test("must be as many as the fields", () => {
    expect(() => sent(frameOf("two", "JJJ", [1n, 2n, 3n]), schema)).toThrow(
      "3 arguments do not fit message a.Two of 2 fields",
    );
  });
});

test("attachments are metadata, but what makes a call a generic one", () => {
  const { fields } = request(frameOf("getOrder", "J", [1n], { user: "7", generic: "true" }));
  expect(fieldValue(fields, "user")).toBe("7");
  expect(fieldValue(fields, "generic")).toBeUndefined();
  expect(fieldValue(fields, "grpc-timeout")).toBe("1000m");
});

test.each([
  [
    "a method that the service does not have",
    frameOf("toString", "", []),
    "gRPC service com.acme.OrderService has no method for toString",
  ],
  ["a stream", frameOf("watch", "I", [1]), "Watch is a stream, which is not translated"],
  [
    "another form of generic call",
    generic("getOrder", null, [1], "nativejava"),
    "a generic call in the form nativejava is not translated",
  ],
  [
    "an argument that does not fit",
    frameOf("echoInt", "J", [1n << 40n]),
    "field value: the number 1099511627776 does not fit int32",
  ],
])("%s is refused", (_, frame, text) => {
  expect(() => request(frame)).toThrow(text);
});

test("a service without protobuf is called in Triple's wrapper", () => {
  const frame = frameOf("getOrder", "J", [1n]);
  expect(isGrpcRequest(toTripleOrGrpc(frame, to, undefined))).toBe(false);
  expect(isGrpcRequest(toTripleOrGrpc(frame, to, { name: "com.acme.OrderService", java: ordersJava }))).toBe(false);
  expect(isGrpcRequest(toTripleOrGrpc(frame, to, ordersSchema))).toBe(true);
});

describe("answers", () => {
  const head = [":status", "200", "content-type", "application/grpc"];
  const trailers = ["grpc-status", "0", "x-answer", "a"];
  const answered = (frame: Buffer, message: Buffer | undefined, schema = ordersSchema) => {
    const answer = grpcToDubbo(0, 1, request(frame, schema), { head, message, trailers });
    return decodeResponse(answer, 0, answer.length);
  };
  const message = (method: string, json: JsonValue) => {
    const { output } = ordersMethod(method);
    return Buffer.from(toBinary(output, fromJson(output, json)));
  };
  const one = message("GetOrder", { id: "7", status: "ORDER_STATUS_PAID", total: "1.5" });

  test("are objects of the classes that the method returns", () => {
    const { value, type, attachments } = answered(frameOf("getOrder", "J", [1n]), one);
    expect([type, value]).toEqual([
      "value",
      objectValue("com.acme.Order", [
        ["id", 7n],
        ["status", enumValue("com.acme.OrderStatus", "PAID")],
        ["total", bigDecimalValue("1.5")],
        ["signature", new Uint8Array()],
        ["lines", listValue([])],
        ["servedBy", ""],
      ]),
    ]);
    expect(attachments).toEqual(
      mapValue([
        ["x-answer", "a"],
        ["dubbo", "2.0.2"],
      ]),
    );
  });

  test("are descriptors for generic calls that send such", () => {
    const { value } = answered(generic("getOrder", listValue(["long"]), [toBeanForm(1)], "bean"), one);
    expect(fromBeanForm(value)).toEqual(answered(frameOf("getOrder", "J", [1n]), one).value);
  });

  test("are maps for generic calls", () => {
    const { value } = answered(generic("getOrder", listValue(["long"]), [1]), one);
    expect(value).toMatchObject({ type: "map", entries: expect.arrayContaining([["status", "PAID"]]) as unknown });
  });

  test.each<[string, string, string, JsonValue, Value]>([
    ["the only field of a message", "listOrders", "ListOrders", { orders: [] }, listValue([])],
    ["a scalar", "notes", "Notes", { value: 5 }, 5],
    ["a wrapper of protobuf's", "sayHi", "SayHi", "hi", "hi"],
    ["nothing", "cancelOrder", "CancelOrder", {}, null],
  ])("are %s", (_, name, method, json, expected) => {
    const descriptor = { listOrders: "I", notes: "Ljava/lang/String;", sayHi: "Ljava/lang/String;", cancelOrder: "J" }[
      name
    ]!;
    const arg = descriptor.startsWith("L") ? "x" : 1;
    expect(answered(frameOf(name, descriptor, [arg]), message(method, json)).value).toEqual(expected);
  });

  test.each<[string, Buffer | undefined, string]>([
    ["no message", undefined, "answer without a message"],
    ["bytes that are no message", Buffer.from("08ff", "hex"), "no com.acme.Order: "],
    [
      "a total that is no number",
      message("GetOrder", { total: "x" }),
      'field total: string "x" does not fit java.math.BigDecimal',
    ],
  ])("%s is an exception, since the callee has done its work", (_, bytes, text) => {
    const { type, value } = answered(frameOf("getOrder", "J", [1n]), bytes);
    expect(type).toBe("exception");
    expect(value).toMatchObject({ shape: { name: "java.lang.RuntimeException" } });
    expect(JSON.stringify(value)).toContain(JSON.stringify(text).slice(1, -1));
  });

  test("an error of gRPC is a status of Dubbo2, or an exception", () => {
    const failed = (status: string) => {
      const fields = ["grpc-status", status, "grpc-message", "too late"];
      const answer = grpcToDubbo(0, 1, request(frameOf("getOrder", "J", [1n])), {
        head,
        message: undefined,
        trailers: fields,
      });
      return decodeResponse(answer, 0, answer.length);
    };
    expect(failed("4")).toMatchObject({ status: 31, text: "too late" });
    expect(failed("5")).toMatchObject({ status: 20, type: "exception" });
  });
});
