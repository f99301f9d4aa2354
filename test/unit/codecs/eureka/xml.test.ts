import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { EurekaDocument } from "../../../../src/codecs/eureka/document.ts";
import { readEurekaInstance } from "../../../../src/codecs/eureka/instance.ts";
import { parseEurekaJson } from "../../../../src/codecs/eureka/json.ts";
import { parseEurekaXml, printEurekaXml } from "../../../../src/codecs/eureka/xml.ts";

const fixture = (name: string) => readFileSync(`fixtures/wire/eureka/${name}`, "utf8").trim();

function instancesOf(document: EurekaDocument) {
  if (document.kind !== "applications") throw new Error(document.kind);
  return document.applications.flatMap(({ name, instances }) => instances.map((raw) => readEurekaInstance(raw, name)));
}

test("a server's JSON written as XML is what the server writes as XML", () => {
  expect(printEurekaXml(parseEurekaJson(fixture("apps.json")))).toBe(fixture("apps.xml"));
});

test("a server's XML reads as its JSON does", () => {
  const xml = parseEurekaXml(fixture("apps.xml"));
  expect(xml).toMatchObject({ kind: "applications", version: "1", hashcode: "UP_2_" });
  expect(instancesOf(xml)).toEqual(instancesOf(parseEurekaJson(fixture("apps.json"))));
});

test.each(["apps.xml", "delta.xml", "application.xml"])("%s comes out as it went in", (name) => {
  expect(printEurekaXml(parseEurekaXml(fixture(name)))).toBe(fixture(name));
});

test("a registration is read", () => {
  const document = parseEurekaXml(fixture("register.xml"));
  expect(document.kind === "instance" && readEurekaInstance(document.instance, "")).toMatchObject({
    id: "x3",
    app: "SVC-X",
    port: 7001,
    isSecurePortEnabled: false,
    metadata: { zone: "z2" },
    zone: "z2",
  });
});

test("metadata of Amazon's data centres, empty metadata and metadata without a class are read", () => {
  const text =
    '<instance><hostName>h</hostName><dataCenterInfo class="c"><name>Amazon</name><metadata><availability-zone>z</availability-zone>' +
    '</metadata></dataCenterInfo><metadata class="java.util.Collections$EmptyMap"/></instance>';
  const document = parseEurekaXml(text);
  expect(document).toEqual({
    kind: "instance",
    instance: {
      hostName: "h",
      dataCenterInfo: { "@class": "c", name: "Amazon", metadata: { "availability-zone": "z" } },
      metadata: { "@class": "java.util.Collections$EmptyMap" },
    },
  });
  expect(parseEurekaXml("<instance><metadata/></instance>")).toEqual({ kind: "instance", instance: { metadata: {} } });
});

test("metadata under names that XML has no place for is written and read as XStream does, and text is escaped", () => {
  const text = printEurekaXml({ kind: "instance", instance: { metadata: { "a b": "1", c: "<&" }, none: null } });
  expect(text).toBe(
    "<instance>\n  <metadata>\n    <a_.0020b>1</a_.0020b>\n    <c>&lt;&amp;</c>\n  </metadata>\n</instance>",
  );
  expect(parseEurekaXml(text)).toEqual({ kind: "instance", instance: { metadata: { "a b": "1", c: "<&" } } });
});

test.each([
  ["<html><body/></html>", "eureka answer is <html>, not applications"],
  ["<applications><application/></applications>", "eureka application has no name"],
  ["<applications>", "xml ends within <applications>"],
])("%s is refused", (text, message) => {
  expect(() => parseEurekaXml(text)).toThrow(message);
});
