import { describe, expect, test } from "vitest";
import { dubboToJson, jsonToDubbo } from "../../../../src/bridge-proxy/bridge/json-form.ts";
import { encodeStatusAnswer } from "../../../../src/codecs/dubbo2/answer.ts";
import { encodeOutcome } from "../../../../src/codecs/dubbo2/body.ts";
import { HEADER_BYTES, HESSIAN2 } from "../../../../src/codecs/dubbo2/frame.ts";
import { RequestHead } from "../../../../src/codecs/dubbo2/head.ts";
import { compileJava } from "../../../../src/codecs/java-schema.ts";
import { parseRequestHead } from "../../../../src/codecs/triple/head.ts";
import { listValue, mapValue, objectValue, type Value } from "../../../../src/codecs/value.ts";
import { serviceKey } from "../../../../src/model/service.ts";

const head = parseRequestHead([":path", "/com.acme.A/get", "content-type", "application/json", "user", "7"]);
const to = { service: serviceKey("com.acme.A", "g", "1.0.0"), timeoutMs: 1000, token: "" };

function callOf(json: string) {
  const frame = jsonToDubbo(head, Buffer.from(json), to);
  const scanned = new RequestHead();
  scanned.scan(frame, HEADER_BYTES, frame.length);
  const args = Array.from({ length: scanned.effectiveArgumentCount }, (_, n) => scanned.effectiveArgument(n));
  const attachments = ["generic", "group", "version", "timeout", "user"].map((name) => scanned.attachments().get(name));
  return { method: scanned.effectiveMethod, args, attachments };
}

test("JSON is a generic call: the provider knows the types", () => {
  const { method, args, attachments } = callOf('[42, "x"]');
  expect([method, args, attachments]).toEqual(["get", [42, "x"], ["true", "g", "1.0.0", "1000", "7"]]);
});

test.each<[string, string, Value[]]>([
  ["nothing", "", []],
  ["an empty list", "[]", []],
  ["one value", '"bob"', ["bob"]],
  ["a list as the only argument", '[["a"]]', [expect.objectContaining({ type: "list", items: ["a"] }) as Value]],
  ["a long", "[9007199254740993]", [9007199254740993n]],
])("%s", (_, json, args) => {
  expect(callOf(json).args).toEqual(args);
});

test.each([
  ["no JSON", Buffer.from("[1")],
  ["no UTF-8", Buffer.from([0x22, 0xff, 0x22])],
  ["a bomb", Buffer.from("[".repeat(100_000))],
])("%s is refused", (_, body) => {
  expect(() => jsonToDubbo(head, body, to)).toThrow();
});

describe("where Java's types are known", () => {
  const java = compileJava({
    methods: [
      { name: "get", parameterTypes: ["long"], returnType: "void", parameterNames: ["id"] },
      { name: "get", parameterTypes: ["java.lang.String"], returnType: "void", parameterNames: ["note"] },
    ],
    types: {},
  });
  const typed = (method: string, json: string, path = "/com.acme.A/get", contentType = "application/json") => {
    const named = parseRequestHead([":path", `/com.acme.A/${method}`, "content-type", "application/json"]);
    const frame = jsonToDubbo(named, Buffer.from(json), to, { java, path, contentType });
    const scanned = new RequestHead();
    scanned.scan(frame, HEADER_BYTES, frame.length);
    return [scanned.argument(1), scanned.effectiveArgument(0)];
  };
  const longType = listValue(["long"], "[string");
  const textType = listValue(["java.lang.String"], "[string");

  test.each<[string, unknown[], Value, Value]>([
    ["a number", ["get", "[42]"], longType, 42n],
    ["a text", ["get", '["42"]'], textType, "42"],
    ["a signature", ["get~l", '["42"]'], longType, 42n],
    ["a query", ["get", "", "/com.acme.A/get?id=42"], longType, 42n],
    ["a form", ["get", "note=a+b", "/com.acme.A/get", "application/x-www-form-urlencoded"], textType, "a b"],
  ])("%s tells the overload", (_, [method, ...rest], types, value) => {
    const [json, path, contentType] = rest as [string, string?, string?];
    expect(typed(method as string, json, path, contentType)).toEqual([types, value]);
  });

  test("of another method alone the call is as where they are not", () => {
    expect(typed("other", "[42]")).toEqual([null, 42]);
  });

  test("a query for a method whose parameters are not known is refused", () => {
    expect(() => typed("other", "", "/com.acme.A/other?id=1")).toThrow(
      "the parameters of other are not known here: a query or a form needs their names; send JSON as application/json",
    );
  });
});

