import { ProtocolError } from "../../base/errors.ts";
import { type JsonNode, JsonNumber, type JsonObject, parseJson } from "../../codecs/json-text.ts";

/** Most characters of one JSON text of the application level that are read: an instance's payload, or a MetadataInfo. */
export const MAX_TEXT = 4 * 1024 * 1024;

/** Most entries of one map: services of a revision, parameters of a service, metadata of an instance. */
export const MAX_ENTRIES = 10_000;

/** A JSON object; undefined where the text is none, is over `maxChars` or is nested deeper than any such text is. Never throws. */
export function objectIn(text: string, maxChars = MAX_TEXT): JsonObject | undefined {
  const node = jsonIn(text, maxChars);
  return node instanceof Map ? node : undefined;
}

/** Any JSON value of such a text; undefined as in {@link objectIn}. */
export function jsonIn(text: string, maxChars = MAX_TEXT): JsonNode | undefined {
  try {
    return parseJson(text, { maxDepth: 32, maxChars, maxValues: 400_000 });
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** A text, or the digits of a number, or a boolean as text; `""` for everything else. */
export function textOf(node: JsonNode | undefined): string {
  if (typeof node === "string") return node;
  if (node instanceof JsonNumber) return node.text;
  return typeof node === "boolean" ? String(node) : "";
}

/** A port, 1 to 65535, given as a number or as text; 0 for everything else. */
export function portOf(node: JsonNode | undefined): number {
  const text = textOf(node);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port <= 65_535 ? port : 0;
}

/** The members of an object that are texts, numbers or booleans, as texts, at most {@link MAX_ENTRIES}; without a prototype. */
export function textsOf(node: JsonNode | undefined): Readonly<Record<string, string>> {
  const texts: Record<string, string> = Object.create(null);
  if (!(node instanceof Map)) return texts;
  let left = MAX_ENTRIES;
  for (const [key, value] of node) {
    if (left-- <= 0) break;
    if (typeof value === "string" || typeof value === "boolean" || value instanceof JsonNumber)
      texts[key] = textOf(value);
  }
  return texts;
}
