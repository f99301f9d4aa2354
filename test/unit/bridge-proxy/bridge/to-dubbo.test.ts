import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { onlyMessage, toDubboRequest, toTripleReply } from "../../../../src/bridge-proxy/bridge/to-dubbo.ts";
import { encodeStatusAnswer } from "../../../../src/codecs/dubbo2/answer.ts";
import { encodeOutcome } from "../../../../src/codecs/dubbo2/body.ts";
import { HEADER_BYTES, HESSIAN2 } from "../../../../src/codecs/dubbo2/frame.ts";
import { RequestHead } from "../../../../src/codecs/dubbo2/head.ts";
import { Hessian2Reader } from "../../../../src/codecs/hessian2/reader.ts";
import { encodeHessian2 } from "../../../../src/codecs/hessian2/writer.ts";
import { decodeResponseWrapper, encodeRequestWrapper } from "../../../../src/codecs/triple/body.ts";
import { ENVELOPE_BYTES, encodeEnvelope } from "../../../../src/codecs/triple/envelope.ts";
import { parseRequestHead } from "../../../../src/codecs/triple/head.ts";
import { objectValue } from "../../../../src/codecs/value.ts";
import { serviceKey } from "../../../../src/model/service.ts";

const head = parseRequestHead([
  ":path",
  "/com.acme.A/get",
  "content-type",
  "application/grpc+proto",
  "tri-consumer-appname",
  "shop",
  "userid",
  "7",
]);
const message = encodeRequestWrapper({
  serializeType: "hessian4",
  args: [encodeHessian2(42n)],
  argTypes: ["long"],
});
const service = serviceKey("com.acme.A", "g", "1.0.0");

test("a wrapped call becomes a Dubbo2 frame with what Dubbo2 callees read", () => {
  const frame = toDubboRequest(head, message, { service, timeoutMs: 1499.2, token: "t" });
  const scanned = new RequestHead();
  scanned.scan(frame, HEADER_BYTES, frame.length);
  expect([scanned.service, scanned.version, scanned.method, scanned.descriptor, scanned.argument(0)]).toEqual([
    "com.acme.A",
    "1.0.0",
    "get",
    "J",
    42n,
  ]);
  const attachments = scanned.attachments();
  const names = ["path", "interface", "group", "version", "timeout", "remote.application", "token", "userid"];
  expect(names.map((name) => attachments.get(name))).toEqual([
    "com.acme.A",
    "com.acme.A",
    "g",
    "1.0.0",
    "1500",
    "shop",
    "t",
    "7",
  ]);
});

test("a protobuf message is refused", () => {
  const destination = { service, timeoutMs: Number.POSITIVE_INFINITY, token: "" };
  expect(() => toDubboRequest(head, Buffer.from("0801", "hex"), destination)).toThrow("protobuf message");
});

test("a call that is to be answered with a stream is refused", () => {
  const observer = `1a2d${Buffer.from("org.apache.dubbo.common.stream.StreamObserver").toString("hex")}`;
  const wrapper = Buffer.from(`0a086865737369616e341201931a03696e74${observer}`, "hex");
  const destination = { service, timeoutMs: Number.POSITIVE_INFINITY, token: "" };
  expect(() => toDubboRequest(head, wrapper, destination)).toThrow("or a stream, cannot be translated");
});

const enveloped = (...messages: Buffer[]) =>
  Buffer.concat(messages.flatMap((one) => [encodeEnvelope(one.length), one]));

test("a unary request has one message", () => {
  expect(onlyMessage(enveloped(message), "gzip", 1_000)).toEqual(message);
});

test.each([
  ["flags of no meaning", Buffer.from("420000000101", "hex"), "grpc message has flags 0x42"],
  ["nothing", Buffer.alloc(0), "without a message"],
  ["two messages", enveloped(message, message), "streams"],
  ["a message that is cut off", enveloped(message).subarray(0, -1), "ends inside"],
  ["a compressed message that is none", Buffer.of(1, 0, 0, 0, 0), "not compressed by gzip"],
])("%s is refused", (_, body, text) => {
  expect(() => onlyMessage(body, "gzip", 1_000)).toThrow(text);
});

test("a compressed message is inflated", () => {
  const small = gzipSync(message);
  expect(onlyMessage(Buffer.concat([encodeEnvelope(small.length, 1), small]), "gzip", 1_000)).toEqual(message);
});

test("arguments in fastjson2 become Hessian2, and nothing of such calls is kept", () => {
  const to = { service, timeoutMs: Number.POSITIVE_INFINITY, token: "" };
  const jsonb = (hex: string) => Buffer.from(`${(hex.length / 2).toString(16).padStart(8, "0")}${hex}`, "hex");
  const made = [1, 2, 3].map(() => {
    const args = [jsonb("4a78"), jsonb("07")];
    const argTypes = ["java.lang.String", "int"];
    return toDubboRequest(head, encodeRequestWrapper({ serializeType: "fastjson2", args, argTypes }), to);
  });
  const args = [encodeHessian2("x"), encodeHessian2(7)];
  const same = { serializeType: "hessian4", args, argTypes: ["java.lang.String", "int"] };
  for (const frame of made) expect(frame.equals(toDubboRequest(head, encodeRequestWrapper(same), to))).toBe(true);
});

const replyOf = (frame: Buffer) => toTripleReply(frame, 0, frame.length);

test("a value is wrapped as it stands, its attachments are trailers", () => {
  const reply = replyOf(encodeOutcome(1, 2, { type: "value", value: "hello", attachments: { color: "blue" } }));
  expect(reply.head).not.toContain("tri-exception-code");
  const { data, type } = decodeResponseWrapper(reply.body!, ENVELOPE_BYTES);
  expect([new Hessian2Reader().reset(data).readValue(), type]).toEqual(["hello", "java.lang.Object"]);
  expect(reply.trailers).toEqual(["grpc-status", "0", "color", "blue"]);
});

test("an exception is told in the head", () => {
  const value = objectValue("com.acme.NoOrder", [["detailMessage", "none"]]);
  const reply = replyOf(encodeOutcome(1, 2, { type: "exception", value }));
  expect(reply.head.slice(-2)).toEqual(["tri-exception-code", "3"]);
  expect(reply.isException).toBe(true);
});

test("another status ends at once with gRPC's number and the text", () => {
  const reply = replyOf(encodeStatusAnswer(1, 2, HESSIAN2, 31, "late"));
  expect([reply.body, reply.head.slice(-4)]).toEqual([undefined, ["grpc-status", "4", "grpc-message", "late"]]);
});

test("an answer in another serialization is refused", () => {
  const frame = encodeOutcome(1, 2, { type: "value", value: 1 });
  frame[2] = 21;
  expect(() => replyOf(frame)).toThrow("serialization 21");
});
