import { expect, test } from "vitest";
import { parseEurekaXml, printEurekaXml } from "../../../../src/codecs/eureka/xml.ts";
import { decodeXmlKey, encodeXmlKey } from "../../../../src/codecs/eureka/xml-names.ts";

test.each([
  // As a Eureka server 4.3.0 wrote them.
  ["__proto__x", "____proto____x"],
  ["é中🚀", "é中_.d83d_.de80"],
  ["dubbo.tag", "dubbo.tag"],
  ["a_b", "a__b"],
  ["a$b", "a_-b"],
  ["a b", "a_.0020b"],
  ["1a", "_.0031a"],
])("metadata named %j is an element <%s>", (key, name) => {
  expect(encodeXmlKey(key)).toBe(name);
  expect(decodeXmlKey(name)).toBe(key);
});

test.each([
  ["a_b", "a_b"],
  ["_", "_"],
  ["_.zz", "_.zz"],
  ["___", "__"],
])("an element <%s> of another writer stands for %j", (name, key) => {
  expect(decodeXmlKey(name)).toBe(key);
});

test("metadata come back under their names, and the names of the fields beside them are left alone", () => {
  const metadata = { my_key: "1", "a b": "2", $x: "3" };
  const instance = { app: "A", metadata, odd_field: "4" };
  const text = printEurekaXml({ kind: "instance", instance });
  expect(text).toContain("<my__key>1</my__key>");
  expect(text).toContain("<odd_field>4</odd_field>");
  expect(parseEurekaXml(text)).toEqual({ kind: "instance", instance });
});
