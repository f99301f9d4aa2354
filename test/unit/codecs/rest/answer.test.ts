import { describe, expect, test } from "vitest";
import { valueToJson } from "../../../../src/codecs/hessian2/json.ts";
import { printJson } from "../../../../src/codecs/json-text.ts";
import { decodeRestAnswer, generalized, type RestOutcome } from "../../../../src/codecs/rest/answer.ts";
import { restServiceOf } from "../../../../src/codecs/rest/mapping.ts";
import { dateValue, doubleValue, listValue, mapValue, objectValue, type Value } from "../../../../src/codecs/value.ts";
import type { RestMethod } from "../../../../src/model/schema.ts";
import { restMethod, restSchema } from "../../../support/rest-schema.ts";

const types = {
  "com.acme.Order": {
    properties: {
      id: "long",
      price: "double",
      state: "com.acme.State",
      lines: "java.util.List<com.acme.Line>",
      at: "java.util.Date",
    },
  },
  "com.acme.Line": { properties: { quantity: "int", price: "java.math.BigDecimal" } },
  "com.acme.State": { enums: ["NEW"] },
  "com.acme.OrderException": { properties: { code: "int" } },
};

interface Given {
  readonly status?: number;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly body?: string | Buffer;
  readonly returns?: string | undefined;
  readonly method?: Partial<RestMethod>;
}

function outcome(given: Given): RestOutcome {
  const { status = 200, contentType = "application/json", contentEncoding = "", body = "", returns, method } = given;
  const more = { ...(returns !== undefined && { returnType: returns }), ...method };
  const service = restServiceOf(restSchema([restMethod("m", "GET /", [], more)], { types }))!;
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  return decodeRestAnswer(service, service.find("m", 0, [])!, { status, contentType, contentEncoding, body: bytes });
}

