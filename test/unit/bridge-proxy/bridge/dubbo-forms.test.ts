import { expect, test } from "vitest";
import { formsOf, keepTrailers, replyLikeBefore } from "../../../../src/bridge-proxy/bridge/dubbo-forms.ts";
import { type DubboDestination, toDubboRequest, toTripleReply } from "../../../../src/bridge-proxy/bridge/to-dubbo.ts";
import { encodeOutcome } from "../../../../src/codecs/dubbo2/body.ts";
import { encodeHessian2 } from "../../../../src/codecs/hessian2/writer.ts";
import { encodeRequestWrapper } from "../../../../src/codecs/triple/body.ts";
import { parseRequestHead } from "../../../../src/codecs/triple/head.ts";
import { encodeFields } from "../../../../src/codecs/triple/protobuf.ts";
import { listValue, type Value } from "../../../../src/codecs/value.ts";
import { serviceKey } from "../../../../src/model/service.ts";

const newHead = () =>
  parseRequestHead([":path", "/com.acme.A/get", "content-type", "application/grpc+proto", "userid", "7"]);

const TYPES = ["long", "java.lang.Object", "java.util.List"];

const wrapped = (values: Value[], argTypes = TYPES, serializeType = "hessian4") =>
  encodeRequestWrapper({ serializeType, args: values.map((value) => encodeHessian2(value)), argTypes });

const TO: DubboDestination = { service: serviceKey("com.acme.A", "g", "1.0.0"), timeoutMs: 1500, token: "" };

/** A head with which a call has been made already, twice: its first one is not kept. */
function knownHead() {
  const head = newHead();
  for (let i = 0; i < 2; i++) toDubboRequest(head, wrapped([1n, "a", null]), TO);
  return head;
}

const alike: readonly (readonly [name: string, values: Value[]])[] = [
  ["the same arguments", [1n, "a", null]],
  ["other scalars", [1n << 40n, "\u4e2d".repeat(2000), null]],
  ["one list", [0n, null, listValue(["x", 1])]],
];

test.each(alike)("a call like one before becomes the very same frame: %s", (_name, values) => {
  const known = formsOf(knownHead())!.like(wrapped(values), TO);
  expect(known?.equals(toDubboRequest(newHead(), wrapped(values), TO))).toBe(true);
});

const unlike: readonly (readonly [name: string, message: Buffer, change: Partial<DubboDestination>])[] = [
  ["other types", wrapped([1n, "a", null], ["long", "java.lang.String", "java.util.List"]), {}],
  ["fewer arguments", wrapped([1n, "a"], TYPES.slice(0, 2)), {}],
  ["Hessian2 by its other name", wrapped([1n, "a", null], TYPES, "hessian2"), {}],
  ["another service", wrapped([1n, "a", null]), { service: serviceKey("com.acme.A", "h", "1.0.0") }],
  ["another token", wrapped([1n, "a", null]), { token: "t" }],
  ["less time", wrapped([1n, "a", null]), { timeoutMs: 1400 }],
  ["two lists", wrapped([1n, listValue([1]), listValue([2])]), {}],
];

test.each(unlike)("a call that differs is translated by itself: %s", (_name, message, change) => {
  const head = knownHead();
  const to = { ...TO, ...change };
  expect(formsOf(head)!.like(message, to)).toBeUndefined();
  expect(toDubboRequest(head, message, to).equals(toDubboRequest(newHead(), message, to))).toBe(true);
});

test("nothing is kept of a head's first call", () => {
  const head = newHead();
  const [first, second, third] = [formsOf(head), formsOf(head), formsOf(head)];
  expect([first, second === third]).toEqual([undefined, second !== undefined]);
});

test("a wrapper with arguments and types by turns is not kept", () => {
  const head = newHead();
  const one = encodeHessian2(1n);
  const message = encodeFields([
    [1, "hessian4"],
    [2, one],
    [3, "long"],
    [2, one],
    [3, "long"],
  ]);
  for (let i = 0; i < 3; i++) toDubboRequest(head, message, TO);
  expect(formsOf(head)!.like(message, TO)).toBeUndefined();
});

test("an answer with attachments like those before is the same reply, its trailers the same list", () => {
  const answer = (value: Value, attachments: Record<string, Value>) => {
    return encodeOutcome(1, 2, { type: "value", value, attachments });
  };
  const first = answer("a", { "forms.test": "1", dubbo: "2.0.2" });
  expect(replyLikeBefore(first, 0, first.length)).toBeUndefined();
  const { trailers } = toTripleReply(first, 0, first.length);
  const next = answer(listValue([1, 2]), { "forms.test": "1", dubbo: "2.0.2" });
  const inside = Buffer.concat([Buffer.from("xx"), next, Buffer.from("yy")]);
  const known = replyLikeBefore(inside, 2, 2 + next.length)!;
  expect(known.trailers).toBe(trailers);
  expect(known).toEqual(toTripleReply(next, 0, next.length));
  const other = answer("a", { "forms.test": "2", dubbo: "2.0.2" });
  expect(replyLikeBefore(other, 0, other.length)).toBeUndefined();
  const thrown = encodeOutcome(1, 2, { type: "exception", value: "a", attachments: { "forms.test": "1" } });
  expect(replyLikeBefore(thrown, 0, thrown.length)).toBeUndefined();
});

test("an answer without attachments keeps none", () => {
  const answer = encodeOutcome(1, 2, { type: "value", value: 1, attachments: {} });
  keepTrailers(answer, answer.length, answer.length, ["grpc-status", "0"]);
  expect(replyLikeBefore(answer, 0, answer.length - 2)).toBeUndefined();
});
