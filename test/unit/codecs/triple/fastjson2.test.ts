import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { Fastjson2Head } from "../../../../src/codecs/dubbo2/fastjson2-head.ts";
import { decodeHessian2 } from "../../../../src/codecs/hessian2/reader.ts";
import { encodeRequestWrapper } from "../../../../src/codecs/triple/body.ts";
import {
  fastjson2Value,
  isFastjson2,
  readFastjson2,
  withHessianArguments,
} from "../../../../src/codecs/triple/fastjson2.ts";
import { recordedFrames } from "../../../support/dubbo2-frames.ts";

const head = new Fastjson2Head();
const { bytes } = recordedFrames("3.2.18-fastjson2").find(({ dir, note }) => dir === "c2s" && note === "createOrder")!;
head.scan(bytes, 16, bytes.length);
// A wrapper has what a Dubbo2 body has: see test/e2e/triple-bridge-fastjson2.test.ts.
const args = head.argumentBytes();
const wrapper = { serializeType: "fastjson2", args, argTypes: ["peer.api.Order"] };

test("a request in fastjson2 is told by its first field", () => {
  expect(isFastjson2(encodeRequestWrapper(wrapper))).toBe(true);
  expect(isFastjson2(encodeRequestWrapper({ ...wrapper, serializeType: "hessian4" }))).toBe(false);
  expect(isFastjson2(Buffer.alloc(0))).toBe(false);
});

test("arguments of a recorded call become the same values in Hessian2; another format stays", () => {
  const made = withHessianArguments(wrapper);
  expect([made.serializeType, made.argTypes]).toEqual(["hessian4", wrapper.argTypes]);
  expect(made.args.map((arg) => decodeHessian2(arg))).toEqual(args.map((arg) => readFastjson2(arg)));
  expect(decodeHessian2(made.args[0]!)).toMatchObject({ type: "object", shape: { name: "peer.api.Order" } });
  const other = { ...wrapper, serializeType: "hessian4" };
  expect(withHessianArguments(other)).toBe(other);
});

test.each([
  ["no length", Buffer.from("4a78", "hex"), "says another length"],
  ["a length that lies", Buffer.from("000000034a78", "hex"), "says another length"],
  ["no value", Buffer.from("00000000", "hex"), "fastjson2"],
  ["two values", Buffer.from("00000002af" + "af", "hex"), "behind the value"],
])("an argument with %s is no value", (_name, arg, text) => {
  const read = () => withHessianArguments({ ...wrapper, args: [arg] });
  expect(read).toThrow(new RegExp(text));
  expect(read).toThrow(ProtocolError);
});

test("an answer's value is what it is; none is null, and another format none", () => {
  const data = Buffer.from("000000024a78", "hex");
  const answer = { serializeType: "fastjson2", data, type: "java.lang.String" };
  expect(fastjson2Value(answer)).toBe(data);
  expect(fastjson2Value({ ...answer, serializeType: "", data: Buffer.alloc(0) })).toEqual(
    Buffer.from("00000001af", "hex"),
  );
  expect(() => fastjson2Value({ ...answer, serializeType: "hessian4" })).toThrow('answer in "hessian4" to a call in');
});
