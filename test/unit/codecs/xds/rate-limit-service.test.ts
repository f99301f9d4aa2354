import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { decodeLimitAnswer, encodeLimitQuestion } from "../../../../src/codecs/xds/rate-limit-service.ts";
import { decodeMessage, encodeMessage } from "../../../../src/codecs/xds/resource-bytes.ts";
import { xdsTypes } from "../../../../src/codecs/xds/types.ts";

const typeOf = (name: string) => xdsTypes().getMessage(`envoy.service.ratelimit.v3.${name}`)!;

test("a question is Envoy's RateLimitRequest with one descriptor", () => {
  const bytes = encodeLimitQuestion("orders", [
    ["method", "create"],
    ["level", "gold"],
  ]);
  expect(decodeMessage(typeOf("RateLimitRequest"), bytes)).toEqual({
    domain: "orders",
    descriptors: [
      {
        entries: [
          { key: "method", value: "create" },
          { key: "level", value: "gold" },
        ],
      },
    ],
  });
});

describe("an answer", () => {
  test.each([
    ["OK", false],
    ["OVER_LIMIT", true],
    ["UNKNOWN", false],
  ])("%s", (overallCode, isOver) => {
    const statuses = [{ code: overallCode, limitRemaining: 3 }];
    expect(decodeLimitAnswer(encodeMessage(typeOf("RateLimitResponse"), { overallCode, statuses }))).toEqual({
      isOver,
      headers: [],
      answerHeaders: [],
      body: "",
    });
  });

  test("has headers for the call and for its answer, and a text", () => {
    const bytes = encodeMessage(typeOf("RateLimitResponse"), {
      overallCode: "OVER_LIMIT",
      responseHeadersToAdd: [{ key: "RateLimit-Limit", value: "3" }],
      requestHeadersToAdd: [{ key: "x-left", rawValue: Buffer.from("2").toString("base64") }],
      rawBody: Buffer.from("too much").toString("base64"),
    });
    expect(decodeLimitAnswer(bytes)).toEqual({
      isOver: true,
      headers: [{ name: "x-left", value: "2", append: true }],
      answerHeaders: [{ name: "RateLimit-Limit", value: "3", append: true }],
      body: "too much",
    });
  });

  test("of other bytes is refused", () => {
    expect(() => decodeLimitAnswer(Buffer.from([0x08]))).toThrow(ProtocolError);
    expect(() => decodeLimitAnswer(Buffer.from([0x12, 0x7f]))).toThrow(ProtocolError);
  });
});
