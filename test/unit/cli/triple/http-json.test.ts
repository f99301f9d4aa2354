import { describe, expect, test } from "vitest";
import { describeNoHttp, printHttpCall, readHttpAnswer } from "../../../../src/cli/triple/http-json.ts";
import { type JsonNode, parseJson } from "../../../../src/codecs/json-text.ts";
import { serviceKey } from "../../../../src/model/service.ts";

function print(args: string, parts: Partial<Parameters<typeof printHttpCall>[0]> = {}) {
  const json = parseJson(args) as JsonNode[];
  return printHttpCall({
    service: serviceKey("a.B"),
    method: "m",
    args: json,
    timeoutMs: 500,
    attachments: [],
    ...parts,
  });
}

describe("a request", () => {
  test.each([
    ["[]", ""],
    ["[9007199254740993]", "9007199254740993"],
    ['["a"]', '"a"'],
    ["[null]", "null"],
    ["[[1,2]]", "[1,2]"],
    ['[1,{"b":2}]', '[1,{"b":2}]'],
  ])("of arguments %s has the body %s", (args, body) => {
    expect(print(args).body).toBe(body);
  });

  test("names the service and the method, and carries the rest in headers", () => {
    const service = serviceKey("a.B", "g", "1.0");
    const { path, headers } = print("[1]", { service, method: "find~l", attachments: [["userId", "7"]] });
    expect(path).toBe("/a.B/find~l");
    expect(headers).toEqual([
      ...["content-type", "application/json", "accept", "application/json", "tri-service-timeout", "500"],
      ...["tri-service-group", "g", "tri-service-version", "1.0"],
      ...["userid", "7", "tri-header-convert", "%7B%22userid%22%3A%22userId%22%7D"],
    ]);
  });

  test("that could be another one is refused", () => {
    expect(() => print("[]", { method: "m?x" })).toThrow('no path can be made of "/a.B/m?x"');
    expect(() => print("[]", { method: "m\r\nx" })).toThrow("no path can be made of");
    expect(() => print("[]", { attachments: [["a b", "1"]] })).toThrow('no header can carry attachment "a b"');
    expect(() => print("[]", { attachments: [["a", "1\r\nb: 2"]] })).toThrow("control character 0x0d");
  });
});

describe("an answer", () => {
  test.each<[string, number, string, string, unknown]>([
    ["a value", 200, "application/json", '{"id":1}', { type: "value", value: parseJson('{"id":1}') }],
    ["a value of a subtype", 200, "application/problem+json; charset=utf-8", "true", { type: "value", value: true }],
    ["nothing", 204, "", "", { type: "value", value: null }],
    ["an error", 500, "application/json", '{"status":"500","message":"boom"}', { type: "error", text: "boom" }],
    ["an error in text", 404, "text/plain", "not here", { type: "error", text: "not here" }],
    ["an error in broken JSON", 400, "application/json", "{", { type: "error", text: "{" }],
  ])("of %s is read", (_name, status, type, body, outcome) => {
    expect(readHttpAnswer(status, type, body)).toEqual(outcome);
  });

  test.each([
    ["text/html", "<p>", 'the answer is no JSON but "text/html"'],
    ["application/json", "{", 'the answer is no JSON but "application/json"'],
    ["", "{}", 'the answer is no JSON but ""'],
  ])("of type %j and content %s is refused", (type, body, text) => {
    expect(() => readHttpAnswer(200, type, body)).toThrow(text);
  });
});

test.each([
  ["a Dubbo2 frame", "dabbc200", "speaks Dubbo2, not HTTP/1; call it by dubbo://"],
  ["HTTP/2's SETTINGS", "000006040000000000000500004000", "speaks HTTP/2, not HTTP/1; call it by tri:// or grpc://"],
  ["bytes", "0001ff", "speaks no HTTP/1: it answered with bytes 0001ff"],
  ["a line of text", "68690d0a", 'speaks no HTTP/1: it answered "hi"'],
])("%s is told from HTTP/1", (_name, hex, text) => {
  expect(describeNoHttp(Buffer.from(hex, "hex"))).toBe(text);
});
