import { expect, test } from "vitest";
import { responseKind } from "../../../../src/codecs/dubbo2/body.ts";
import { HEADER_BYTES } from "../../../../src/codecs/dubbo2/frame.ts";
import { Hessian2Reader } from "../../../../src/codecs/hessian2/reader.ts";
import { encodeHessian2 } from "../../../../src/codecs/hessian2/writer.ts";
import {
  decodeRequestWrapper,
  decodeResponseWrapper,
  encodeRequestWrapper,
} from "../../../../src/codecs/triple/body.ts";
import { ENVELOPE_BYTES } from "../../../../src/codecs/triple/envelope.ts";
import { ArgumentWalk, encodeMovedResult, encodeMovedValue, hasAt } from "../../../../src/codecs/triple/moves.ts";
import { encodeFields } from "../../../../src/codecs/triple/protobuf.ts";
import { listValue, mapValue, type Value } from "../../../../src/codecs/value.ts";

const rows: readonly (readonly [name: string, values: Value[]])[] = [
  ["none", []],
  ["one text", ["x"]],
  ["texts on both sides of each length's bytes", ["", "x".repeat(125), "y".repeat(127), "z".repeat(16_400)]],
  ["255 numbers", new Array(255).fill(7)],
  ["a list between scalars", [1, listValue(["a", "b"]), null]],
];

test.each(rows)("arguments of a body become a wrapper and back: %s", (_name, values) => {
  const body = Buffer.concat([Buffer.from("front"), ...values.map((value) => encodeHessian2(value)), Buffer.from("Z")]);
  const walk = new ArgumentWalk();
  expect(walk.inBody(body, 5, body.length, values.length)).toBe(true);
  expect(walk.end).toBe(body.length - 1);
  const types = encodeFields(values.map(() => [3, "java.lang.Object"]));
  const message = walk.encodeWrapper(types);
  expect(message.readUInt32BE(1)).toBe(message.length - ENVELOPE_BYTES);
  const wrapper = decodeRequestWrapper(message, ENVELOPE_BYTES);
  expect(message.equals(Buffer.concat([message.subarray(0, ENVELOPE_BYTES), encodeRequestWrapper(wrapper)]))).toBe(
    true,
  );
  expect(wrapper.args.map((arg) => new Hessian2Reader().reset(arg).readValue())).toEqual(values);
  const start = encodeFields([[1, wrapper.serializeType]]).length;
  expect(walk.inWrapper(message, ENVELOPE_BYTES + start, message.length)).toBe(true);
  expect([walk.count, message.length - walk.end]).toEqual([values.length, types.length]);
  const frame = walk.encodeFrame(Buffer.alloc(HEADER_BYTES), Buffer.from("Z"), HEADER_BYTES);
  expect(frame.readUInt32BE(HEADER_BYTES - 4)).toBe(frame.length - HEADER_BYTES);
  expect(frame.subarray(HEADER_BYTES).equals(body.subarray(5))).toBe(true);
});

const A_MAP = encodeHessian2(mapValue([["a", 1]]));

test.each([
  ["two maps", Buffer.concat([A_MAP, A_MAP]), 2],
  ["fewer than announced", encodeHessian2(1), 2],
  ["what is no Hessian2", Buffer.from("@"), 1],
])("arguments of a body that cannot be moved: %s", (_name, body, count) => {
  expect(new ArgumentWalk().inBody(body, 0, body.length, count)).toBe(false);
});

test.each([
  [
    "two maps",
    encodeFields([
      [2, A_MAP],
      [2, A_MAP],
    ]),
  ],
  ["two values in one", encodeFields([[2, Buffer.from("9090", "hex")]])],
  ["no value", encodeFields([[2, Buffer.alloc(0)]])],
  ["a length beyond the end", Buffer.from("120590", "hex")],
  ["a length without an end", Buffer.from("12ffffffffff", "hex")],
  ["more than a method may have", encodeFields(new Array(256).fill([2, encodeHessian2(1)]))],
])("arguments of a wrapper that cannot be moved: %s", (_name, wrapper) => {
  expect(new ArgumentWalk().inWrapper(wrapper, 0, wrapper.length)).toBe(false);
});

test("a value becomes an answer's wrapper, and the data of one a Dubbo2 answer", () => {
  const value = encodeHessian2("x".repeat(300));
  const bytes = Buffer.concat([Buffer.from("ab"), value, Buffer.from("cd")]);
  const message = encodeMovedValue(bytes, 2, 2 + value.length, encodeFields([[3, "a.B"]]));
  expect(message.readUInt32BE(1)).toBe(message.length - ENVELOPE_BYTES);
  const wrapper = decodeResponseWrapper(message, ENVELOPE_BYTES);
  expect(wrapper).toEqual({ serializeType: "hessian4", data: value, type: "a.B" });
  const frame = encodeMovedResult(1, 2, 4, wrapper.data, Buffer.from("HZ"));
  expect([responseKind(frame, 0, frame.length), frame.readUInt32BE(4), frame.readUInt32BE(8)]).toEqual([4, 1, 2]);
  expect(frame.subarray(HEADER_BYTES + 1).equals(Buffer.concat([value, Buffer.from("HZ")]))).toBe(true);
  expect(encodeMovedResult(1, 2, 5, wrapper.data, Buffer.from("HZ")).toString("latin1", HEADER_BYTES)).toBe("\x95HZ");
});

test("a part is found in place, whole or not at all", () => {
  const bytes = Buffer.from(`${"a".repeat(200)}b`);
  expect([hasAt(bytes, 0, bytes), hasAt(bytes, 1, bytes), hasAt(bytes, 200, Buffer.from("b"))]).toEqual([
    true,
    false,
    true,
  ]);
  expect([hasAt(bytes, 100, Buffer.from("ab")), hasAt(bytes, 0, Buffer.from("a".repeat(199) + "b"))]).toEqual([
    false,
    false,
  ]);
});
