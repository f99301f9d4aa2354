import { describe, expect, test } from "vitest";
import { restServiceOf } from "../../../../src/codecs/rest/mapping.ts";
import { encodeRestRequest, type RestRequest } from "../../../../src/codecs/rest/request.ts";
import { dateValue, doubleValue, listValue, mapValue, objectValue, type Value } from "../../../../src/codecs/value.ts";
import type { RestParameter } from "../../../../src/model/schema.ts";
import { restMethod, restSchema } from "../../../support/rest-schema.ts";

interface More {
  readonly attachments?: readonly (readonly [string, Value])[];
  readonly dates?: "iso" | "ms";
  readonly generic?: boolean;
}

function request(call: string, parameters: readonly string[], args: readonly Value[], more: More = {}): RestRequest {
  const list = parameters.map((text) => {
    const [place, name] = text.split(" ");
    return { in: place, name } as RestParameter;
  });
  const operation = restServiceOf(restSchema([restMethod("m", call, list)]))!.find("m", list.length, undefined)!;
  return encodeRestRequest({
    operation,
    args,
    attachments: [],
    dates: "iso",
    generic: false,
    isBean: () => false,
    ...more,
  });
}

const order = objectValue("com.acme.Order", [
  ["id", 9007199254740993n],
  ["price", doubleValue(2)],
  ["state", objectValue("com.acme.State", [["name", "NEW"]])],
  ["note", null],
]);

describe("a call's REST request", () => {
  test.each<[string, string, string[], Value[], string, string | undefined]>([
    ["without arguments", "GET /o", [], [], "/o", undefined],
    ["a long in the path", "GET /o/{id}", ["path id"], [9007199254740993n], "/o/9007199254740993", undefined],
    ["an enum in the path", "GET /o/{s}", ["path s"], [objectValue("a.S", [["name", "NEW"]])], "/o/NEW", undefined],
    ["a query", "GET /o", ["query a", "query b"], ["x y&z", true], "/o?a=x%20y%26z&b=true", undefined],
    ["a query behind the template's", "GET /o?s=1", ["query a"], [2], "/o?s=1&a=2", undefined],
    ["a list in a query", "GET /o", ["query k"], [listValue(["a", null, "b"])], "/o?k=a&k=b", undefined],
    ["an empty list in a query", "GET /o", ["query k"], [listValue([])], "/o", undefined],
    ["null in a query", "GET /o", ["query k"], [null], "/o", undefined],
    ["a date in a query", "GET /o", ["query d"], [dateValue(0)], "/o?d=1970-01-01T00%3A00%3A00.000Z", undefined],
    ["a body", "POST /o", ["body o"], [order], "/o", '{"id":9007199254740993,"price":2.0,"state":"NEW","note":null}'],
    ["a body that is null", "POST /o", ["body o"], [null], "/o", "null"],
    ["a body of two arguments", "POST /o", ["body a", "body b"], [1, "x"], "/o", '{"a":1,"b":"x"}'],
    ["arguments in another order", "PUT /o/{id}", ["body o", "path id"], ["x", 7], "/o/7", '"x"'],
  ])("has %s", (_, call, parameters, args, target, body) => {
    const made = request(call, parameters, args);
    expect(made.target).toBe(target);
    expect(made.verb).toBe(call.split(" ")[0]);
    expect(made.body?.toString()).toBe(body);
    expect(made.fields.some(([name]) => name === "content-type")).toBe(body !== undefined);
  });

  test("has dates as milliseconds where the mapping says so", () => {
    expect(request("GET /o", ["query d"], [dateValue(12)], { dates: "ms" }).target).toBe("/o?d=12");
  });

  test("has header arguments and attachments, but none that are Dubbo's or HTTP's own", () => {
    const attachments: (readonly [string, Value])[] = [
      ["userId", "Zoë"],
      ["X-Tenant", "attached"],
      ["trace", 7],
      ["path", "com.acme.Orders"],
      ["Host", "evil"],
      ["content-length", "3"],
      ["Transfer-Encoding", "chunked"],
      ["timeout", "1000"],
      ["a b", "no name for a header"],
      ["nothing", null],
      ["list", listValue(["a"])],
    ];
    expect(request("GET /o", ["header x-tenant"], [listValue(["a", "b"])], { attachments }).fields).toEqual([
      ["accept", "application/json, */*;q=0.5"],
      ["x-tenant", "a,b"],
      ["userId", "Zoë"],
      ["trace", "7"],
    ]);
  });

  test("leaves the classes of a generic call's maps out", () => {
    const map = mapValue([
      ["class", "com.acme.Order"],
      ["lines", listValue([mapValue([["class", "com.acme.Line"]])])],
    ]);
    expect(request("POST /o", ["body o"], [map], { generic: true }).body?.toString()).toBe('{"lines":[{}]}');
    expect(request("POST /o", ["body o"], [map]).body?.toString()).toContain('"class":"com.acme.Order"');
  });

  test.each<[string, string, string[], Value[], More, string]>([
    ["null in a path", "GET /o/{id}", ["path id"], [null], {}, "argument id is null, which a path cannot carry"],
    [
      "a list in a path",
      "GET /{id}",
      ["path id"],
      [listValue([1, 2])],
      {},
      "argument id is a list, which a path cannot carry",
    ],
    ["an object in a query", "GET /o", ["query q"], [order], {}, "argument q is an object, which a query cannot carry"],
    [
      "lists in a query's list",
      "GET /o",
      ["query q"],
      [listValue([listValue([])])],
      {},
      "argument q is a list of lists, which a query cannot carry",
    ],
    [
      "a line end in a header",
      "GET /o",
      ["header h"],
      ["a\r\nx: y"],
      {},
      'value of header "h" has control character 0x0d',
    ],
    [
      "a line end in an attachment",
      "GET /o",
      [],
      [],
      { attachments: [["h", "a\nb"]] },
      'value of header "h" has control character 0x0a',
    ],
    [
      "a target over the limit",
      "GET /o",
      ["query q"],
      ["a".repeat(9000)],
      {},
      "target of 9005 characters is over the limit 8192",
    ],
    [
      "headers over the limit",
      "GET /o",
      ["header h"],
      ["a".repeat(50_000)],
      {},
      "headers of 50042 characters are over the limit 49152",
    ],
  ])("is refused for %s", (_, call, parameters, args, more, message) => {
    expect(() => request(call, parameters, args, more)).toThrow(message);
  });
});