describe("a REST answer", () => {
  test.each<[string, Given, Value]>([
    ["int", { returns: "int", body: "42" }, 42],
    ["long beyond 2^53", { returns: "long", body: "9007199254740993" }, 9007199254740993n],
    ["long as text", { returns: "long", body: '"9007199254740993"' }, 9007199254740993n],
    ["double of whole digits", { returns: "double", body: "2" }, doubleValue(2)],
    ["boolean", { returns: "boolean", body: "true" }, true],
    ["Date from ISO-8601", { returns: "java.util.Date", body: '"1970-01-01T00:00:00.001+00:00"' }, dateValue(1)],
    ["Date from milliseconds", { returns: "java.util.Date", body: "1" }, dateValue(1)],
    [
      "BigDecimal, its digits kept",
      { returns: "java.math.BigDecimal", body: "1.10" },
      objectValue("java.math.BigDecimal", [["value", "1.10"]]),
    ],
    [
      "String as Spring writes it",
      { returns: "java.lang.String", contentType: "text/plain;charset=UTF-8", body: "h\u00e9" },
      "h\u00e9",
    ],
    ["String as JSON", { returns: "java.lang.String", body: '"a\\n"' }, "a\n"],
    ["String that is no JSON although it says so", { returns: "java.lang.String", body: "hi" }, "hi"],
    ["String, null", { returns: "java.lang.String", body: "null" }, null],
    ["String, JSON after spaces", { returns: "java.lang.String", body: `  "x"\n` }, "x"],
    ["String, empty", { returns: "java.lang.String", contentType: "text/plain" }, ""],
    [
      "String in latin1",
      { returns: "java.lang.String", contentType: "text/plain; charset=ISO-8859-1", body: Buffer.from([0xe9]) },
      "\u00e9",
    ],
    ["int as text/plain", { returns: "int", contentType: "text/plain", body: "7" }, 7],
    [
      "byte[] as bytes",
      { returns: "byte[]", contentType: "application/octet-stream", body: Buffer.from([1, 2]) },
      new Uint8Array([1, 2]),
    ],
    ["byte[] as JSON", { returns: "byte[]", body: '"AQI="' }, new Uint8Array([1, 2])],
    ["void", { returns: "void", body: '{"ignored":1}' }, null],
    ["null for no content", { status: 204, returns: "com.acme.Order", contentType: "" }, null],
    ["null for JSON's null", { returns: "com.acme.Order", body: "null" }, null],
    ["untyped JSON", { body: '{"a":[1,2.5]}' }, mapValue([["a", listValue([1, doubleValue(2.5)])]])],
    ["untyped text", { contentType: "text/plain", body: "42" }, "42"],
    ["untyped bytes", { contentType: "image/png", body: "x" }, new Uint8Array([0x78])],
    ["a problem+json of status 200", { contentType: "application/problem+json", body: "1" }, 1],
  ])("is %s", (_, given, value) => {
    expect(outcome(given)).toEqual({ type: "value", value });
  });

  test("gets its classes and field types by the declared type", () => {
    const body =
      '{"id":1,"price":3,"state":"NEW","lines":[{"quantity":2,"price":9.90}],"at":0,"unknown":{"class":"evil.Class"}}';
    const { value } = outcome({ returns: "java.util.List<com.acme.Order>", body: `[${body}]` }) as { value: Value };
    const line = objectValue("com.acme.Line", [
      ["quantity", 2],
      ["price", objectValue("java.math.BigDecimal", [["value", "9.90"]])],
    ]);
    expect(value).toEqual(
      listValue([
        objectValue("com.acme.Order", [
          ["id", 1n],
          ["price", doubleValue(3)],
          ["state", objectValue("com.acme.State", [["name", "NEW"]])],
          ["lines", listValue([line])],
          ["at", dateValue(0)],
          ["unknown", mapValue([["class", "evil.Class"]])],
        ]),
      ]),
    );
  });

  const spring = '{"timestamp":"x","status":404,"error":"Not Found","message":"no order 7"}';
  test.each<[string, Given, RestOutcome | { className: string; message: string }]>([
    [
      "null for 404 where the mapping says so",
      { status: 404, body: spring, method: { notFound: "null" } },
      { type: "value", value: null },
    ],
    [
      "an exception for 404",
      { status: 404, body: spring },
      { className: "java.lang.RuntimeException", message: "HTTP 404: no order 7" },
    ],
    [
      "a problem's detail",
      { status: 400, contentType: "application/problem+json", body: '{"title":"Bad","detail":"no id"}' },
      { className: "java.lang.RuntimeException", message: "HTTP 400: no id" },
    ],
    [
      "the error's name where it has no message",
      { status: 500, body: '{"error":"Internal Server Error","message":""}' },
      { className: "java.lang.RuntimeException", message: "HTTP 500: Internal Server Error" },
    ],
    [
      "text",
      { status: 409, contentType: "text/plain", body: "taken\n" },
      { className: "java.lang.RuntimeException", message: "HTTP 409: taken" },
    ],
    [
      "HTML, which is no message",
      { status: 400, contentType: "text/html", body: "<h1>Bad</h1>" },
      { className: "java.lang.RuntimeException", message: "HTTP 400" },
    ],
    [
      "broken JSON, which is no message",
      { status: 400, body: "{" },
      { className: "java.lang.RuntimeException", message: "HTTP 400" },
    ],
    ["a redirect", { status: 302, contentType: "" }, { className: "java.lang.RuntimeException", message: "HTTP 302" }],
    [
      "the class of the status",
      { status: 409, body: "{}", method: { exceptions: { "409": "a.Taken", default: "a.Other" } } },
      { className: "a.Taken", message: "HTTP 409" },
    ],
    [
      "the class of all others",
      { status: 410, body: "{}", method: { exceptions: { "409": "a.Taken", default: "a.Other" } } },
      { className: "a.Other", message: "HTTP 410" },
    ],
    [
      "a provider that is overloaded",
      { status: 503, body: spring },
      { type: "unavailable", message: "HTTP 503: no order 7" },
    ],
    ["a provider that is out of reach", { status: 502, contentType: "" }, { type: "unavailable", message: "HTTP 502" }],
    ["a provider that is late", { status: 504, contentType: "" }, { type: "timeout", message: "HTTP 504" }],
  ])("tells %s", (_, given, expected) => {
    const told = outcome(given);
    if (!("className" in expected)) expect(told).toEqual(expected);
    else
      expect(told).toEqual({
        type: "exception",
        value: objectValue(expected.className, [["detailMessage", expected.message]]),
      });
  });

  test("fills an exception's own fields from the body, those that fit", () => {
    const method = { exceptions: { default: "com.acme.OrderException" } };
    const told = outcome({ status: 409, body: '{"code":4711,"message":"no","class":"x","other":1}', method });
    expect(told).toEqual({
      type: "exception",
      value: objectValue("com.acme.OrderException", [
        ["detailMessage", "HTTP 409: no"],
        ["code", 4711],
      ]),
    });
    const unfit = outcome({ status: 409, body: '{"code":"x"}', method });
    expect(unfit).toEqual({
      type: "exception",
      value: objectValue("com.acme.OrderException", [["detailMessage", "HTTP 409"]]),
    });
  });

  test.each<[string, Given, string]>([
    ["JSON of another type", { returns: "int", body: '"x"' }, 'value: expected int, found the string "x"'],
    [
      "a field of another type",
      { returns: "com.acme.Order", body: '{"id":1.5}' },
      "value.id: expected long, found the number 1.5",
    ],
    [
      "an int that is out of range",
      { returns: "int", body: "3000000000" },
      "value: expected int, found the number 3000000000",
    ],
    ["nothing for a primitive", { returns: "int", body: "" }, "answer is empty, a int is wanted"],
    ["broken JSON", { returns: "com.acme.Order", body: "{" }, "json: unexpected the end"],
    ["HTML", { returns: "com.acme.Order", contentType: "text/html", body: "<html>" }, "answer is text/html, not JSON"],
    ["bytes that are no UTF-8", { returns: "java.lang.String", body: Buffer.from([0xff]) }, "answer is not UTF-8"],
    [
      "another charset",
      { returns: "java.lang.String", contentType: "text/plain;charset=GBK", body: "x" },
      "answer is in charset gbk, which is not read",
    ],
    [
      "compressed content",
      { returns: "int", contentEncoding: "gzip", body: "1" },
      "answer has content-encoding gzip, which was not asked for",
    ],
    [
      "JSON that is too deep",
      { returns: "java.lang.Object", body: "[".repeat(300) },
      "json nested deeper than maxDepth 256",
    ],
  ])("with %s is refused", (_, given, message) => {
    expect(() => outcome(given)).toThrow(message);
  });
});

test("a value's generic form names classes and shows enums as text", () => {
  const order = objectValue("com.acme.Order", [
    ["state", objectValue("com.acme.State", [["name", "NEW"]])],
    ["lines", listValue([objectValue("com.acme.Line", [["quantity", 2]])], "[com.acme.Line")],
    ["price", objectValue("java.math.BigDecimal", [["value", "1"]])],
  ]);
  const service = restServiceOf(restSchema([], { types }))!;
  const made = generalized(order, service);
  expect(printJson(valueToJson(made))).toBe(
    '{"state":"NEW","lines":[{"quantity":2,"class":"com.acme.Line"}],"price":"1","class":"com.acme.Order"}',
  );
});
