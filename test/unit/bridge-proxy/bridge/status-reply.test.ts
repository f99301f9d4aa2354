import { expect, test } from "vitest";
import { statusToJson, takesStatusAlone, toStatusReply } from "../../../../src/bridge-proxy/bridge/status-reply.ts";
import { toTripleReply } from "../../../../src/bridge-proxy/bridge/to-dubbo.ts";
import { encodeStatusAnswer } from "../../../../src/codecs/dubbo2/answer.ts";
import { encodeOutcome } from "../../../../src/codecs/dubbo2/body.ts";
import { fieldValue } from "../../../../src/codecs/fields.ts";
import { exceptionValue } from "../../../../src/codecs/hessian2/throwable.ts";
import { parseAnswer, printTrailers } from "../../../../src/codecs/triple/answer.ts";
import { parseRequestHead } from "../../../../src/codecs/triple/head.ts";
import { serviceKey } from "../../../../src/model/service.ts";

test.each([
  ["", "1.0.0", true],
  ["1.0.0", "1.0.0", false],
  ["", "", false],
  ["", "2.0.0", false],
])("a caller that says version %j at a service in %j: %s", (said, version, isOld) => {
  const fields = [":path", "/com.acme.A/get", "content-type", "application/grpc", "tri-service-version", said];
  expect(takesStatusAlone(parseRequestHead(fields), serviceKey("com.acme.A", "g", version))).toBe(isOld);
});

test("an exception is a status and details, alone", () => {
  const thrown = exceptionValue("no order", "com.acme.Gone");
  const frame = encodeOutcome(0, 0, { type: "exception", value: thrown });
  const { head, body, trailers, isException } = toStatusReply(frame, 0, frame.length);
  expect([body, trailers, isException]).toEqual([undefined, undefined, true]);
  const text = "com.acme.Gone: no order";
  expect(parseAnswer(null, head)).toMatchObject({ type: "error", grpc: 2, message: text, details: { detail: text } });
});

test("all else is as for every caller", () => {
  const value = encodeOutcome(0, 0, { type: "value", value: "hi" });
  const gone = encodeStatusAnswer(0, 0, 2, 80, "gone");
  for (const frame of [value, gone])
    expect(toStatusReply(frame, 0, frame.length)).toEqual(toTripleReply(frame, 0, frame.length));
});

test.each([
  { grpc: 2, http: 500 },
  { grpc: 3, http: 400 },
  { grpc: 5, http: 404 },
  { grpc: 8, http: 429 },
  { grpc: 9, http: 400 },
  { grpc: 12, http: 501 },
  { grpc: 14, http: 503 },
  { grpc: 16, http: 401 },
])("gRPC $grpc is HTTP $http with its text to a caller with JSON", ({ grpc, http }) => {
  for (const hasHead of [false, true]) {
    const { fields } = printTrailers({ grpc, message: "not in this state: \u00e9" }, !hasHead);
    const head = hasHead ? [":status", "200", "content-type", "application/grpc"] : null;
    const reply = statusToJson({ head, trailers: fields })!;
    expect([fieldValue(reply.head, ":status"), fieldValue(reply.head, "content-type")]).toEqual([
      String(http),
      "application/json",
    ]);
    expect(fieldValue(reply.head, "content-length")).toBe(String(reply.body!.length));
    expect(reply.trailers).toBeUndefined();
    expect(JSON.parse(reply.body!.toString())).toEqual({ status: String(http), message: "not in this state: \u00e9" });
  }
});

test("a status without a text is told by its number", () => {
  const { body } = statusToJson({ head: null, trailers: printTrailers({ grpc: 7 }, true).fields })!;
  expect(JSON.parse(body!.toString())).toEqual({ status: "403", message: "grpc status 7 without a text" });
});

test("a status whose details name a Java exception passes Dubbo2's form, which keeps its class", () => {
  const details = { code: 2, message: "no order", stackTrace: ["com.acme.Gone: no order"], detail: "no order" };
  const trailers = printTrailers({ grpc: 2, message: "no order", details }, true).fields;
  expect(statusToJson({ head: null, trailers })).toBeUndefined();
});