const answered = (frame: Buffer) => {
  const { head: fields, body, isException } = dubboToJson(frame, 0, frame.length);
  return [fields[1], JSON.parse(body!.toString()), isException];
};

test("a value is JSON without the names of its classes", () => {
  const order = mapValue([
    ["class", "com.acme.Order"],
    ["id", 9007199254740993n],
    ["items", mapValue([["class", "com.acme.Item"]])],
  ]);
  expect(answered(encodeOutcome(0, 1, { type: "value", value: order }))).toEqual([
    "200",
    { id: "9007199254740993", items: {} },
    false,
  ]);
  expect(answered(encodeOutcome(0, 1, { type: "value", value: null }))).toEqual(["200", null, false]);
});

test("an Instant that a generic answer takes to pieces is its text", () => {
  const instant = (seconds: Value) =>
    mapValue([
      ["class", "java.time.Instant"],
      ["epochSecond", seconds],
      ["nano", 5000],
    ]);
  const told = (value: Value) => answered(encodeOutcome(0, 1, { type: "value", value }))[1];
  expect(told(instant(1_600_000_000n))).toBe("2020-09-13T12:26:40.000005Z");
  expect(told(instant("x"))).toEqual({ epochSecond: "x", nano: 5000 });
});

test("pieces that are taken to pieces themselves are one text", () => {
  const clock = ["hour", "minute", "second", "nano"].map((name, i): [string, Value] => [name, [23, 59, 58, 0][i]!]);
  const offset = mapValue([
    ["class", "java.time.ZoneOffset"],
    ["id", "+08:00"],
  ]);
  const value = mapValue([["at", mapValue([["class", "java.time.OffsetTime"], ...clock, ["offset", offset]])]]);
  expect(answered(encodeOutcome(0, 1, { type: "value", value }))[1]).toEqual({ at: "23:59:58+08:00" });
});

test("attachments of an answer are header fields, but for callers outside the mesh", () => {
  const attachments = {
    "x-answer": "green",
    answeredBy: "a",
    "content-encoding": "gzip",
    "Transfer-Encoding": "chunked",
  };
  const frame = encodeOutcome(0, 1, { type: "value", value: 1, attachments });
  const { head: fields } = dubboToJson(frame, 0, frame.length);
  expect(fields.slice(6, 10)).toEqual(["x-answer", "green", "answeredby", "a"]);
  expect(fields.join()).not.toMatch(/content-encoding|transfer-encoding/i);
  expect(dubboToJson(frame, 0, frame.length, true).head).toEqual(fields.slice(0, 6));
  const split = encodeOutcome(0, 1, { type: "value", value: 1, attachments: { x: "a\r\nb: c" } });
  expect(() => dubboToJson(split, 0, split.length)).toThrow("control character");
});

test("an exception is told by its class and message, also where a generic call wraps it", () => {
  const plain = objectValue("com.acme.NoOrder", [["detailMessage", "none"]]);
  const wrapped = objectValue("com.alibaba.dubbo.rpc.service.GenericException", [
    ["detailMessage", "x"],
    ["exceptionClass", "com.acme.NoOrder"],
    ["exceptionMessage", "none"],
  ]);
  for (const value of [plain, wrapped]) {
    expect(answered(encodeOutcome(0, 1, { type: "exception", value }))).toEqual([
      "500",
      { status: "500", message: "none", exception: "com.acme.NoOrder" },
      true,
    ]);
  }
});

test("another status is its HTTP form", () => {
  expect(answered(encodeStatusAnswer(0, 1, HESSIAN2, 31, "late"))).toEqual([
    "504",
    { status: "504", message: "late" },
    false,
  ]);
});
