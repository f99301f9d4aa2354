import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../src/base/errors.ts";
import {
  type JsonNode,
  JsonNumber,
  jsonNumber,
  jsonToPlain,
  parseJson,
  printJson,
} from "../../../src/codecs/json-text.ts";

test.each([
  "null",
  "true",
  "false",
  "0",
  "-0",
  "1.0",
  "1e+300",
  "-12.50E-7",
  "9007199254740993",
  "123456789012345678901234567890.123",
  '""',
  '"a\\"\\\\\\u0000\\n"',
  '"\\ud800"',
  '"\u4e2d \ud83d\ude00"',
  "[]",
  "[1,[2,[]],{}]",
  "{}",
  '{"10":1,"2":2,"a":{"b":[]}}',
  '{"__proto__":1,"constructor":{"prototype":2}}',
])("%s is printed as it was parsed", (text) => {
  expect(printJson(parseJson(text))).toBe(text);
});

test.each(["true", "-0", "1.5", '"a\\tb\\/\\u4e2d"', ' [ 1 , "x" , null ]\n', '{ "a" : [ { } ] , "b" : 1e2 }'])(
  "%s means what JSON.parse says",
  (text) => {
    expect(jsonToPlain(parseJson(text))).toEqual(JSON.parse(text));
  },
);

test("a name that repeats keeps its last value", () => {
  expect(printJson(parseJson('{"a":1,"b":2,"a":3}'))).toBe('{"a":3,"b":2}');
});

test("plain objects have no prototype to reach", () => {
  const plain = jsonToPlain(parseJson('{"__proto__":{"polluted":true}}')) as Record<string, unknown>;
  expect(Object.keys(plain)).toEqual(["__proto__"]);
  expect(plain["polluted"]).toBeUndefined();
});

test("trees are printed with an indent on request", () => {
  expect(printJson(parseJson('{"a":[1,{}],"b":[]}'), 2)).toBe('{\n  "a": [\n    1,\n    {}\n  ],\n  "b": []\n}');
});

test("numbers keep their digits and say whether they are integers", () => {
  const numbers = parseJson("[1,1.0,1e3,-5]") as JsonNumber[];
  expect(numbers.map((number) => number.isInteger)).toEqual([true, false, false, true]);
  expect(printJson(jsonNumber(2n ** 64n))).toBe("18446744073709551616");
  expect(printJson(jsonNumber(-0))).toBe("-0.0");
  expect(() => jsonNumber(Number.NaN)).toThrow("NaN is no JSON number");
});

describe("what is no JSON is refused with its place", () => {
  test.each([
    ["", "json: unexpected the end at character 0"],
    ["nul", 'json: unexpected "n" at character 0'],
    ["[1,]", 'json: unexpected "]" at character 3'],
    ["[1 2]", 'json: unexpected "2" at character 3'],
    ["{a:1}", 'json: unexpected "a" at character 1'],
    ['{"a" 1}', 'json: unexpected "1" at character 5'],
    ['{"a":1,}', 'json: unexpected "}" at character 7'],
    ["[1", "json: unexpected the end at character 2"],
    ['"a', "json: unexpected the end at character 2"],
    ['"a\nb"', 'json: unexpected "\\n" at character 2'],
    ['"\\x"', 'json: unexpected "\\\\" at character 1'],
    ['"\\u12g4"', 'json: unexpected "\\\\" at character 1'],
    ["01", 'json: unexpected "1" at character 1'],
    ["+1", 'json: unexpected "+" at character 0'],
    ["1.", 'json: unexpected "." at character 1'],
    [".5", 'json: unexpected "." at character 0'],
    ["NaN", 'json: unexpected "N" at character 0'],
    ["1 2", 'json: unexpected "2" at character 2'],
    ["'a'", 'json: unexpected "\'" at character 0'],
    ["[1]\u00a0", 'json: unexpected "\u00a0" at character 3'],
  ])("%j", (text, message) => {
    expect(() => parseJson(text)).toThrow(ProtocolError);
    expect(() => parseJson(text)).toThrow(message);
  });

  test("every truncation of a text is refused", () => {
    const text = '{"a":[1.5,true,null,"x\\u4e2d"],"b":{}}';
    for (let end = 0; end < text.length; end++) expect(() => parseJson(text.slice(0, end))).toThrow(ProtocolError);
  });

  test("nesting and length are bounded", () => {
    expect(() => parseJson("[".repeat(256) + "]".repeat(256))).not.toThrow();
    expect(() => parseJson("[".repeat(257) + "]".repeat(257))).toThrow("json nested deeper than maxDepth 256");
    expect(() => parseJson("[".repeat(1_000_000))).toThrow("maxDepth");
    expect(() => parseJson('"abc"', { maxChars: 4 })).toThrow("json of 5 characters is over maxChars 4");
  });

  test("values are counted, whatever holds them", () => {
    expect(parseJson('[1,{"a":[]}]', { maxValues: 4 })).toHaveLength(2);
    const message = "json of more values than maxValues 3";
    expect(() => parseJson('[1,{"a":[]}]', { maxValues: 3 })).toThrow(message);
    expect(() => parseJson(`[${"[],".repeat(1_000_000)}1]`)).toThrow("maxValues 1000000");
  });
});

test("trees may be built by hand", () => {
  const tree: JsonNode = new Map<string, JsonNode>([["a", [null, true, new JsonNumber("1e5")]]]);
  expect(printJson(tree)).toBe('{"a":[null,true,1e5]}');
});
