import { describe, expect, test } from "vitest";
import { describeError, encodeArguments, readTypes, resultJson } from "../../../src/cli/call-values.ts";
import type { Response } from "../../../src/codecs/dubbo2/body.ts";
import { GENERIC_DESCRIPTOR } from "../../../src/codecs/dubbo2/head.ts";
import { descriptorOf } from "../../../src/codecs/java-types.ts";
import { type JsonNode, parseJson, printJson } from "../../../src/codecs/json-text.ts";
import { listValue, mapValue, objectValue, type Value } from "../../../src/codecs/value.ts";

function args(text: string): JsonNode[] {
  return parseJson(text) as JsonNode[];
}

function answer(parts: Partial<Response>): Response {
  return {
    idHigh: 0,
    idLow: 1,
    status: 20,
    serialization: 2,
    type: "value",
    value: null,
    text: "",
    attachments: null,
    ...parts,
  };
}

test.each([
  ["", ""],
  ["JLjava/lang/String;[I", "JLjava/lang/String;[I"],
  ["long", "J"],
  ["long, String ,int[]", "JLjava/lang/String;[I"],
  ["java.util.Map<String,java.util.List<Long>>,boolean", "Ljava/util/Map;Z"],
  ["String[][]", "[[Ljava/lang/String;"],
  ["com.acme.String", "Lcom/acme/String;"],
  ["com.acme.Order$Line", "Lcom/acme/Order$Line;"],
])("types %j are the descriptor %s", (text, descriptor) => {
  expect(readTypes(text).map(descriptorOf).join("")).toBe(descriptor);
});

test.each(["long,", "a b", "List<", "<>", "12"])("types %j are refused", (text) => {
  expect(() => readTypes(text)).toThrow("no java type");
});

describe("arguments", () => {
  test("without types are a generic call that leaves the choice to the provider", () => {
    const request = encodeArguments("getOrder", args('[42, {"class":"a.B","x":1}]'), {
      types: undefined,
      generic: true,
    });
    expect(request).toEqual({
      method: "$invoke",
      descriptor: GENERIC_DESCRIPTOR,
      args: [
        "getOrder",
        null,
        listValue(
          [
            42,
            mapValue([
              ["class", "a.B"],
              ["x", 1],
            ]),
          ],
          "[object",
        ),
      ],
      attachments: { generic: "true" },
    });
  });
  test("with types and --generic name the types, and scalars have them", () => {
    const request = encodeArguments("find", args('[42, ["a"], {"x":1}]'), {
      types: "long,String[],a.B<String>",
      generic: true,
    });
    expect(request.args).toEqual([
      "find",
      listValue(["long", "java.lang.String[]", "a.B"], "[string"),
      listValue([42n, listValue(["a"]), mapValue([["x", 1]])], "[object"),
    ]);
  });
  test("with types are an ordinary call", () => {
    const request = encodeArguments("find", args('[42, {"x":1}]'), { types: "long,a.B", generic: false });
    expect(request).toEqual({
      method: "find",
      descriptor: "JLa/B;",
      args: [42n, objectValue("a.B", [["x", 1]])],
      attachments: {},
    });
  });
  test("that do not fit their types are refused with their place", () => {
    const types = { types: "long,int", generic: false };
    expect(() => encodeArguments("m", args("[1]"), types)).toThrow("--types names 2 types for 1 arguments");
    expect(() => encodeArguments("m", args('[1,"x"]'), types)).toThrow(
      'argument 1: expected int, found the string "x"',
    );
  });
});

describe("what went wrong is told", () => {
  const thrown = (className: string, message: string | null, cause: Value = null) =>
    objectValue(className, [
      ["stackTrace", listValue([])],
      ["cause", cause],
      ["detailMessage", message],
    ]);

  test("of an exception with its causes, one line each", () => {
    const value = thrown(
      "a.OrderException",
      "not stored\n\tat x",
      thrown("java.io.IOException", null, thrown("b.Full", "disk")),
    );
    expect(describeError(answer({ type: "exception", value }))).toBe(
      "a.OrderException: not stored\ncaused by: java.io.IOException\ncaused by: b.Full: disk\n",
    );
  });
  test("of an exception that is its own cause, and of causes in a circle", () => {
    const own = thrown("a.E", "m");
    own.values[1] = own;
    expect(describeError(answer({ type: "exception", value: own }))).toBe("a.E: m\n");
    const [first, second] = [thrown("a.F", "1"), thrown("a.S", "2")];
    first.values[1] = second;
    second.values[1] = first;
    expect(describeError(answer({ type: "exception", value: first }))).toBe("a.F: 1\ncaused by: a.S: 2\n");
  });
  test("of a generic call's wrapper by what it wraps", () => {
    const value = objectValue("org.apache.dubbo.rpc.service.GenericException", [
      ["exceptionClass", "a.OrderException"],
      ["exceptionMessage", "no such order"],
      ["detailMessage", "Generic ..."],
    ]);
    expect(describeError(answer({ type: "exception", value }))).toBe("a.OrderException: no such order\n");
  });
  test("of an error by status and first line, without control characters", () => {
    const text = "No such method\u001b[31m x\nat y";
    expect(describeError(answer({ type: "error", status: 70, text }))).toBe(
      "trestle: the provider answered 70 (service_error): No such method?[31m x\n",
    );
  });
  test("of an exception that is none", () => {
    expect(describeError(answer({ type: "exception", value: "x" }))).toBe(
      "trestle: the provider answered with an exception that is none\n",
    );
  });
});

test("a value inside itself is shown as null", () => {
  const node = objectValue("a.Node", [
    ["name", "n"],
    ["next", null],
  ]);
  node.values[1] = node;
  expect(printJson(resultJson(node))).toBe('{"name":"n","next":null}');
});
