import { describe, expect, test } from "vitest";
import { CallError, ProtocolError } from "../../../../src/base/errors.ts";
import { faultOf, toDubboRestAnswer, toRestCall } from "../../../../src/bridge-proxy/bridge/to-rest.ts";
import { toBeanForm } from "../../../../src/codecs/bean-form.ts";
import { decodeResponse, encodeRequest } from "../../../../src/codecs/dubbo2/body.ts";
import { GENERIC_DESCRIPTOR } from "../../../../src/codecs/dubbo2/head.ts";
import { listValue, mapValue, objectValue, type Value } from "../../../../src/codecs/value.ts";
import { restMethod, restSchema } from "../../../support/rest-schema.ts";

const schema = restSchema(
  [
    restMethod("get", "GET /orders/{id}", [{ name: "id", in: "path" }], {
      parameterTypes: ["long"],
      returnType: "com.acme.Order",
    }),
    restMethod("find", "GET /ids/{id}", [{ name: "id", in: "path" }], { parameterTypes: ["long"] }),
    restMethod("find", "GET /notes/{id}", [{ name: "id", in: "path" }], { parameterTypes: ["java.lang.String"] }),
  ],
  {
    types: {
      "com.acme.Order": { properties: { id: "long", state: "com.acme.State" } },
      "com.acme.State": { enums: ["NEW"] },
    },
  },
);

const toRest = (bytes: Buffer) => toRestCall(bytes, "com.acme.Orders", schema);

interface Call {
  readonly method?: string;
  readonly descriptor?: string;
  readonly args?: readonly Value[];
  readonly attachments?: Readonly<Record<string, Value>>;
}

function frame({ method = "get", descriptor = "J", args = [7n], attachments = {} }: Call = {}): Buffer {
  const names = { interface: "com.acme.Orders", group: "g", version: "1.0.0" };
  return encodeRequest({ idHigh: 0, idLow: 1, twoWay: true, ...names, method, descriptor, args, attachments });
}

function generic(method: string, types: Value, args: readonly Value[], form?: string): Call {
  return {
    method: "$invoke",
    descriptor: GENERIC_DESCRIPTOR,
    args: [method, types, listValue([...args], "[object")],
    ...(form !== undefined && { attachments: { generic: form } }),
  };
}

const strings = (...items: string[]) => listValue(items, "[string");

describe("a Dubbo2 call as a REST call", () => {
  test("has the request, and the caller's own attachments alone", () => {
    const attachments = { userId: "u-1", timeout: "1000", "remote.application": "shop", list: listValue(["a"]) };
    const { request, values, readsAttachments, timeoutMs } = toRest(frame({ attachments }));
    expect(request.verb).toBe("GET");
    expect(request.target).toBe("/orders/7");
    expect(request.fields.filter(([name]) => name !== "accept")).toEqual([["userId", "u-1"]]);
    expect(values.form).toBe("typed");
    expect([readsAttachments, timeoutMs]).toEqual([true, 1_000]);
    expect(toRest(frame()).timeoutMs).toBe(0);
  });

  test.each<[string, Call, string, string]>([
    [
      "an overload by its descriptor",
      { method: "find", descriptor: "Ljava/lang/String;", args: ["a"] },
      "/notes/a",
      "typed",
    ],
    ["a generic call by the types it names", generic("find", strings("long"), [7], "true"), "/ids/7", "generic"],
    ["a generic call without types", generic("get", null, [7]), "/orders/7", "generic"],
    ["a generic call for the raw value", generic("get", strings("long"), [7], "raw.return"), "/orders/7", "raw"],
    ["a generic call of descriptors", generic("get", strings("long"), [toBeanForm(7)], "bean"), "/orders/7", "bean"],
  ])("finds %s", (_, call, target, form) => {
    const made = toRest(frame(call));
    expect([made.request.target, made.values.form]).toEqual([target, form]);
  });

  test.each<[string, Buffer, string, string]>([
    ["another serialization", fastjson(), "untranslatable", "serialization 23 is not translated to rest"],
    [
      "a method without a mapping",
      frame({ method: "put" }),
      "untranslatable",
      "no rest mapping of com.acme.Orders is for put(long)",
    ],
    [
      "other types",
      frame({ descriptor: "I", args: [7] }),
      "untranslatable",
      "no rest mapping of com.acme.Orders is for get(int)",
    ],
    [
      "overloads without types",
      frame(generic("find", null, [7])),
      "untranslatable",
      "no rest mapping of com.acme.Orders is for find(1 argument)",
    ],
    [
      "a form of bytes",
      frame(generic("get", null, [7], "nativejava")),
      "untranslatable",
      "a generic call in the form nativejava is not translated to rest",
    ],
    [
      "a line end in an attachment",
      frame({ attachments: { a: "x\r\ny: z" } }),
      "undecodable",
      'value of header "a" has control character 0x0d',
    ],
    ["a body that ends early", frame().subarray(0, 40), "undecodable", "is cut off"],
  ])("is refused for %s", (_, bytes, reason, message) => {
    let thrown: unknown;
    try {
      toRest(bytes);
    } catch (error) {
      thrown = error;
    }
    expect(faultOf(thrown)).toMatchObject({ reason, message: expect.stringContaining(message) });
  });

  test("is refused for an interface without a mapping", () => {
    expect(() => toRestCall(frame(), "com.acme.Orders", undefined)).toThrow(
      "no rest mapping of com.acme.Orders is known",
    );
  });

  function fastjson(): Buffer {
    const bytes = frame();
    bytes[2] = (bytes[2]! & 0xe0) | 23;
    return bytes;
  }
});

