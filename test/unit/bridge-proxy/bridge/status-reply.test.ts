import { expect, test } from "vitest";
import { takesStatusAlone, toStatusReply } from "../../../../src/bridge-proxy/bridge/status-reply.ts";
import { toTripleReply } from "../../../../src/bridge-proxy/bridge/to-dubbo.ts";
import { encodeStatusAnswer } from "../../../../src/codecs/dubbo2/answer.ts";
import { encodeOutcome } from "../../../../src/codecs/dubbo2/body.ts";
import { exceptionValue } from "../../../../src/codecs/hessian2/throwable.ts";
import { parseAnswer } from "../../../../src/codecs/triple/answer.ts";
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
