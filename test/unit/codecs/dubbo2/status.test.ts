import { expect, test } from "vitest";
import { type CallReason, CODES } from "../../../../src/base/errors.ts";
import {
  abortAnswer,
  abortAnswerOfGrpc,
  codeOfHttp,
  httpOfCode,
  ownAnswer,
  statusMeaning,
  statusOfCode,
} from "../../../../src/codecs/dubbo2/status.ts";

test("every status byte has a meaning whose words agree", () => {
  for (let byte = 0; byte < 256; byte++) {
    const { code, http, grpc } = statusMeaning(byte);
    expect(CODES[grpc]).toBe(code);
    expect(codeOfHttp(http)).toBe(code);
    expect(http === 200).toBe(byte === 20);
  }
});

test.each([
  [20, 200, 0],
  [25, 500, 13],
  [30, 504, 4],
  [31, 504, 4],
  [35, 503, 14],
  [40, 500, 13],
  [50, 500, 13],
  [60, 500, 13],
  [70, 500, 13],
  [80, 503, 14],
  [90, 500, 13],
  [99, 500, 13],
  [100, 503, 14],
])("a callee's status %i is %i for HTTP and %i for gRPC", (byte, http, grpc) => {
  expect(statusMeaning(byte)).toMatchObject({ http, grpc });
});

const ANSWERS: readonly [CallReason, number, number, number, string][] = [
  ["no_route", 60, 404, 12, "NR"],
  ["no_endpoint", 80, 503, 14, "UH"],
  ["connect_failure", 80, 503, 14, "UF"],
  ["reset", 80, 503, 14, "UC"],
  ["timeout", 31, 504, 4, "UT"],
  ["overflow", 100, 503, 14, "UO"],
  ["rate_limited", 20, 429, 8, "RL"],
  ["denied", 20, 403, 7, "-"],
  ["over_limit", 40, 400, 3, "DPE"],
  ["undecodable", 40, 400, 3, "DPE"],
  ["untranslatable", 40, 501, 12, "DPE"],
];
test.each(ANSWERS)("%s is answered %i and counts as %i, grpc %i, flag %s", (reason, status, http, grpc, flag) => {
  expect(ownAnswer(reason)).toMatchObject({ status, http, grpc, flag });
});

test("an abort below 500 is an exception, from 500 on status 80", () => {
  expect(abortAnswer(499)).toMatchObject({ status: 20, http: 499, grpc: 1, flag: "FI" });
  expect(abortAnswer(400)).toMatchObject({ status: 20, http: 400, grpc: 3 });
  expect(abortAnswer(500)).toMatchObject({ status: 80, http: 500, grpc: 13 });
  expect(abortAnswer(555)).toMatchObject({ status: 80, http: 555, grpc: 2 });
  expect(abortAnswerOfGrpc(7)).toMatchObject({ status: 20, http: 403, grpc: 7 });
  expect(abortAnswerOfGrpc(14)).toMatchObject({ status: 80, http: 503, grpc: 14 });
  expect(abortAnswerOfGrpc(99)).toMatchObject({ status: 80, grpc: 2 });
});

test("every code word has a status byte and an HTTP status", () => {
  for (const code of CODES) {
    expect([20, 31, 40, 60, 70, 80, 100]).toContain(statusOfCode(code));
    expect(httpOfCode(code)).toBeGreaterThanOrEqual(200);
  }
  expect(statusOfCode("ok")).toBe(20);
  expect(statusOfCode("deadline_exceeded")).toBe(31);
  expect(statusOfCode("unavailable")).toBe(80);
});
