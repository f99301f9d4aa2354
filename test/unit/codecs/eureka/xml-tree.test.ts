import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { escapeXml, isXmlName, parseXml, XML_LIMITS } from "../../../../src/codecs/eureka/xml-tree.ts";

test("elements, attributes, text, CDATA, comments and entities are read", () => {
  const root = parseXml(
    '<?xml version="1.0" encoding="UTF-8"?>\n<!-- c --><a x="1 &amp; 2" y=\'"\'> t&#65;&#x42;<b/><![CDATA[<&>]]><?pi x?>é</a>\n<!-- end -->',
  );
  expect(root).toEqual({
    name: "a",
    attributes: new Map([
      ["x", "1 & 2"],
      ["y", '"'],
    ]),
    children: [{ name: "b", attributes: new Map(), children: [], text: "" }],
    text: " tAB<&>é",
  });
});

test("a reference to what is no character, as servers write it for what applications sent, is U+FFFD", () => {
  expect(parseXml("<a>1&#0;&#x0;&#xD800;&#1;&#xFFFFFF;2</a>").text).toBe("1\ufffd\ufffd\ufffd\ufffd\ufffd2");
});

test.each([
  ["", "xml has no element"],
  ["text", "xml has text outside of its root"],
  ["<a/><b/>", "xml has a second root"],
  ["<a></b>", "xml has </b> where </a> belongs"],
  ["</a>", "xml has </a> where </> belongs"],
  ["<a>", "xml ends within <a>"],
  ["<a", "xml tag <a> does not end"],
  ["<a></a", "xml tag </a> does not end"],
  ["<a b></a>", "xml attribute has no value"],
  ["<a b=1/>", "xml attribute value is not quoted"],
  ['<a b="1/>', "xml attribute value does not end"],
  ['<a b="<"/>', "xml attribute value holds a <"],
  ['<a b="1" b="2"/>', "xml attribute b of <a> is given twice"],
  ["< a/>", "xml element has no name"],
  ["<a>&x;</a>", "xml entity &x; is not known"],
  ["<a>&constructor;</a>", "xml entity &constructor; is not known"],
  ["<a>&</a>", "xml entity & is not known"],
  ["<a>\u0000</a>", "xml holds a character that it must not"],
  ["<!-- a", "xml comment does not end"],
  ["<a><![CDATA[x</a>", "xml CDATA section does not end"],
  ["<a><?x</a>", "xml processing instruction does not end"],
  ['<?xml version="1.0" encoding="ISO-8859-1"?><a/>', "xml says it is in ISO-8859-1; only UTF-8 is read"],
  ['<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "xml with a DOCTYPE is refused"],
  ['<!DOCTYPE a [<!ENTITY x "xxxx"><!ENTITY y "&x;&x;">]><a>&y;</a>', "xml with a DOCTYPE is refused"],
])("%j is refused", (text, message) => {
  expect(() => parseXml(text)).toThrow(ProtocolError);
  expect(() => parseXml(text)).toThrow(message);
});

test.each([
  ["<a><b><c/></b></a>", { maxDepth: 2 }, undefined],
  ["<a><b><c></c></b></a>", { maxDepth: 2 }, "xml is over maxDepth 2"],
  ["<a><b/><b/></a>", { maxElements: 2 }, "xml is over maxElements 2"],
  ['<a b="" c=""/>', { maxAttributes: 1 }, "xml element <a> is over maxAttributes 1"],
  ["<abcd/>", { maxNameLength: 3 }, "xml name of 4 characters is over maxNameLength 3"],
])("%s with %j: %s", (text, limits, message) => {
  const read = () => parseXml(text, { ...XML_LIMITS, ...limits });
  if (message === undefined) expect(read().name).toBe("a");
  else expect(read).toThrow(message);
});

test("every truncation of an answer is refused", () => {
  const text = readFileSync("fixtures/wire/eureka/apps.xml", "utf8").trim();
  for (let end = 0; end < text.length; end += 3) expect(() => parseXml(text.slice(0, end))).toThrow(ProtocolError);
});

test("a hundred thousand open elements are refused, not followed", () => {
  expect(() => parseXml("<a>".repeat(100_000))).toThrow("xml is over maxDepth 16");
});

test("text is written so that it is read again; what XML has no place for is left out", () => {
  const text = `<a b="c">&'é\u0001`;
  expect(parseXml(`<x y="${escapeXml(text)}">${escapeXml(text)}</x>`).text).toBe(`<a b="c">&'é`);
});

test("names of elements are told from other text", () => {
  expect(["a", "management.port", "a_b-c:d", "é"].every(isXmlName)).toBe(true);
  expect(["", "1a", "a b", "a/b", "@class", "-a", "a<"].some(isXmlName)).toBe(false);
});
