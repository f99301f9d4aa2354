import { describe, expect, test } from "vitest";
import { bigDecimalValue } from "../../../src/codecs/hessian2/java.ts";
import { jsonArguments, parseQuery } from "../../../src/codecs/java-arguments.ts";
import { compileJava } from "../../../src/codecs/java-schema.ts";
import { parseJson } from "../../../src/codecs/json-text.ts";
import { dateValue, doubleValue, floatValue, listValue, mapValue, type Value } from "../../../src/codecs/value.ts";

/** `find(long id); find(java.lang.String)` */
function javaOf(text: string) {
  const methods = text.split("; ").map((part) => {
    const [, name, inside] = /^(\w+)\((.*)\)$/.exec(part)!;
    const parameters = inside === "" ? [] : inside!.split(", ").map((one) => one.split(" "));
    return {
      name: name!,
      parameterTypes: parameters.map(([type]) => type!),
      returnType: "void",
      ...(parameters.every(([, said]) => said !== undefined) && {
        parameterNames: parameters.map(([, said]) => said!),
      }),
    };
  });
  const types = {
    "com.acme.Order": {
      properties: { id: "long", total: "java.math.BigDecimal", lines: "java.util.List<com.acme.Line>" },
    },
    "com.acme.Line": { properties: { count: "short" } },
    "com.acme.Status": { enums: ["NEW", "PAID"] },
  };
  return compileJava({ methods, types });
}

function found(java: string, body: string | undefined, query = "", signature?: string) {
  const content = { signature, body: body === undefined ? undefined : parseJson(body), query: parseQuery(query) };
  const { types, args } = jsonArguments(javaOf(java), "m", content)!;
  return [types.join(), args];
}

const date = dateValue(1_795_289_400_000);

test.each<[string, string, string, string, Value[]]>([
  ["an int", "m(int)", "[42]", "int", [42]],
  ["a long", "m(long)", "[42]", "long", [42n]],
  ["a double without a fraction", "m(double)", "[42]", "double", [doubleValue(42)]],
  ["a float", "m(float)", "[1.5]", "float", [floatValue(1.5)]],
  ["a decimal with its digits", "m(java.math.BigDecimal)", "[1.50]", "java.math.BigDecimal", [bigDecimalValue("1.50")]],
  ["a date", "m(java.util.Date)", '["2026-11-21T19:30:00Z"]', "java.util.Date", [date]],
  ["a date as milliseconds", "m(java.util.Date)", "[1795289400000]", "java.util.Date", [date]],
  ["an enum", "m(com.acme.Status)", '"PAID"', "com.acme.Status", ["PAID"]],
  ["null", "m(java.lang.Long)", "[null]", "java.lang.Long", [null]],
  ["no argument", "m()", "[]", "", []],
  ["the only argument, bare", "m(long)", "42", "long", [42n]],
  ["a list, bare", "m(java.util.List<java.lang.Long>)", "[1,2]", "java.util.List", [listValue([1n, 2n])]],
  ["a list of one list", "m(java.util.List<java.lang.Long>)", "[[1]]", "java.util.List", [listValue([1n])]],
  ["a list of one", "m(java.util.List<java.lang.Long>)", "[1]", "java.util.List", [listValue([1n])]],
  ["an array", "m(long[])", "[1,2]", "long[]", [listValue([1n, 2n])]],
  ["several", "m(long, java.lang.String)", '[1,"a"]', "long,java.lang.String", [1n, "a"]],
  ["several by name", "m(long id, java.lang.String to)", '{"to":"a","id":1}', "long,java.lang.String", [1n, "a"]],
  ["one by name", "m(long id)", '{"id":1}', "long", [1n]],
  ["an object by name", "m(com.acme.Order order)", '{"order":{"id":1}}', "com.acme.Order", [mapValue([["id", 1n]])]],
  [
    "an object with a property of its name",
    "m(com.acme.Order id)",
    '{"id":1}',
    "com.acme.Order",
    [mapValue([["id", 1n]])],
  ],
  ["one that is left out", "m(long id, java.lang.String to)", '{"id":1}', "long,java.lang.String", [1n, null]],
  [
    "a map",
    "m(java.util.Map<java.lang.String,java.lang.Long> tags)",
    '{"tags":1}',
    "java.util.Map",
    [mapValue([["tags", 1n]])],
  ],
  [
    "an object, as a map with its properties' types",
    "m(com.acme.Order)",
    '{"id":1,"total":2,"lines":[{"count":3}],"class":"com.acme.SubOrder","more":4}',
    "com.acme.Order",
    [
      mapValue([
        ["id", 1n],
        ["total", bigDecimalValue("2")],
        ["lines", listValue([mapValue([["count", 3]])])],
        ["class", "com.acme.SubOrder"],
        ["more", 4],
      ]),
    ],
  ],
])("%s", (_, java, body, types, args) => {
  expect(found(java, body)).toEqual([types, args]);
});

