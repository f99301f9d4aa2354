/*
 * How Eureka's XML has names of metadata as names of elements (XStream's XmlFriendlyNameCoder; a 4.3.0 server's answers):
 *
 * | in the name | in the element |
 * |---|---|
 * | _ | __ |
 * | $ | _- |
 * | what no element's name has | _.xxxx, each UTF-16 unit in four hexadecimal digits |
 */
import { isXmlName } from "./xml-tree.ts";

/** The name of metadata as an element's; `""` for `""`, which no element has. */
export function encodeXmlKey(key: string): string {
  let name = "";
  for (const unit of key.split("")) {
    if (unit === "_") name += "__";
    else if (unit === "$") name += "_-";
    else name += isXmlName(name === "" ? unit : `a${unit}`) ? unit : `_.${hex(unit)}`;
  }
  return name;
}

/** The name that an element stands for; what is no escape stays as it is. */
export function decodeXmlKey(name: string): string {
  return name.replace(/_(?:([_-])|\.([0-9a-fA-F]{4}))/g, (_, plain: string | undefined, code: string) => {
    if (plain !== undefined) return plain === "_" ? "_" : "$";
    return String.fromCharCode(Number.parseInt(code, 16));
  });
}

function hex(unit: string): string {
  return unit.charCodeAt(0).toString(16).padStart(4, "0");
}
