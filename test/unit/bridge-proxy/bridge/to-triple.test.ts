import { expect, test } from "vitest";
import { toDubboAnswer, toTripleRequest } from "../../../../src/bridge-proxy/bridge/to-triple.ts";
import { decodeResponse, encodeRequest } from "../../../../src/codecs/dubbo2/body.ts";
import { fieldValue } from "../../../../src/codecs/fields.ts";
import { encodeHessian2 } from "../../../../src/codecs/hessian2/writer.ts";
import { decodeRequestWrapper, encodeResponseWrapper } from "../../../../src/codecs/triple/body.ts";
import { ENVELOPE_BYTES } from "../../../../src/codecs/triple/envelope.ts";
import { encodeDetails } from "../../../../src/codecs/triple/status.ts";
import { fieldOf, isObject, objectValue, type Value } from "../../../../src/codecs/value.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import { recordedFrames } from "../../../support/dubbo2-frames.ts";

const service = serviceKey("com.acme.A", "g", "1.0.0");
const to = { authority: "10.0.0.1:50051", service, timeoutMs: 1500, spentMs: 0, token: "" };
const frame = encodeRequest({
  idHigh: 1,
  idLow: 2,
  twoWay: true,
  interface: "com.acme.A",
  group: "g",
  version: "1.0.0",
  method: "get",
  descriptor: "JLjava/lang/String;",
  args: [42n, "x"],
  attachments: { userId: "7", "remote.application": "shop" },
});

test("a call becomes a head and a wrapper with each argument on its own", () => {
  const { fields, body, readsAttachments } = toTripleRequest(frame, to);
  const names = [":path", "tri-service-group", "tri-service-version", "grpc-timeout", "tri-consumer-appname", "userid"];
  expect(names.map((name) => fieldValue(fields, name))).toEqual([
    "/com.acme.A/get",
    "g",
    "1.0.0",
    "1500m",
    "shop",
    "7",
  ]);
  expect(readsAttachments).toBe(true);
  expect(body.readUInt32BE(1)).toBe(body.length - ENVELOPE_BYTES);
  const wrapper = decodeRequestWrapper(body, ENVELOPE_BYTES);
  expect(wrapper.argTypes).toEqual(["long", "java.lang.String"]);
  expect(wrapper.args.map((arg) => Buffer.from(arg).toString("hex"))).toEqual(
    ["f8", "0178"].map((_, i) => Buffer.from(encodeHessian2(i === 0 ? 42n : "x")).toString("hex")),
  );
});

test("a caller that counts its time down is taken at its word, less the time since", () => {
  const at = { interface: "com.acme.A", group: "", version: "", method: "get", descriptor: "", args: [] };
  const parts = { idHigh: 1, idLow: 2, twoWay: true, ...at };
  const counting = encodeRequest({ ...parts, attachments: { timeout: "1500", _TO: 700 } });
  const timeout = (spentMs: number, timeoutMs: number) =>
    fieldValue(toTripleRequest(counting, { ...to, spentMs, timeoutMs }).fields, "grpc-timeout");
  expect([timeout(0, 1500), timeout(300, 1500), timeout(900, 1500), timeout(0, 200)]).toEqual([
    "700m",
    "400m",
    "1m",
    "200m",
  ]);
});

test("no bound is no field, and the provider's own token goes along", () => {
  const { fields } = toTripleRequest(frame, { ...to, timeoutMs: Number.POSITIVE_INFINITY, token: "secret" });
  expect([fieldValue(fields, "grpc-timeout"), fieldValue(fields, "token")]).toEqual([undefined, "secret"]);
});

test("a body in another serialization is refused", () => {
  const other = Buffer.from(frame);
  other[2] = (other[2]! & 0xe0) | 21;
  expect(() => toTripleRequest(other, to)).toThrow("serialization 21 is not translated");
});

const head = [":status", "200", "content-type", "application/grpc"];
const wrap = (value: Value) =>
  encodeResponseWrapper({ serializeType: "hessian4", data: encodeHessian2(value), type: "java.lang.Object" });
