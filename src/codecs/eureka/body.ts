import { ProtocolError } from "../../base/errors.ts";
import type { EurekaDocument, EurekaFormat } from "./document.ts";
import { parseEurekaJson, printEurekaJson } from "./json.ts";
import { parseEurekaXml, printEurekaXml } from "./xml.ts";

/** The format that a body of this `Content-Type` is in. Throws `ProtocolError` for another one, and for a charset that is not UTF-8. */
export function formatOf(contentType: string | undefined): EurekaFormat {
  const [type = "", ...parameters] = (contentType ?? "").toLowerCase().split(";");
  const charset = parameters.map((part) => /^\s*charset\s*=\s*"?([^"\s]*)/.exec(part)?.[1]).find(Boolean);
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/.test(charset))
    throw new ProtocolError("eureka", `eureka answer is in charset ${charset.slice(0, 40)}; only UTF-8 is read`);
  if (type.includes("json")) return "json";
  if (type.includes("xml")) return "xml";
  throw new ProtocolError("eureka", `eureka answer is of type "${type.trim().slice(0, 60)}"; json or xml is read`);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a body, decompressed. Throws `ProtocolError` for bytes that are not UTF-8 or no document of Eureka's. */
export function decodeEurekaBody(bytes: Uint8Array, format: EurekaFormat): EurekaDocument {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new ProtocolError("eureka", "eureka answer is not UTF-8");
  }
  return format === "json" ? parseEurekaJson(text) : parseEurekaXml(text);
}

/** Writes a document. */
export function encodeEurekaBody(document: EurekaDocument, format: EurekaFormat): Buffer {
  return Buffer.from(format === "json" ? printEurekaJson(document) : printEurekaXml(document));
}
