import { expect, test } from "vitest";
import { toGrpcHead, toWebHead, webFormOf } from "../../../../src/codecs/grpc-web/head.ts";

test.each([
  ["application/grpc-web", "binary"],
  ["application/grpc-web+proto", "binary"],
  ["application/grpc-web;charset=utf-8", "binary"],
  ["Application/GRPC-Web+proto", "binary"],
  ["application/grpc-web-text", "text"],
  ["application/grpc-web-text+proto", "text"],
  ["application/grpc", undefined],
  ["application/grpc+proto", undefined],
  ["application/grpc-webby", undefined],
  ["application/json", undefined],
])("%s is %s", (type, form) => {
  expect(webFormOf(["content-type", type])).toBe(form);
});

test("a head without a type is no gRPC-Web", () => {
  expect(webFormOf([])).toBeUndefined();
});

test("the head of the gRPC call has its type, asks for trailers, and leaves out what is the browser's", () => {
  const asked = [
    ...[
      ":method",
      "POST",
      ":path",
      "/a.B/c",
      "content-type",
      "application/grpc-web-text+proto",
      "content-length",
      "12",
    ],
    ...["accept", "application/grpc-web-text", "x-grpc-web", "1", "grpc-timeout", "1S", "x-user", "u"],
  ];
  expect(toGrpcHead(asked)).toEqual([
    ...[":method", "POST", ":path", "/a.B/c", "content-type", "application/grpc+proto"],
    ...["grpc-timeout", "1S", "x-user", "u", "te", "trailers"],
  ]);
});

test.each([
  ["binary", "application/grpc", "application/grpc-web"],
  ["binary", "application/grpc+proto", "application/grpc-web+proto"],
  ["text", "application/grpc+proto", "application/grpc-web-text+proto"],
] as const)("an answer to a %s call of type %s is of type %s", (form, type, answered) => {
  expect(toWebHead([":status", "200", "content-type", type, "content-length", "9", "x", "1"], form)).toEqual([
    ...[":status", "200", "content-type", answered, "x", "1"],
  ]);
});

test("an answer that is no gRPC has no such head", () => {
  expect(toWebHead([":status", "502", "content-type", "text/html"], "binary")).toBeUndefined();
});