const answerOf = (answer: Parameters<typeof toDubboAnswer>[3], readsAttachments = true) => {
  const bytes = toDubboAnswer(1, 2, { readsAttachments }, answer);
  return decodeResponse(bytes, 0, bytes.length);
};

test("a value and the answer's attachments", () => {
  const answer = { head, message: wrap("hello"), trailers: ["grpc-status", "0", "x-answer", "blue"] };
  expect(answerOf(answer)).toMatchObject({ idHigh: 1, idLow: 2, status: 20, type: "value", value: "hello" });
  expect(answerOf(answer).attachments?.entries).toEqual([
    ["x-answer", "blue"],
    ["dubbo", "2.0.2"],
  ]);
  expect(answerOf(answer, false).attachments).toBeNull();
});

test("a callee's own exception stays what it is", () => {
  const thrown = objectValue("com.acme.NoOrder", [["detailMessage", "none"]]);
  const answer = { head: [...head, "tri-exception-code", "3"], message: wrap(thrown), trailers: ["grpc-status", "0"] };
  expect(answerOf(answer)).toMatchObject({ status: 20, type: "exception", value: thrown });
});

test.each<[string, string[], number, string]>([
  ["a status that Dubbo2 has a byte for", ["grpc-status", "14", "grpc-message", "gone"], 80, "gone"],
  ["a method that is not there", ["grpc-status", "12", "grpc-message", "no%20such"], 60, "no such"],
])("%s", (_, trailers, status, text) => {
  expect(answerOf({ head: null, message: undefined, trailers: [...head, ...trailers] })).toMatchObject({
    type: "error",
    status,
    text,
  });
});

test("an exception that a provider of 3.1 tells in its details has its class and message", () => {
  const details = encodeDetails({ code: 2, message: "x", stackTrace: ["com.acme.Gone: no order"], detail: "no order" });
  const trailers = [...head, "grpc-status", "2", "grpc-message", "no%20order", "grpc-status-details-bin", details];
  const { type, value } = answerOf({ head: null, message: undefined, trailers });
  expect([type, isObject(value) && value.shape.name]).toEqual(["exception", "com.acme.Gone"]);
  expect(isObject(value) && fieldOf(value, "detailMessage")).toBe("no order");
});

test("an error that Dubbo2 has no status for is an exception with its text", () => {
  const trailers = [...head, "grpc-status", "5", "grpc-message", "not there"];
  const { type, value } = answerOf({ head: null, message: undefined, trailers });
  expect([type, (value as { values: Value[] }).values]).toEqual(["exception", ["not there"]]);
});

test("an answer without a message is refused", () => {
  expect(() => answerOf({ head, message: undefined, trailers: ["grpc-status", "0"] })).toThrow("without a message");
});

test("a recorded call in fastjson2 has its arguments moved as they are, and its answer's value too", () => {
  const { bytes } = recordedFrames("3.2.18-fastjson2").find(
    ({ dir, note }) => dir === "c2s" && note === "createOrder",
  )!;
  const request = toTripleRequest(bytes, to);
  expect(fieldValue(request.fields, ":path")).toBe("/com.acme.A/createOrder");
  const { serializeType, args, argTypes } = decodeRequestWrapper(request.body, ENVELOPE_BYTES);
  expect([serializeType, argTypes, bytes.includes(Buffer.from(args[0]!))]).toEqual([
    "fastjson2",
    ["peer.api.Order"],
    true,
  ]);
  const data = Buffer.from("000000024a78", "hex");
  const message = encodeResponseWrapper({ serializeType: "fastjson2", data, type: "java.lang.String" });
  const answered = (fields: string[]) =>
    toDubboAnswer(1, 2, request, { head: fields, message, trailers: ["grpc-status", "0", "k", "v"] });
  const value = answered(head);
  expect([value[2], value.toString("hex", 16, 28)]).toEqual([23, "00000002bd04000000024a78"]);
  expect(value.includes("2.0.2")).toBe(true);
  expect(answered([...head, "tri-exception-code", "3"]).toString("hex", 16, 22)).toBe("00000002bd03");
  const failed = toDubboAnswer(1, 2, request, { head: null, message: undefined, trailers: ["grpc-status", "14"] });
  expect([failed[2], failed[3]]).toEqual([23, 80]);
});
