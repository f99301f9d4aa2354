import { expect, test } from "vitest";
import { encodeHessian2 } from "../../../../src/codecs/hessian2/writer.ts";
import { encodeRequestWrapper } from "../../../../src/codecs/triple/body.ts";
import { WrapperView } from "../../../../src/codecs/triple/wrapper-view.ts";
import { listValue, type Value } from "../../../../src/codecs/value.ts";

function wrap(values: readonly Value[], serializeType = "hessian4"): Buffer {
  return encodeRequestWrapper({
    serializeType,
    args: values.map((value) => encodeHessian2(value)),
    argTypes: values.map(() => "java.lang.Object"),
  });
}

test("a call's arguments are its own", () => {
  const view = new WrapperView("getOrder", wrap([42n, "a"]));
  expect([
    view.effectiveMethod,
    view.effectiveArgument(0),
    view.effectiveArgument(1),
    view.effectiveArgument(2),
  ]).toEqual(["getOrder", 42n, "a", undefined]);
});

test("a generic call means the method and the values that it carries", () => {
  const view = new WrapperView("$invoke", wrap(["getOrder", listValue(["long"]), listValue([7n])]));
  expect([view.effectiveMethod, view.effectiveArgument(0), view.effectiveArgument(1)]).toEqual([
    "getOrder",
    7n,
    undefined,
  ]);
  expect([view.effectiveType(0), view.effectiveType(1)]).toEqual(["long", undefined]);
  expect(new WrapperView("getOrder", wrap([42n])).effectiveType(0)).toBe("java.lang.Object");
});

test("a generic call that names no method means itself", () => {
  expect(new WrapperView("$invoke", wrap([null, null, null])).effectiveMethod).toBe("$invoke");
  expect(new WrapperView("$invoke", wrap([null, null, null])).effectiveArgument(0)).toBeUndefined();
});

test("arguments in fastjson2 are read too", () => {
  const args = [Buffer.from("000000024a78", "hex")];
  const message = encodeRequestWrapper({ serializeType: "fastjson2", args, argTypes: ["java.lang.String"] });
  expect(new WrapperView("say", message).effectiveArgument(0)).toBe("x");
});

test.each([
  ["another format", wrap(["a"], "msgpack"), 'wrapper in "msgpack"'],
  ["a protobuf message", Buffer.from("08011001", "hex"), "without serializeType"],
])("%s is refused", (_, message, text) => {
  expect(() => new WrapperView("get", message)).toThrow(text);
});

test("bytes that are no value throw when they are asked for", () => {
  const message = encodeRequestWrapper({ serializeType: "hessian4", args: [Buffer.of(0x53)], argTypes: ["x"] });
  const view = new WrapperView("get", message);
  expect(() => view.effectiveArgument(0)).toThrow();
});
