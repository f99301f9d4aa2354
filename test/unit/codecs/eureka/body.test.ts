import { expect, test } from "vitest";
import { decodeEurekaBody, encodeEurekaBody, formatOf } from "../../../../src/codecs/eureka/body.ts";
import type { EurekaDocument } from "../../../../src/codecs/eureka/document.ts";

test.each([
  ["application/json", "json"],
  ["application/json;charset=UTF-8", "json"],
  ['Application/XML; charset="utf-8"', "xml"],
  ["application/vnd.netflix.eureka+xml", "xml"],
])("%s is %s", (type, format) => {
  expect(formatOf(type)).toBe(format);
});

test.each([
  [undefined, 'eureka answer is of type ""; json or xml is read'],
  ["text/html;charset=UTF-8", 'eureka answer is of type "text/html"; json or xml is read'],
  ["application/json;charset=UTF-16", "eureka answer is in charset utf-16; only UTF-8 is read"],
])("%s is refused", (type, message) => {
  expect(() => formatOf(type)).toThrow(message);
});

const document: EurekaDocument = {
  kind: "applications",
  version: "1",
  hashcode: "UP_1_",
  applications: [{ name: "É", instances: [{ hostName: "h", status: "UP" }] }],
};

test.each(["json", "xml"] as const)("a document comes back from %s", (format) => {
  expect(decodeEurekaBody(encodeEurekaBody(document, format), format)).toEqual(document);
});

test.each(["json", "xml"] as const)("%s in Latin-1 and in UTF-16 is refused", (format) => {
  const bytes = encodeEurekaBody(document, format);
  for (const encoding of ["latin1", "utf16le"] as const)
    expect(() => decodeEurekaBody(Buffer.from(bytes.toString(), encoding), format)).toThrow();
  expect(() => decodeEurekaBody(Buffer.from(bytes.toString(), "latin1"), format)).toThrow("eureka answer is not UTF-8");
});
