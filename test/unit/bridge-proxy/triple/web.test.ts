import { expect, test } from "vitest";
import type { CallerStream } from "../../../../src/bridge-proxy/triple/caller-stream.ts";
import type { Entrance } from "../../../../src/bridge-proxy/triple/entrance.ts";
import type { Arrived, ServedRequest } from "../../../../src/bridge-proxy/triple/served.ts";
import { WebEntrance } from "../../../../src/bridge-proxy/triple/web.ts";
import { encodeWebTrailers } from "../../../../src/codecs/grpc-web/body.ts";

function stage(type: string) {
  const sent: unknown[][] = [];
  const heard: unknown[][] = [];
  const to = {
    ...{ closed: false, requestEnded: true, queuedBytes: 0, fault: undefined },
    head: (...args: unknown[]) => sent.push(["head", ...args]),
    data: (bytes: Buffer, end: boolean) => sent.push(["data", bytes.toString("latin1"), end]),
    release: (bytes: number) => sent.push(["release", bytes]),
    reset: (code: number) => sent.push(["reset", code]),
  } as unknown as CallerStream;
  let admitted: Arrived | undefined;
  const served: ServedRequest = {
    place: -1,
    start: () => heard.push(["start"]),
    onRequestData: (bytes, end) => heard.push(["data", bytes.toString("latin1"), end]),
    onRequestTrailers: () => heard.push(["trailers"]),
    onCallerDrain: () => heard.push(["drain"]),
    onCallerGone: () => {
      heard.push(["gone"]);
      admitted!.port.forget(served);
    },
  };
  const inner: Entrance = {
    admit(arrived) {
      admitted = arrived;
      return served;
    },
  };
  const head = { fields: [":path", "/a.B/c", "content-type", type], never: [], end: false };
  const request = new WebEntrance(inner).admit({
    port: { forget: () => heard.push(["forget"]) },
    stream: to,
    head,
    shared: true,
  });
  return { sent, heard, request, served, stream: admitted!.stream, fields: admitted!.head.fields, head };
}

const trailers = (...fields: string[]) => encodeWebTrailers(fields).toString("latin1");

test("a call that is no gRPC-Web goes on as it is", () => {
  const { served, request, fields, head } = stage("application/grpc");
  expect([request === served, fields === head.fields]).toEqual([true, true]);
});

test("a binary call is the gRPC call; its answer's trailers are the last of its content", () => {
  const { sent, request, served, stream, fields } = stage("application/grpc-web+proto");
  expect([request === served, fields]).toEqual([
    true,
    [":path", "/a.B/c", "content-type", "application/grpc+proto", "te", "trailers"],
  ]);
  stream.head([":status", "200", "content-type", "application/grpc+proto"], false, []);
  stream.data(Buffer.from("\0\0\0\0\x01a", "latin1"), false);
  stream.trailers(["grpc-status", "0"], []);
  expect(sent).toEqual([
    ["head", [":status", "200", "content-type", "application/grpc-web+proto"], false, []],
    ["data", "\0\0\0\0\x01a", false],
    ["data", trailers("grpc-status", "0"), true],
  ]);
});

test("an answer that is a head alone has its status in the content all the same", () => {
  const { sent, stream } = stage("application/grpc-web");
  const head = [
    ":status",
    "200",
    "content-type",
    "application/grpc",
    "grpc-status",
    "5",
    "grpc-message",
    "no",
    "x",
    "1",
  ];
  stream.head([...head, "grpc-status-details-bin", "aa"], true, []);
  expect(sent).toEqual([
    ["head", [":status", "200", "content-type", "application/grpc-web", "x", "1"], false, []],
    ["data", trailers("grpc-status", "5", "grpc-message", "no", "grpc-status-details-bin", "aa"), true],
  ]);
});

test("an answer that ends without trailers is one without a status, one that is no gRPC passes", () => {
  const one = stage("application/grpc-web");
  one.stream.head([":status", "200", "content-type", "application/grpc"], false, []);
  one.stream.data(Buffer.from("x"), true);
  expect(one.sent.slice(1)).toEqual([
    ["data", "x", false],
    ["data", trailers("grpc-status", "13", "grpc-message", "trestle: the answer ended without a status"), true],
  ]);
  const other = stage("application/grpc-web");
  other.stream.head([":status", "502", "content-type", "text/plain"], false, []);
  other.stream.data(Buffer.from("x"), true);
  expect(other.sent).toEqual([
    ["head", [":status", "502", "content-type", "text/plain"], false, []],
    ["data", "x", true],
  ]);
});

test("content in base64 is read as it comes, and all of its window is given back", () => {
  const { sent, heard, request, stream } = stage("application/grpc-web-text");
  request.start();
  request.onRequestData(Buffer.from("YWJ"), false);
  request.onRequestData(Buffer.from("jZGVm"), true);
  expect(heard).toEqual([["start"], ["data", "", false], ["data", "abcdef", true]]);
  stream.release(6);
  expect(sent.reduce((sum, [, bytes]) => sum + Number(bytes), 0)).toBe(8);
  stream.head([":status", "200", "content-type", "application/grpc"], false, []);
  stream.data(Buffer.from("ab"), false);
  expect(sent.at(-1)).toEqual(["data", "YWI=", false]);
});

test("what is no base64 ends the call, and is told", () => {
  const { sent, heard, request } = stage("application/grpc-web-text");
  request.start();
  request.onRequestData(Buffer.from("YW-j"), false);
  request.onRequestData(Buffer.from("YWJj"), true);
  expect(heard).toEqual([["start"], ["gone"], ["forget"]]);
  expect(sent.map(([what]) => what)).toEqual(["release", "head", "data", "release"]);
  expect(Buffer.from(String(sent[2]![1]), "base64").toString("latin1")).toContain("grpc-status: 3\r\n");
});

test("behind the beginning of an answer it can only be cut off", () => {
  const { sent, request, stream } = stage("application/grpc-web-text");
  stream.head([":status", "200", "content-type", "application/grpc"], false, []);
  request.onRequestData(Buffer.from("="), true);
  expect(sent.at(-1)).toEqual(["reset", 8]);
});
