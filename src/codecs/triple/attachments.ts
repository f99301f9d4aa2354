/**
 * Attachments and the header fields that carry them: of a request its head, of an answer its trailers.
 *
 * | attachment | field |
 * |---|---|
 * | `userId` = text, number or boolean | `userid`, and `tri-header-convert` says the name's case |
 * | `key` = bytes | `key-bin`, base64 without padding |
 * | `key` = date | HTTP-date |
 * | null, list, map, object | none |
 *
 * Reference: StreamUtils and TripleHeaderEnum of Apache Dubbo 3.3.
 */
import { ProtocolError } from "../../base/errors.ts";
import { type Fields, fieldValue } from "../fields.ts";
import { type JsonNode, parseJson } from "../json-text.ts";
import { shortestFloat, type Value } from "../value.ts";
import { fromBinaryField, fromField, isFieldName, toBinaryField, toField } from "./text.ts";

/** Attachments by name in its own case. */
export type Attachments = ReadonlyMap<string, string | Buffer>;

/** The field that tells the case of names: URL-encoded JSON, lower case to original. */
export const HEADER_CONVERT = "tri-header-convert";
const MAX_CONVERT_CHARS = 16_384;

/** Names that are the protocol's own or HTTP's: never attachments, in either direction. */
const RESERVED: ReadonlySet<string> = new Set([
  ..."group interface path remote.application application serialization rest-service-version".split(" "),
  ..."rest-service-group http-status grpc-status grpc-message grpc-status-details-bin grpc-timeout".split(" "),
  ..."grpc-encoding grpc-accept-encoding tri-consumer-appname tri-service-version tri-service-group".split(" "),
  ..."tri-service-timeout tri-header-convert tri-exception-code content-type content-length te host".split(" "),
  ..."connection keep-alive proxy-connection transfer-encoding upgrade trailer".split(" "),
]);

/** Whether a field of this name (lower case) is never an attachment. */
export function isReserved(name: string): boolean {
  return name.startsWith(":") || RESERVED.has(name);
}

/**
 * The attachments among a list's fields: every field that is not reserved, Java makes no other choice. Of a name that repeats
 * the last counts. A `-bin` field that is no base64 and a `tri-header-convert` that is no such map are passed over.
 */
export function parseAttachments(fields: Fields): Attachments {
  const names = parseConvert(fieldValue(fields, HEADER_CONVERT));
  const attachments = new Map<string, string | Buffer>();
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const field = fields[i]!;
    if (isReserved(field)) continue;
    if (field.endsWith("-bin") && field.length > 4) {
      const bytes = fromBinaryField(fields[i + 1]!);
      const name = field.slice(0, -4);
      if (bytes !== undefined && !isReserved(name)) attachments.set(names.get(name) ?? name, bytes);
    } else attachments.set(names.get(field) ?? field, fromField(fields[i + 1]!));
  }
  return attachments;
}

/**
 * Appends attachments to `fields`, `tri-header-convert` last where a name needs it. Reserved names and nulls are left out in
 * silence, as in Java; returned are the names of those that no field can carry. Throws CallError `invalid_argument` for a
 * value with control characters.
 */
export function printAttachments(attachments: Iterable<readonly [string, Value]>, fields: string[]): string[] {
  const dropped: string[] = [];
  const written = new Map<string, readonly [field: string, value: string]>();
  const names = new Map<string, string>();
  for (const [name, value] of attachments) {
    const lower = name.toLowerCase();
    if (value === null || isReserved(lower)) continue;
    const text = textOf(value);
    const field = value instanceof Uint8Array ? `${lower}-bin` : lower;
    if (!isFieldName(field) || isReserved(field) || (text === undefined && !(value instanceof Uint8Array))) {
      dropped.push(name);
      continue;
    }
    written.set(lower, [field, value instanceof Uint8Array ? toBinaryField(value) : toField(name, text!)]);
    if (name === lower) names.delete(lower);
    else names.set(lower, name);
  }
  for (const [field, value] of written.values()) fields.push(field, value);
  if (names.size > 0) {
    const pairs = [...names].map(([lower, name]) => `${JSON.stringify(lower)}:${JSON.stringify(name)}`);
    fields.push(HEADER_CONVERT, encodeURIComponent(`{${pairs.join(",")}}`));
  }
  return dropped;
}

function textOf(value: Value): string | undefined {
  if (value === null || value instanceof Uint8Array) return undefined;
  if (typeof value !== "object") return String(value);
  switch (value.type) {
    case "char":
      return value.value;
    case "double":
      return javaDecimal(value.value);
    case "float":
      return javaDecimal(shortestFloat(value.value));
    case "date": {
      const date = new Date(Number(value.ms));
      return Number.isNaN(date.getTime()) ? undefined : date.toUTCString();
    }
    default:
      return undefined;
  }
}

function javaDecimal(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e7 ? value.toFixed(1) : String(value);
}

/** Whether a {@link HEADER_CONVERT} changes no more than the case of names: Java 3.x gives attachments whatever name it says. */
export function keepsNames(convert: string): boolean {
  const json = readConvert(convert);
  return json instanceof Map && [...json].every(([lower, name]) => isSameName(lower, name));
}

/** Lower-case names to original ones; an entry that changes more than the case is not believed. */
function parseConvert(value: string | undefined): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const json = value === undefined ? undefined : readConvert(value);
  if (!(json instanceof Map)) return names;
  for (const [lower, name] of json) if (isSameName(lower, name)) names.set(lower, name);
  return names;
}

function isSameName(lower: string, name: JsonNode): name is string {
  return typeof name === "string" && name.toLowerCase() === lower;
}

function readConvert(value: string): JsonNode | undefined {
  if (value.length > MAX_CONVERT_CHARS) return undefined;
  try {
    return parseJson(decodeURIComponent(value.replace(/\+/g, "%20")), { maxDepth: 2, maxChars: MAX_CONVERT_CHARS });
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof URIError) return undefined;
    throw error;
  }
}