describe("overloads", () => {
  const find = "m(long); m(java.lang.String); m(int, int); m(com.acme.Order); m(com.acme.Status); m(java.util.Date)";
  test.each<[string, string, string]>([
    ["a number", "[42]", "long"],
    ["a text", '["x"]', "java.lang.String"],
    ["a text of digits", '["42"]', "java.lang.String"],
    ["two numbers", "[1,2]", "int,int"],
    ["an object", '{"id":1}', "com.acme.Order"],
  ])("are told by their count and by what fits: %s", (_, body, types) => {
    expect(found(find, body)[0]).toBe(types);
  });

  test.each([
    ["m(int); m(long)", "[42]", "int"],
    ["m(int); m(long)", "[2147483648]", "long"],
    ["m(long); m(double)", "[42]", "long"],
    ["m(long); m(double)", "[1.5]", "double"],
    ["m(java.lang.Object); m(java.lang.String)", '["x"]', "java.lang.String"],
    ["m(com.acme.Status); m(java.util.UUID)", '["PAID"]', "com.acme.Status"],
    ["m(); m(long)", "[]", ""],
  ])("%s of %s is (%s)", (java, body, types) => {
    expect(found(java, body)[0]).toBe(types);
  });

  test.each([
    ["l", "long"],
    ["S", "java.lang.String"],
  ])("are told by the signature ~%s", (signature, types) => {
    expect(found("m(long); m(java.lang.String)", '["42"]', "", signature)[0]).toBe(types);
  });

  test("of arrays are named by what they hold, those of primitives by a bracket", () => {
    expect(found("m(int[]); m(java.lang.String[])", "[[]]", "", "[")[0]).toBe("int[]");
    expect(found("m(int[]); m(java.lang.String[])", "[[]]", "", "S")[0]).toBe("java.lang.String[]");
  });
});

test("a query's text that only looks like JSON is a text", () => {
  expect(found("m(java.lang.String); m(java.util.List<java.lang.String>)", undefined, "q=%5Babc")[0]).toBe(
    "java.lang.String",
  );
});

describe("a query", () => {
  test.each<[string, string, string, Value[]]>([
    ["by name", "m(long id, java.lang.String to)", "to=a+b%21&id=42", [42n, "a b!"]],
    ["in order where names are not known", "m(long, java.lang.String)", "x=42&y=7", [42n, "7"]],
    ["left out", "m(java.lang.String to)", "", [null]],
    ["a truth", "m(boolean on)", "on=true", [true]],
    ["a list", "m(java.util.List<java.lang.Long> ids)", "ids=1&ids=2", [listValue([1n, 2n])]],
    ["a list in JSON", "m(java.util.List<java.lang.Long> ids)", "ids=[1,2]", [listValue([1n, 2n])]],
    ["an object in JSON", "m(com.acme.Order order)", 'order={"id":1}', [mapValue([["id", 1n]])]],
    ["a date", "m(java.util.Date at)", "at=2026-11-21T19:30:00Z", [date]],
    ["an enum", "m(com.acme.Status status)", "status=NEW", ["NEW"]],
    ["nothing", "m()", "", []],
  ])("%s", (_, java, query, args) => {
    expect(found(java, undefined, query)[1]).toEqual(args);
  });
});

test.each<[string, string, string | undefined, string, string]>([
  ["another count", "m(long, long)", "[1]", "", "the content does not fit m(long, long): 2 parameters"],
  [
    "another kind",
    "m(long)",
    '["x"]',
    "",
    'the content does not fit m(long): argument 0: expected long, found the string "x"',
  ],
  ["over the range", "m(byte)", "[300]", "", "expected byte, found the number 300"],
  ["no constant of the enum", "m(com.acme.Status)", '["LOST"]', "", "does not fit m(com.acme.Status)"],
  ["null for a primitive", "m(long id)", "null", "", "id: expected long, found null"],
  ["a parameter that is not there", "m(long id)", undefined, "id=1&x=2", "does not fit m(long)"],
  ["alike", "m(java.util.UUID); m(java.util.Date)", '["2026-11-21"]', "", ""],
])("%s is refused", (_, java, body, query, text) => {
  if (text === "") expect(found(java, body, query)[0]).toBe("java.util.Date");
  else expect(() => found(java, body, query)).toThrow(text);
});

test("overloads that fit alike are refused with how to tell them", () => {
  expect(() => found("m(int); m(java.lang.Integer)", "[1]")).toThrow(
    "the content fits m(int) and m(java.lang.Integer) alike: say m~i or m~I",
  );
});

test("a signature that no overload has is refused with those that there are", () => {
  expect(() => found("m(long)", "[1]", "", "S")).toThrow("no overload has the signature ~S: m(long)");
});

test("a method that is not known is none", () => {
  const content = { signature: undefined, body: parseJson("[1]"), query: [] };
  expect(jsonArguments(javaOf("other(long)"), "m", content)).toBeUndefined();
});

test.each([
  ["a bad escape", "a=%zz", "bad escape"],
  ["too many", "a=1&".repeat(300), "query of more than 255 parameters"],
])("a query with %s is refused", (_, query, text) => {
  expect(() => parseQuery(query)).toThrow(text);
});
