import { expect, test } from "vitest";
import { isMapClass, longName, shortName } from "../../../../src/codecs/fastjson2/types.ts";

test.each([
  ["RuntimeException", "java.lang.RuntimeException"],
  ["LM", "java.util.LinkedHashMap"],
  ["[I", "[int"],
  ["[[String", "[[string"],
  ["[O", "[object"],
  ["[Date", "[date"],
  ["[Integer", "[java.lang.Integer"],
  ["com.acme.User", "com.acme.User"],
  ["[com.acme.User", "[com.acme.User"],
])("%s is %s, both ways", (jsonb, tree) => {
  expect(longName(jsonb)).toBe(tree);
  expect(shortName(tree)).toBe(jsonb);
});

test("maps of Java are told from classes", () => {
  const names = ["java.util.TreeMap", "java.util.Collections$UnmodifiableMap", "java.util.Properties", "com.acme.Map"];
  expect(names.map(isMapClass)).toEqual([true, true, true, false]);
});
