import { expect, test } from "vitest";
import { type TripleDestination, toTripleRequest } from "../../../../src/bridge-proxy/bridge/to-triple.ts";
import { likeBefore } from "../../../../src/bridge-proxy/bridge/triple-forms.ts";
import { encodeRequest } from "../../../../src/codecs/dubbo2/body.ts";
import { fieldValue } from "../../../../src/codecs/fields.ts";
import { listValue, type Value } from "../../../../src/codecs/value.ts";
import { serviceKey } from "../../../../src/model/service.ts";

const call = (args: Value[], attachments: Record<string, Value> = { userId: "7" }, method = "get") =>
  encodeRequest({
    idHigh: 1,
    idLow: 2,
    twoWay: true,
    interface: "com.acme.A",
    group: "",
    version: "1.0.0",
    method,
    descriptor: "JLjava/lang/Object;Ljava/util/List;",
    args,
    attachments,
  });

const destination = (change: Partial<TripleDestination> = {}): TripleDestination => ({
  authority: "10.0.0.1:50051",
  service: serviceKey("com.acme.A", "", "1.0.0"),
  timeoutMs: 1500,
  spentMs: 0,
  token: "",
  ...change,
});

const FIRST = call([1n, "a", null]);

const alike: readonly (readonly [name: string, args: Value[]])[] = [
  ["the same arguments", [1n, "a", null]],
  ["other scalars", [1n << 40n, "\u4e2d".repeat(2000), null]],
  ["one list", [0n, null, listValue(["x", 1])]],
];

test.each(alike)("a call like one before becomes the very same request: %s", (_name, args) => {
  const to = destination();
  expect(likeBefore(FIRST, to)).toBeUndefined();
  const first = toTripleRequest(FIRST, to);
  const known = likeBefore(call(args), to);
  expect(known).toEqual(toTripleRequest(call(args), destination()));
  expect(known!.fields).toBe(first.fields);
});

const unlike: readonly (readonly [name: string, frame: Buffer, change: Partial<TripleDestination>])[] = [
  ["another method", call([1n, "a", null], undefined, "got"), {}],
  ["another attachment", call([1n, "a", null], { userId: "8" }), {}],
  ["one attachment more", call([1n, "a", null], { userId: "7", b: "c" }), {}],
  ["another provider", FIRST, { authority: "10.0.0.2:50051" }],
  ["another token", FIRST, { token: "t" }],
  ["no time-out", FIRST, { timeoutMs: Number.POSITIVE_INFINITY }],
  ["two lists", call([1n, listValue([1]), listValue([2])]), {}],
];

test.each(unlike)("a call that differs is translated by itself: %s", (_name, frame, change) => {
  const to = destination();
  toTripleRequest(FIRST, to);
  const other = { ...to, ...change };
  expect(likeBefore(frame, other)).toBeUndefined();
  expect(toTripleRequest(frame, other)).toEqual(toTripleRequest(frame, destination(change)));
});

test("what is left of a call's time is said anew each time", () => {
  const to = destination();
  toTripleRequest(FIRST, to);
  const later = likeBefore(FIRST, { ...to, timeoutMs: 900.5 })!;
  expect(fieldValue(later.fields, "grpc-timeout")).toBe("901m");
  expect(later.fields).toEqual(toTripleRequest(FIRST, destination({ timeoutMs: 900.5 })).fields);
  expect(fieldValue(likeBefore(FIRST, to)!.fields, "grpc-timeout")).toBe("1500m");
});

test("attachments that are no text are read anew: they may point into the arguments", () => {
  const to = destination();
  const frame = call([1n, "a", null], { bytes: Buffer.from("x") });
  toTripleRequest(frame, to);
  expect(likeBefore(frame, to)).toBeUndefined();
});

test("so many forms of a service are kept, the newest instead of the oldest", () => {
  const to = destination();
  const frames = Array.from({ length: 33 }, (_, i) => call([1n, "a", null], undefined, `m${i}`));
  for (const frame of frames) toTripleRequest(frame, to);
  expect(frames.map((frame) => likeBefore(frame, to) !== undefined)).toEqual([false, ...new Array(32).fill(true)]);
});
