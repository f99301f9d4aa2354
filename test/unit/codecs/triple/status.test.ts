import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CODES } from "../../../../src/base/errors.ts";
import {
  codeOfGrpc,
  decodeDetails,
  dubbo2OfGrpc,
  encodeDetails,
  exceptionIn,
  grpcOfCode,
  grpcOfDubbo2,
  grpcOfHttp,
  grpcOfRpcException,
  httpOfGrpc,
  parseStatus,
  rpcExceptionOfGrpc,
} from "../../../../src/codecs/triple/status.ts";
import { toBinaryField } from "../../../../src/codecs/triple/text.ts";
import { recordedCalls } from "../../../support/triple-calls.ts";

test("gRPC's numbers have HTTP's, Dubbo2's and Java's", () => {
  const rows = CODES.map((_, grpc) => [grpc, httpOfGrpc(grpc), dubbo2OfGrpc(grpc), rpcExceptionOfGrpc(grpc)].join(" "));
  expect(rows).toEqual([
    "0 200 20 0",
    "1 499 80 0",
    "2 500 20 0",
    "3 400 40 0",
    "4 504 31 2",
    "5 404 20 0",
    "6 409 20 0",
    "7 403 20 4",
    "8 429 100 0",
    "9 400 20 0",
    "10 409 20 0",
    "11 400 20 0",
    "12 501 60 11",
    "13 500 70 0",
    "14 503 80 1",
    "15 500 70 0",
    "16 401 20 0",
  ]);
});

test("HTTP's statuses have gRPC's numbers", () => {
  const asked = [100, 200, 302, 400, 401, 403, 404, 418, 429, 431, 500, 502, 503, 504, 999];
  expect(asked.map(grpcOfHttp)).toEqual([13, 2, 2, 13, 16, 7, 12, 2, 14, 13, 2, 14, 14, 14, 2]);
});

test("RpcException's codes have gRPC's numbers", () => {
  const asked = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
  expect(asked.map(grpcOfRpcException)).toEqual([2, 14, 4, 2, 7, 13, 2, 14, 4, 2, 2, 12, 2, 16, 2]);
});

test("Dubbo2's status bytes have gRPC's numbers", () => {
  const asked = [20, 25, 30, 31, 35, 40, 50, 60, 70, 80, 90, 100, 0, 99];
  expect(asked.map(grpcOfDubbo2)).toEqual([0, 13, 4, 4, 14, 13, 13, 12, 13, 13, 13, 14, 2, 2]);
});

test("numbers and words belong together, beyond the list all is unknown", () => {
  for (const [grpc, code] of CODES.entries()) {
    expect([codeOfGrpc(grpc), grpcOfCode(code), parseStatus(String(grpc))]).toEqual([code, grpc, grpc]);
  }
  expect([codeOfGrpc(17), codeOfGrpc(-1)]).toEqual(["unknown", "unknown"]);
  expect(["17", "", "x", "-1", "1e1"].map(parseStatus)).toEqual([2, 2, 2, 2, 2]);
});

test("the details that 3.2.18 sent are read, and written the same", () => {
  const call = recordedCalls("3.2.18").find(({ trailers }) => trailers.flat().join().includes("No%20such"))!;
  const value = new Map(call.trailers).get("grpc-status-details-bin")!;
  const details = decodeDetails(value)!;
  expect(details.code).toBe(2);
  expect(details.stackTrace[0]).toContain("RpcException: No such method nosuch in class interface");
  expect(details.stackTrace[1]).toContain("GenericFilter.invoke(GenericFilter.java:219)");
  expect(decodeDetails(encodeDetails(details))).toEqual(details);
});

test.each<[string, string, ReturnType<typeof exceptionIn>]>([
  [
    "com.acme.OrderException: no such order",
    "no such order",
    { className: "com.acme.OrderException", message: "no such order" },
  ],
  ["java.lang.IllegalStateException", "unknown", { className: "java.lang.IllegalStateException", message: null }],
  ["java.lang.IllegalStateException: a", "a\nb", { className: "java.lang.IllegalStateException", message: "a\nb" }],
  ["a.B$C: x: y", "else", { className: "a.B$C", message: "x: y" }],
  ["org.apache.dubbo.rpc.RpcException: No such method", "No such method", undefined],
  ["goroutine 7 [running]:", "x", undefined],
  ["no.class.here", "x", undefined],
  ["", "x", undefined],
])("the exception of a stack trace that begins with %j", (line, detail, exception) => {
  expect(exceptionIn({ code: 2, message: "", stackTrace: [line, "\tat a.B.c(B.java:1)"], detail })).toEqual(exception);
});

test("no stack trace names no exception", () => {
  expect(exceptionIn({ code: 2, message: "m", stackTrace: [], detail: "a.B: c" })).toBeUndefined();
});

test("other details are passed over, what is no base64 is none, what is no protobuf is refused", () => {
  expect(decodeDetails(toBinaryField(Buffer.from("080d1a030a0178", "hex")))).toEqual({
    code: 13,
    message: "",
    stackTrace: [],
    detail: "",
  });
  expect(decodeDetails("*")).toBeUndefined();
  expect(() => decodeDetails(toBinaryField(Buffer.from("1aff", "hex")))).toThrow(
    "protobuf message: a number is cut off",
  );
});

test("docs/bridging.md has these statuses", () => {
  const page = readFileSync(new URL("../../../../docs/bridging.md", import.meta.url), "utf8");
  const table = page.slice(page.indexOf("| gRPC | Dubbo2 |"), page.indexOf("Of a provider to 3.1"));
  const rows = [...table.matchAll(/\| (\d+) [a-z ]+ \| (\d+)(, exception)? /g)];
  expect(rows).toHaveLength(16);
  for (const [, grpc, status, exception] of rows) {
    expect([grpc, dubbo2OfGrpc(Number(grpc)), exception !== undefined]).toEqual([
      grpc,
      Number(status),
      status === "20",
    ]);
  }
});
