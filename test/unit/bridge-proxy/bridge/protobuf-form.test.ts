import { fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { CallError } from "../../../../src/base/errors.ts";
import {
  dubboToProtobuf,
  ProtobufView,
  protobufFormOf,
  protobufToDubbo,
} from "../../../../src/bridge-proxy/bridge/protobuf-form.ts";
import { argumentText } from "../../../../src/bridge-proxy/dubbo/argument-text.ts";
import { encodeStatusAnswer } from "../../../../src/codecs/dubbo2/answer.ts";
import { encodeOutcome } from "../../../../src/codecs/dubbo2/body.ts";
import { HEADER_BYTES, HESSIAN2 } from "../../../../src/codecs/dubbo2/frame.ts";
import { RequestHead } from "../../../../src/codecs/dubbo2/head.ts";
import { fieldValue } from "../../../../src/codecs/fields.ts";
import { valueToJson } from "../../../../src/codecs/hessian2/json.ts";
import { jsonToPlain } from "../../../../src/codecs/json-text.ts";
import { encodeRequestWrapper } from "../../../../src/codecs/triple/body.ts";
import { ENVELOPE_BYTES } from "../../../../src/codecs/triple/envelope.ts";
import { parseRequestHead } from "../../../../src/codecs/triple/head.ts";
import { decodeDetails } from "../../../../src/codecs/triple/status.ts";
import { mapValue, objectValue, type Value } from "../../../../src/codecs/value.ts";
import type { ServiceSchema } from "../../../../src/model/schema.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import { ordersMethod, ordersSchema } from "../../../support/proto-fixtures.ts";

const to = { service: serviceKey("com.acme.OrderService", "g", "1.0.0"), timeoutMs: 1000, token: "" };
const typed = { caller: ordersSchema, callee: ordersSchema };
const untyped = { caller: ordersSchema, callee: undefined };

function headOf(method: string, type = "application/grpc") {
  return parseRequestHead([":path", `/com.acme.OrderService/${method}`, "content-type", type, "user", "7"]);
}

function messageOf(method: string, json: unknown): Buffer {
  const { input } = ordersMethod(method);
  return Buffer.from(toBinary(input, fromJson(input, json as never)));
}

/** What the provider gets: method, parameter types, arguments as JSON, some attachments. */
function translated(
  method: string,
  json: unknown,
  schemas: { caller: ServiceSchema; callee: ServiceSchema | undefined } = typed,
) {
  const message = messageOf(method, json);
  const form = protobufFormOf(headOf(method), "application/grpc", message, schemas)!;
  const frame = protobufToDubbo(form, headOf(method), message, to);
  const scanned = new RequestHead();
  scanned.scan(frame, HEADER_BYTES, frame.length);
  const [types, args] = [1, 2].map((n) => jsonToPlain(valueToJson(scanned.argument(n)!)));
  const attachments = ["generic", "group", "version", "timeout", "user"].map((name) => scanned.attachments().get(name));
  return { method: scanned.effectiveMethod, types, args, attachments };
}

test("a protobuf call is a generic call with Java's types", () => {
  expect(translated("GetOrder", { id: "9007199254740993" })).toEqual({
    method: "getOrder",
    types: ["long"],
    args: ["9007199254740993"],
    attachments: ["true", "g", "1.0.0", "1000", "7"],
  });
});

test("where Java's types are not known the provider fits the arguments", () => {
  expect(translated("GetOrder", { id: "42" }, untyped)).toMatchObject({ method: "getOrder", types: null, args: [42] });
});

describe("which form a call has", () => {
  const wrapped = encodeRequestWrapper({ serializeType: "hessian4", args: [], argTypes: [] });
  const form = (method: string, message: Buffer, schemas: { caller: ServiceSchema | undefined; callee: undefined }) =>
    protobufFormOf(headOf(method), "application/grpc", message, schemas)?.method.name;

  test.each<[string, string, Buffer, string | undefined]>([
    ["a method of the .proto", "GetOrder", Buffer.alloc(0), "GetOrder"],
    ["a method by its name in Java", "getOrder", Buffer.alloc(0), "GetOrder"],
    ["a wrapper", "getOrder", wrapped, undefined],
    ["a message of the .proto that looks like a wrapper", "SayHi", messageOf("SayHi", "hessian4"), "SayHi"],
    ["a generic call", "$invoke", wrapped, undefined],
  ])("%s", (_, method, message, name) => {
    expect(form(method, message, untyped)).toBe(name);
  });

  test("without a schema a broken wrapper is refused as what it is", () => {
    const broken = Buffer.concat([Buffer.of(0x0a, 8), Buffer.from("hessian4"), Buffer.of(0x12, 1, 0x4e)]);
    expect(() => form("getOrder", broken, { caller: undefined, callee: undefined })).toThrow(
      "triple wrapper of 1 args and 0 argTypes",
    );
  });

  test("without a schema a wrapper is one, and any other message is refused with where types can be said", () => {
    const none = { caller: undefined, callee: undefined };
    expect(form("getOrder", wrapped, none)).toBeUndefined();
    expect(() => form("GetOrder", Buffer.alloc(0), none)).toThrow(
      "the protobuf messages of com.acme.OrderService are not known here: they may be said in a .proto file under protos:, by gRPC reflection, or in a metadata report",
    );
  });

  test("descriptors that cannot be read are no fault of a wrapped call", () => {
    const broken = { caller: { name: "com.acme.OrderService", protobuf: "AAAA" }, callee: undefined };
    expect(form("getOrder", wrapped, broken)).toBeUndefined();
    expect(() => form("GetOrder", Buffer.alloc(0), broken)).toThrow("FileDescriptorSet");
  });

  test.each([
    ["a method that the service does not have", "Nothing", "service com.acme.OrderService has no method Nothing"],
    ["a stream", "Watch", "Watch is a stream, which is not translated"],
  ])("%s is refused", (_, method, text) => {
    const run = () => {
      const found = protobufFormOf(headOf(method), "application/grpc", Buffer.alloc(0), typed)!;
      protobufToDubbo(found, headOf(method), Buffer.alloc(0), to);
    };
    expect(run).toThrow(text);
    expect(run).toThrow(CallError);
  });

  test("bytes that are no message are refused", () => {
    const found = protobufFormOf(headOf("GetOrder"), "application/grpc", Buffer.alloc(0), typed)!;
    expect(() => protobufToDubbo(found, headOf("GetOrder"), Buffer.from("08ff", "hex"), to)).toThrow(
      "no com.acme.GetOrderRequest: ",
    );
  });
});

describe("arguments as rules see them", () => {
  const viewed = (method: string, json: unknown) => {
    const message = messageOf(method, json);
    return new ProtobufView(protobufFormOf(headOf(method), "application/grpc", message, typed)!, message);
  };

  test("are those that a provider would get", () => {
    expect(argumentText(viewed("GetOrder", { id: "42" }), "0")).toBe("42");
    expect(argumentText(viewed("CreateOrder", { customer: { name: "Zoë" }, status: 1 }), "0.customer.name")).toBe(
      "Zoë",
    );
    expect(argumentText(viewed("CreateOrder", { status: 1 }), "0.status")).toBe("PAID");
    expect(argumentText(viewed("GetOrder", { id: "42" }), "1")).toBeUndefined();
  });

  test("are of a stream those of its first message", () => {
    expect(viewed("Watch", { value: 1 }).effectiveArgument(0)).toBe(1);
    expect(viewed("Watch", { value: 1 }).effectiveArgument(1)).toBeUndefined();
  });
});

describe("answers", () => {
  const form = (method: string, type = "application/grpc") =>
    protobufFormOf(headOf(method, type), type, Buffer.alloc(0), typed)!;
  const answered = (method: string, value: Value, attachments?: Record<string, Value>) => {
    const frame = encodeOutcome(0, 1, { type: "value", value, ...(attachments && { attachments }) });
    return dubboToProtobuf(form(method), frame, 0, frame.length);
  };

  test("a map of a generic answer is a message, in its envelope, with attachments as trailers", () => {
    const value = mapValue([
      ["class", "com.acme.Order"],
      ["id", 9007199254740993n],
      ["status", "PAID"],
      ["note", null],
    ]);
    const reply = answered("GetOrder", value, { dubbo: "2.0.2", "x-answer": "a" });
    const { output } = ordersMethod("GetOrder");
    const message = fromBinary(output, reply.body!.subarray(ENVELOPE_BYTES));
    expect(toJson(output, message)).toEqual({ id: "9007199254740993", status: "ORDER_STATUS_PAID" });
    expect(reply.body!.readUInt32BE(1)).toBe(reply.body!.length - ENVELOPE_BYTES);
    expect(reply.head).toEqual([":status", "200", "content-type", "application/grpc"]);
    expect(reply.trailers).toEqual(["grpc-status", "0", "dubbo", "2.0.2", "x-answer", "a"]);
  });

  test("nothing is an empty message", () => {
    expect(answered("CancelOrder", null).body).toEqual(Buffer.alloc(ENVELOPE_BYTES));
  });

  test("a value that does not fit its field is an error with the field's path", () => {
    expect(() => answered("EchoInt", 1n << 40n)).toThrow("field value: the number 1099511627776 does not fit int32");
  });

  test.each<[string, Value, string, string]>([
    [
      "a generic call's exception",
      objectValue("org.apache.dubbo.rpc.service.GenericException", [
        ["exceptionClass", "com.acme.OrderException"],
        ["exceptionMessage", "no such order"],
      ]),
      "2",
      "com.acme.OrderException: no such order",
    ],
    [
      "an exception without a message",
      objectValue("java.lang.IllegalStateException", [["detailMessage", null]]),
      "2",
      "java.lang.IllegalStateException",
    ],
    [
      "an RpcException by its code",
      objectValue("org.apache.dubbo.rpc.RpcException", [
        ["code", 4],
        ["detailMessage", "no"],
      ]),
      "7",
      "org.apache.dubbo.rpc.RpcException: no",
    ],
    [
      "a method that the provider does not have",
      objectValue("org.apache.dubbo.rpc.RpcException", [
        ["code", 0],
        ["detailMessage", "java.lang.NoSuchMethodException: a.B.c()"],
      ]),
      "12",
      "org.apache.dubbo.rpc.RpcException: java.lang.NoSuchMethodException: a.B.c()",
    ],
  ])("%s", (_, value, status, text) => {
    const frame = encodeOutcome(0, 1, { type: "exception", value });
    const reply = dubboToProtobuf(form("GetOrder"), frame, 0, frame.length);
    expect([
      fieldValue(reply.head, "grpc-status"),
      decodeURIComponent(fieldValue(reply.head, "grpc-message")!),
    ]).toEqual([status, text]);
    expect(decodeDetails(fieldValue(reply.head, "grpc-status-details-bin")!)).toMatchObject({
      code: Number(status),
      message: text,
    });
    expect([reply.body, reply.isException]).toEqual([undefined, true]);
  });

  test("a text without end is cut to what callers take", () => {
    const value = objectValue("a.B", [["detailMessage", "x".repeat(100_000)]]);
    const frame = encodeOutcome(0, 1, { type: "exception", value });
    const { head } = dubboToProtobuf(form("GetOrder"), frame, 0, frame.length);
    expect(head.reduce((sum, one) => sum + one.length, 0)).toBeLessThan(8192);
  });

  test("a status of Dubbo2 is gRPC's", () => {
    const frame = encodeStatusAnswer(0, 1, HESSIAN2, 31, "too late");
    const { head } = dubboToProtobuf(form("GetOrder"), frame, 0, frame.length);
    expect(head).toEqual([
      ":status",
      "200",
      "content-type",
      "application/grpc",
      "grpc-status",
      "4",
      "grpc-message",
      "too%20late",
    ]);
  });

  test.each([
    ["a stack trace is cut", "a.B: no\na.B: no\n\tat c.D(E.java:1)", typed, "13", "a.B: no"],
    [
      "a method that is not there",
      "a.RpcException: No such method x in class interface y\n\tat",
      typed,
      "12",
      "a.RpcException: No such method x in class interface y",
    ],
    [
      "overloads that the provider cannot tell",
      "Not unique method for method name(find)",
      untyped,
      "13",
      "Not unique method for method name(find); Java's types of the method are not known to trestle",
    ],
  ])("%s", (_, said, schemas, status, text) => {
    const known = protobufFormOf(headOf("GetOrder"), "application/grpc", Buffer.alloc(0), schemas)!;
    const frame = encodeStatusAnswer(0, 1, HESSIAN2, 70, said);
    const { head } = dubboToProtobuf(known, frame, 0, frame.length);
    expect(fieldValue(head, "grpc-status")).toBe(status);
    expect(decodeURIComponent(fieldValue(head, "grpc-message")!)).toBe(text);
  });

  test("messages in JSON are answered in JSON", () => {
    const type = "application/grpc+json";
    const json = form("EchoLong", type);
    const frame = protobufToDubbo(json, headOf("EchoLong", type), Buffer.from('{"value":"5"}'), to);
    const scanned = new RequestHead();
    scanned.scan(frame, HEADER_BYTES, frame.length);
    expect(scanned.effectiveArgument(0)).toBe(5n);
    const answer = encodeOutcome(0, 1, { type: "value", value: 6n });
    const reply = dubboToProtobuf(json, answer, 0, answer.length);
    expect(reply.head).toContain(type);
    expect(JSON.parse(reply.body!.subarray(ENVELOPE_BYTES).toString())).toEqual({ value: "6" });
  });

  test("whole numbers in JSON keep all their digits, and JSON of over a million values is refused", () => {
    const type = "application/grpc+json";
    const json = form("EchoLong", type);
    const frameOf = (text: string) => protobufToDubbo(json, headOf("EchoLong", type), Buffer.from(text), to);
    const frame = frameOf('{"value":9007199254740993}');
    const scanned = new RequestHead();
    scanned.scan(frame, HEADER_BYTES, frame.length);
    expect(scanned.effectiveArgument(0)).toBe(9007199254740993n);
    const many = `{"none":[${"0,".repeat(1_000_000)}0]}`;
    expect(() => frameOf(many)).toThrow(/^no \S+: json of more values than maxValues 1000000$/);
  });
});