describe("a REST answer as a Dubbo2 one", () => {
  const json = { status: 200, contentType: "application/json", contentEncoding: "", fields: [] };

  function answered(call: Call, answer: Partial<Parameters<typeof toDubboRestAnswer>[3]>) {
    const bytes = toDubboRestAnswer(0, 9, toRest(frame(call)), {
      ...json,
      body: Buffer.alloc(0),
      ...answer,
    });
    return decodeResponse(bytes, 0, bytes.length);
  }

  const body = Buffer.from('{"id":7,"state":"NEW"}');
  const order = objectValue("com.acme.Order", [
    ["id", 7n],
    ["state", objectValue("com.acme.State", [["name", "NEW"]])],
  ]);

  test("is the value under the call's id, with the answer's own headers", () => {
    const fields = [
      "content-type",
      "application/json",
      "date",
      "today",
      "x-trace",
      "t-1",
      "transfer-encoding",
      "chunked",
    ];
    const { idLow, type, value, attachments } = answered({}, { body, fields });
    expect([idLow, type, value]).toEqual([9, "value", order]);
    expect(attachments?.entries).toEqual([
      ["x-trace", "t-1"],
      ["dubbo", "2.0.2"],
    ]);
  });

  test.each<[string, Call, Value]>([
    [
      "maps to generic callers",
      generic("get", null, [7]),
      mapValue([
        ["id", 7n],
        ["state", "NEW"],
        ["class", "com.acme.Order"],
      ]),
    ],
    ["objects to those who want the raw value", generic("get", null, [7], "raw.return"), order],
    ["descriptors to those who send such", generic("get", null, [toBeanForm(7)], "bean"), toBeanForm(order)],
  ])("is %s", (_, call, value) => {
    expect(answered(call, { body }).value).toEqual(value);
  });

  test.each<[number, number, string, string]>([
    [404, 20, "exception", ""],
    [500, 20, "exception", ""],
    [502, 80, "error", "HTTP 502"],
    [503, 80, "error", "HTTP 503"],
    [504, 31, "error", "HTTP 504"],
  ])("of status %s is status %s, %s", (http, status, type, text) => {
    expect(answered({}, { status: http })).toMatchObject({ status, type, text });
  });

  test("is refused where its content or its headers are not what can be told", () => {
    expect(() => answered({}, { body: Buffer.from("7") })).toThrow(ProtocolError);
    const fields = ["x-long", "a".repeat(70_000)];
    expect(() => answered({}, { body, fields })).toThrow("headers of the answer are over the limit of 65536 bytes");
  });
});

test("a fault is the call's or the peer's; anything else is a bug", () => {
  expect(faultOf(new CallError("unimplemented", "untranslatable", "a"))).toEqual({
    reason: "untranslatable",
    message: "a",
  });
  expect(faultOf(new ProtocolError("rest", "b"))).toEqual({ reason: "undecodable", message: "b" });
  expect(faultOf(new TypeError("c"))).toBeUndefined();
});
