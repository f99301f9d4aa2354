import { expect, test } from "vitest";
import { ENVELOPE_BYTES } from "../../../../src/codecs/triple/envelope.ts";
import {
  kindOf,
  parseRequestHead,
  parseTimeout,
  printRequestHead,
  printTimeout,
} from "../../../../src/codecs/triple/head.ts";
import { recordedCalls, TRIPLE_LINES } from "../../../support/triple-calls.ts";

test.each(TRIPLE_LINES)("every recorded head of %s is read, and written it is read the same", (line) => {
  for (const call of recordedCalls(line)) {
    const head = parseRequestHead(call.requestHead.flat());
    expect(head).toMatchObject({
      interface: "peer.api.OrderService",
      method: call.method,
      group: "g",
      version: "1.0.0",
      consumerApplication: "order-consumer",
      encoding: "identity",
    });
    expect(head.attachments.get("timeout")).toBe(String(head.timeoutMs));
    expect(head.attachments.get("generic")).toBe(call.run === "generic" ? "true" : undefined);
    expect(kindOf(call.requestHead.flat(), call.request, ENVELOPE_BYTES)).toBe("wrapper");
    const { attachments } = head;
    const { fields, dropped } = printRequestHead({ ...head, attachments, authority: "a:1" });
    const again = parseRequestHead(fields);
    expect([again, again.attachments, dropped]).toEqual([head, attachments, []]);
  }
});

test.each([
  ["application/grpc", "/a.B/c", undefined, "grpc"],
  ["application/grpc+proto", "/a.B/c", "0a086865737369616e34", "wrapper"],
  ["application/grpc", "/a.B/c", "", "protobuf"],
  ["application/grpc", "/a.B/$invoke", undefined, "wrapper"],
  ["application/grpc+json", "/a.B/c", "7b7d", "grpc"],
  ["application/grpc-web+proto", "/a.B/c", undefined, "grpc_web"],
  ["application/connect+json", "/a.B/c", undefined, "connect_stream"],
  ["Application/JSON; charset=utf-8", "/a.B/c", undefined, "json"],
  ["application/proto", "/a.B/c", undefined, "proto"],
  ["text/plain", "/a.B/c", undefined, "http"],
])("%s to %s with message %s is %s", (type, path, hex, kind) => {
  const message = hex === undefined ? undefined : Buffer.from(hex, "hex");
  expect(kindOf([":path", path, "content-type", type], message)).toBe(kind);
});

test("a call without a content-type is of plain HTTP", () => {
  expect(kindOf([])).toBe("http");
});

test("a context path and an overload's signature are taken apart", () => {
  const head = parseRequestHead([":path", "/ctx/a.B/say~Si?x=1", "content-type", "application/json"]);
  expect(head).toMatchObject({ path: "ctx/a.B", interface: "a.B", method: "say", signature: "Si" });
});

test.each(["", "/", "/a.B", "//m", "/a.B/", "a.B/m", `/a.B/${"m".repeat(5000)}`])("path %s is refused", (path) => {
  expect(() => parseRequestHead([":path", path])).toThrow("is not /interface/method");
});

test.each([
  ["1000m", 1000],
  ["1000000u", 1000],
  ["1n", 1],
  ["0m", 0],
  ["2S", 2000],
  ["1M", 60_000],
  ["1H", 3_600_000],
  ["100000000000u", 100_000_000],
  ["1", undefined],
  ["m", undefined],
  ["-1m", undefined],
  ["1s", undefined],
])("grpc-timeout %s is %s ms", (text, ms) => {
  expect(parseTimeout(text)).toBe(ms);
});

test.each([
  [1000, "1000m"],
  [0.2, "1m"],
  [-5, "0m"],
  [99_999_999, "99999999m"],
  [100_000_000, "100000S"],
  [Number.POSITIVE_INFINITY, "99999999S"],
])("%s ms is grpc-timeout %s", (ms, text) => {
  expect(printTimeout(ms)).toBe(text);
});

test.each(["tri-service-timeout", "triple-timeout-ms"])("%s is milliseconds", (name) => {
  expect(parseRequestHead([":path", "/a/b", name, "250"]).timeoutMs).toBe(250);
  expect(() => parseRequestHead([":path", "/a/b", name, "soon"])).toThrow(`${name} "soon" is no time`);
});

test("nothing of a call can break out of its field", () => {
  const parts = { authority: "a:1", path: "a.B", method: "m", group: "", version: "", timeoutMs: undefined };
  const none = { consumerApplication: undefined, attachments: [] };
  expect(() => printRequestHead({ ...parts, ...none, group: "g\r\nx: y" })).toThrow('"tri-service-group" has control');
  expect(() => printRequestHead({ ...parts, ...none, method: "m\r\n" })).toThrow('":path" has control character 0x0d');
  expect(() => printRequestHead({ ...parts, ...none, method: "m?x" })).toThrow("no path can be made of");
});
