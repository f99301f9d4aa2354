/*
 * Eureka's XML: the JSON's form with four differences.
 *
 * | JSON | XML |
 * |---|---|
 * | "port":{"$":80,"@enabled":"true"} | <port enabled="true">80</port> |
 * | "dataCenterInfo":{"@class":"c","name":"MyOwn"} | <dataCenterInfo class="c"><name>MyOwn</name></dataCenterInfo> |
 * | "overriddenStatus" | <overriddenstatus> |
 * | "metadata":{"a_b":"1"} | <metadata><a__b>1</a__b></metadata>, see xml-names.ts |
 *
 * Netflix/eureka eureka-client/…/converters/EntityBodyConverter; a Spring Cloud Netflix 2025.0.0 server's answers.
 */
import { ProtocolError } from "../../base/errors.ts";
import type { EurekaDocument, RawApplication, RawInstance } from "./document.ts";
import { isObject } from "./json.ts";
import { decodeXmlKey, encodeXmlKey } from "./xml-names.ts";
import { escapeXml, isXmlName, parseXml, type XmlElement } from "./xml-tree.ts";

/** Reads a document. Throws `ProtocolError` for text that is not well-formed XML, or none of Eureka's. */
export function parseEurekaXml(text: string): EurekaDocument {
  const root = parseXml(text);
  switch (root.name) {
    case "applications": {
      const hashcode = root.children.find(({ name }) => name === "apps__hashcode")?.text.trim();
      return {
        kind: "applications",
        version: root.children.find(({ name }) => name === "versions__delta")?.text.trim() ?? "",
        hashcode,
        applications: root.children.filter(({ name }) => name === "application").map(applicationOf),
      };
    }
    case "application":
      return { kind: "application", application: applicationOf(root) };
    case "instance":
      return { kind: "instance", instance: instanceOf(root) };
    default:
      throw new ProtocolError("eureka", `eureka answer is <${root.name.slice(0, 60)}>, not applications`);
  }
}

/** Writes a document as servers do. */
export function printEurekaXml(document: EurekaDocument): string {
  const lines: string[] = [];
  switch (document.kind) {
    case "applications":
      lines.push("<applications>", `  <versions__delta>${escapeXml(document.version)}</versions__delta>`);
      if (document.hashcode !== undefined)
        lines.push(`  <apps__hashcode>${escapeXml(document.hashcode)}</apps__hashcode>`);
      for (const application of document.applications) printApplication(lines, application, "  ");
      lines.push("</applications>");
      break;
    case "application":
      printApplication(lines, document.application, "");
      break;
    case "instance":
      printInstance(lines, document.instance, "");
      break;
    default:
      document satisfies never;
  }
  return lines.join("\n");
}

function applicationOf({ children }: XmlElement): RawApplication {
  const name = children.find((child) => child.name === "name")?.text.trim() ?? "";
  if (name === "") throw new ProtocolError("eureka", "eureka application has no name");
  return {
    name: name.toUpperCase(),
    instances: children.filter((child) => child.name === "instance").map(instanceOf),
  };
}

function instanceOf({ children }: XmlElement): RawInstance {
  return Object.fromEntries(children.map(fieldOf));
}

function fieldOf(element: XmlElement): readonly [string, unknown] {
  const { name, attributes, children, text } = element;
  if (name === "overriddenstatus") return ["overriddenStatus", text.trim()];
  if (attributes.size === 0 && children.length === 0 && name !== "metadata") return [name, text.trim()];
  const object: [string, unknown][] = [...attributes].map(([key, value]) => [
    key === "class" ? "@class" : `@${key}`,
    value,
  ]);
  if (children.length === 0) {
    if (name !== "metadata" && text.trim() !== "") object.push(["$", numberOf(text.trim())]);
    return [name, Object.fromEntries(object)];
  }
  for (const child of children) {
    if (name === "metadata") object.push([decodeXmlKey(child.name), child.text]);
    else if (child.children.length > 0) object.push([...fieldOf(child)]);
    else object.push([child.name, name === "leaseInfo" ? numberOf(child.text.trim()) : child.text]);
  }
  return [name, Object.fromEntries(object)];
}

function numberOf(text: string): number | string {
  return /^-?[0-9]{1,15}$/.test(text) ? Number(text) : text;
}

function printApplication(lines: string[], { name, instances }: RawApplication, indent: string): void {
  lines.push(`${indent}<application>`, `${indent}  <name>${escapeXml(name)}</name>`);
  for (const instance of instances) printInstance(lines, instance, `${indent}  `);
  lines.push(`${indent}</application>`);
}

function printInstance(lines: string[], instance: RawInstance, indent: string): void {
  lines.push(`${indent}<instance>`);
  for (const [name, value] of Object.entries(instance)) {
    printField(lines, name === "overriddenStatus" ? "overriddenstatus" : name, value, `${indent}  `);
  }
  lines.push(`${indent}</instance>`);
}

/** Deeper things than Eureka knows are left out. */
function printField(lines: string[], name: string, value: unknown, indent: string, depth = 0): void {
  if (!isXmlName(name) || value === null || value === undefined || depth > 4) return;
  if (!isObject(value)) {
    if (!Array.isArray(value)) lines.push(`${indent}<${name}>${escapeXml(`${value}`)}</${name}>`);
    return;
  }
  const entries = Object.entries(value);
  const attributes = entries
    .filter(([key]) => key.startsWith("@") && isXmlName(key.slice(1)))
    .map(([key, text]) => ` ${key.slice(1)}="${escapeXml(`${text}`)}"`)
    .join("");
  if (value["$"] !== undefined) {
    lines.push(`${indent}<${name}${attributes}>${escapeXml(`${value["$"]}`)}</${name}>`);
    return;
  }
  const children = entries.filter(([key]) => !key.startsWith("@"));
  if (children.length === 0) {
    lines.push(`${indent}<${name}${attributes}/>`);
    return;
  }
  lines.push(`${indent}<${name}${attributes}>`);
  for (const [key, child] of children)
    printField(lines, name === "metadata" ? encodeXmlKey(key) : key, child, `${indent}  `, depth + 1);
  lines.push(`${indent}</${name}>`);
}
