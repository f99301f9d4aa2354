import { expect, test } from "vitest";
import {
  exceptionCodeFor,
  exceptionCodeOf,
  parseAnswer,
  printAnswerHead,
  printTrailers,
} from "../../../../src/codecs/triple/answer.ts";
import { recordedCalls, TRIPLE_LINES } from "../../../support/triple-calls.ts";

const THROWING = ["fail", "boom", "boomPrivate"];

test.each(TRIPLE_LINES)("recorded answers of %s are values and exceptions as their methods are", (line) => {
  for (const call of recordedCalls(line).filter(({ run, method }) => run === "typed" && method !== "slow")) {
    const answer = parseAnswer(call.responseHead!.flat(), call.trailers.flat());
    const throws = THROWING.includes(call.method);
    expect([call.method, answer.type, answer.exceptionCode]).toEqual([
      call.method,
      throws ? "exception" : "value",
      throws ? 3 : 0,
    ]);
  }
});

test("a late answer is an error of 3.2.18 and an exception of 3.3.6", () => {
  const [old, current] = TRIPLE_LINES.map((line) => recordedCalls(line).find(({ method }) => method === "slow")!);
  expect(parseAnswer(null, old!.trailers.flat())).toMatchObject({ type: "error", grpc: 4, message: "unknown" });
  expect(parseAnswer(current!.responseHead!.flat(), current!.trailers.flat()).type).toBe("exception");
});

test("an error's message and stack trace are read", () => {
  const call = recordedCalls("3.2.18").find(({ trailers }) => trailers.flat().join().includes("No%20such"))!;
  const answer = parseAnswer(null, call.trailers.flat());
  expect(answer).toMatchObject({
    type: "error",
    grpc: 2,
    message: "No such method nosuch in class interface peer.api.OrderService",
  });
  expect(answer.details?.stackTrace.length).toBeGreaterThan(3);
});

test.each([
  ["no trailers", [":status", "200"], null, 2, "answer without grpc-status"],
  ["an HTTP status alone", [":status", "503"], null, 14, "answer with http status 503 and without grpc-status"],
  ["nothing at all", null, null, 2, "answer with http status 0 and without grpc-status"],
  ["details that are no protobuf", null, ["grpc-status", "2", "grpc-status-details-bin", "Gv8"], 2, ""],
])("%s is an error", (_name, head, trailers, grpc, message) => {
  const answer = parseAnswer(head, trailers);
  expect([answer.type, answer.grpc, answer.message, answer.details]).toEqual(["error", grpc, message, undefined]);
});

test("a tri-exception-code in the trailers says nothing", () => {
  const trailers = ["grpc-status", "0", "tri-exception-code", "3"];
  expect(parseAnswer([":status", "200"], trailers).type).toBe("value");
  expect(exceptionCodeOf(["tri-exception-code", "x"])).toBe(0);
});

test("written answers are read as what they were", () => {
  const exception = parseAnswer(printAnswerHead(3), printTrailers({ grpc: 0, attachments: [["traceId", "t"]] }).fields);
  expect(exception).toMatchObject({ type: "exception", grpc: 0, exceptionCode: 3 });
  expect([...exception.attachments]).toEqual([["traceId", "t"]]);
  expect(parseAnswer(printAnswerHead(), printTrailers({ grpc: 0 }).fields).type).toBe("value");
  const details = { code: 2, message: "m", stackTrace: ["a", "b"], detail: "d" };
  const { fields } = printTrailers({ grpc: 2, message: "50% of é", details }, true);
  expect(fields.slice(0, 4)).toEqual([":status", "200", "content-type", "application/grpc+proto"]);
  expect(parseAnswer(null, fields)).toMatchObject({ type: "error", grpc: 2, message: "50% of é", details });
});

test("an exception has code 3 unless it stands for a number of gRPC's", () => {
  expect([2, 4, 14].map(exceptionCodeFor)).toEqual([3, 4, 14]);
});
