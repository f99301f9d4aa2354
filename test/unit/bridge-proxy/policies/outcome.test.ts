import { expect, test } from "vitest";
import {
  OK,
  OK_EXCEPTION,
  outcomeAt,
  outcomeCount,
  outcomeOfAnswer,
  outcomeOfReason,
  outcomeOfStatus,
} from "../../../../src/bridge-proxy/policies/outcome.ts";
import { abortAnswer } from "../../../../src/codecs/dubbo2/status.ts";

test.each([
  ["no_route", 404, 12, "NR"],
  ["no_endpoint", 503, 14, "UH"],
  ["connect_failure", 503, 14, "UF"],
  ["reset", 503, 14, "UC"],
  ["timeout", 504, 4, "UT"],
  ["overflow", 503, 14, "UO"],
  ["rate_limited", 429, 8, "RL"],
  ["denied", 403, 7, "-"],
  ["over_limit", 400, 3, "DPE"],
  ["undecodable", 400, 3, "DPE"],
  ["untranslatable", 501, 12, "DPE"],
] as const)("%s is seen as %d / %d %s", (reason, responseCode, grpcStatus, flags) => {
  expect(outcomeOfReason(reason)).toMatchObject({ responseCode, grpcStatus, flags });
});

test.each([
  [20, 200, 0],
  [30, 504, 4],
  [31, 504, 4],
  [40, 500, 13],
  [70, 500, 13],
  [80, 503, 14],
  [100, 503, 14],
  [99, 500, 13],
])("a callee's status %d is seen as %d / %d", (status, responseCode, grpcStatus) => {
  expect(outcomeOfStatus(status)).toMatchObject({ responseCode, grpcStatus, flags: "-" });
});

test("an exception counts apart from a value", () => {
  expect(OK_EXCEPTION).toMatchObject({ responseCode: 200, exception: true });
  expect(OK_EXCEPTION.index).not.toBe(OK.index);
});

test("each outcome has one index, whoever asks", () => {
  const before = outcomeOfAnswer(abortAnswer(418));
  expect(outcomeOfAnswer(abortAnswer(418))).toBe(before);
  expect(outcomeAt(before.index)).toBe(before);
  expect(outcomeCount()).toBeGreaterThan(before.index);
});
