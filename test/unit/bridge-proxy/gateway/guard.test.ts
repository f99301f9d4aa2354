import { expect, test } from "vitest";
import { refuseClasses, refuseClassValues, refuseWrapped } from "../../../../src/bridge-proxy/gateway/guard.ts";
import { listValue, mapValue, type Value } from "../../../../src/codecs/value.ts";

const check = (content: string, query = "") => refuseClasses(Buffer.from(content), query);

test.each([
  ["at the top", '{"class": "javax.script.ScriptEngineManager"}', ""],
  ["in a list", '[1, [{"a": {"class": "x"}}]]', ""],
  ["with escapes", '{"\\u0063l\\u0061ss": "x"}', ""],
  ["behind another of its name", '{"class": 1, "class": "x"}', ""],
  ["in a query", "", `?order=${encodeURIComponent('{"class": "x"}')}`],
  ["deep down", `${"[".repeat(200)}{"class": "x"}${"]".repeat(200)}`, ""],
])("a class that is named %s is refused", (_, content, query) => {
  expect(() => check(content, query)).toThrow('content has a key "class" that names a Java class');
});

test.each([
  ['{"class": 7, "a": "class"}', ""],
  ['["class", "com.acme.Order"]', ""],
  ['{"classes": "x", "Class": "y", "\\u0061": "class"}', ""],
  ["no JSON: class", ""],
  ["", "?class=first&x=1"],
  ["", ""],
])("%s with the query %j is taken", (content, query) => {
  expect(() => check(content, query)).not.toThrow();
});

test("Java's serialization is refused", () => {
  expect(refuseWrapped).toThrow("not taken from outside the mesh");
});

const nobody: ReadonlySet<Value> = new Set();

test("a class that a schema names is taken, and what stands in its map is looked at", () => {
  const known = mapValue([["class", "com.acme.Order"]]);
  expect(() => refuseClassValues([known], new Set([known]))).not.toThrow();
  const inside = mapValue([
    ["class", "com.acme.Order"],
    ["a", mapValue([["class", "x"]])],
  ]);
  expect(() => refuseClassValues([inside], new Set([inside]))).toThrow("names a Java class");
});

test("a class that is named in a map among the arguments is refused", () => {
  const named = mapValue([["class", "javax.script.ScriptEngineManager"]]);
  expect(() => refuseClassValues([1, listValue([mapValue([["a", named]])])], nobody)).toThrow("names a Java class");
  expect(() => refuseClassValues([mapValue([["class", 7]]), "class", listValue(["class"])], nobody)).not.toThrow();
});
