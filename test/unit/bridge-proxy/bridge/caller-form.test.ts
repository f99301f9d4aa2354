import { fromJson, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { CallError, ProtocolError } from "../../../../src/base/errors.ts";
import { callerFormOf, faultIn, refuseCarriedForms } from "../../../../src/bridge-proxy/bridge/caller-form.ts";
import { encodeOutcome } from "../../../../src/codecs/dubbo2/body.ts";
import { HEADER_BYTES } from "../../../../src/codecs/dubbo2/frame.ts";
import { RequestHead } from "../../../../src/codecs/dubbo2/head.ts";
import { fieldValue } from "../../../../src/codecs/fields.ts";
import { encodeHessian2 } from "../../../../src/codecs/hessian2/writer.ts";
import { printAnswerHead, printTrailers } from "../../../../src/codecs/triple/answer.ts";
import { encodeRequestWrapper } from "../../../../src/codecs/triple/body.ts";
import { encodeEnvelope } from "../../../../src/codecs/triple/envelope.ts";
import { parseRequestHead } from "../../../../src/codecs/triple/head.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import { ordersMethod, ordersSchema } from "../../../support/proto-fixtures.ts";

const destination = { service: serviceKey("com.acme.OrderService", "", ""), timeoutMs: 1000, token: "" };

function formOf(method: string, contentType: string, content: Buffer) {
  const path = `/com.acme.OrderService/${method}`;
  const head = parseRequestHead([":path", path, "content-type", contentType]);
  const schemas = { caller: ordersSchema, callee: ordersSchema };
  return callerFormOf({ head, path, contentType, schemas, destination }, content, 1024);
}

const framed = (message: Uint8Array) => Buffer.concat([encodeEnvelope(message.length), message]);
const { input } = ordersMethod("SayHi");
const protobuf = framed(toBinary(input, fromJson(input, "bob")));
const wrapped = framed(
  encodeRequestWrapper({
    serializeType: "hessian4",
    args: [Buffer.from(encodeHessian2("bob"))],
    argTypes: ["java.lang.String"],
  }),
);
const json = Buffer.from('["bob"]');

describe.each([
  { name: "protobuf", method: "SayHi", type: "application/grpc", content: protobuf, answers: "application/grpc" },
  {
    name: "the wrapper",
    method: "sayHi",
    type: "application/grpc+proto",
    content: wrapped,
    answers: "application/grpc",
  },
  { name: "JSON", method: "sayHi", type: "application/json", content: json, answers: "application/json" },
])("a call in $name", ({ method, type, content, answers }) => {
  test("is a Dubbo2 frame of the Java method with its argument", () => {
    const { frame } = formOf(method, type, content);
    const scanned = new RequestHead();
    scanned.scan(frame, HEADER_BYTES, frame.length);
    expect([scanned.effectiveMethod, scanned.effectiveArgument(0)]).toEqual(["sayHi", "bob"]);
  });

  test("is answered in kind", () => {
    const answer = encodeOutcome(0, 0, { type: "value", value: "hi bob" });
    const { head, body } = formOf(method, type, content).reply(answer, 0, answer.length);
    expect(fieldValue(head, "content-type")).toMatch(answers);
    expect(body!.toString("latin1")).toContain("hi bob");
  });

  test("hears the number and text of a provider's status", () => {
    const trailers = printTrailers({ grpc: 9, message: "not now" }).fields;
    const reply = formOf(method, type, content).status({ head: printAnswerHead(), message: undefined, trailers })!;
    expect([...reply.head, ...(reply.trailers ?? []), reply.body?.toString()].join()).toMatch(
      type === "application/json" ? /:status,400,.*not now/ : /:status,200,.*grpc-status,9,grpc-message,not%20now/,
    );
  });
});

test("a message that is not whole is refused", () => {
  expect(() => formOf("SayHi", "application/grpc", Buffer.from([0, 255, 255, 255, 255]))).toThrow(ProtocolError);
});

test.each([
  [new CallError("unimplemented", "untranslatable", "no"), { reason: "untranslatable", message: "no" }],
  [new ProtocolError("triple", "bad"), { reason: "undecodable", message: expect.stringContaining("bad") }],
])("%s is a fault of the call", (error, expected) => {
  expect(faultIn(error)).toMatchObject(expected);
});

test("what is wrong with Trestle itself is none", () => {
  expect(faultIn(new TypeError("x"))).toBeUndefined();
});

test.each(["application/proto", "application/connect+proto", "application/connect+json"])(
  "content of type %s is refused with a text that says what is taken",
  (type) => {
    const head = parseRequestHead([":path", "/com.acme.OrderService/SayHi", "content-type", type]);
    expect(() => refuseCarriedForms(head, type)).toThrow(
      expect.objectContaining({
        reason: "untranslatable",
        message: `content of type "${type}" is not translated for this provider: application/grpc, grpc-web and application/json are`,
      }),
    );
  },
);

test.each(["application/grpc", "application/grpc+json", "application/json", "text/plain", ""])(
  "content of type %j is not refused for its type",
  (type) => {
    const head = parseRequestHead([":path", "/com.acme.OrderService/SayHi", "content-type", type]);
    expect(() => refuseCarriedForms(head, type)).not.toThrow();
  },
);
