/**
 * The JSON of Nacos' messages, read as its servers and clients read it with Jackson: unknown fields are stepped over, null is as
 * good as absent, numbers and booleans may come as text and the other way round. What cannot be read so is the field's default.
 */
import { ProtocolError } from "../../base/errors.ts";

/** A JSON object as it came; fields are read by the functions below. */
export type NacosBody = Readonly<Record<string, unknown>>;

const decoder = new TextDecoder("utf-8");
const fatalDecoder = new TextDecoder("utf-8", { fatal: true });

/** Text of a server, all of it UTF-8 without a byte order mark. Throws `ProtocolError` where it is not: a name read wrong is another name. */
export function utf8Of(bytes: Uint8Array): string {
  try {
    return fatalDecoder.decode(bytes);
  } catch {
    throw new ProtocolError("nacos", "nacos text is no utf-8");
  }
}

/**
 * Reads a message's JSON; bytes that are no UTF-8 are shown as U+FFFD, so what must not be mistaken goes through {@link utf8Of} first. Throws `ProtocolError` for what is no JSON object. An empty
 * body is an empty object. The caller bounds the bytes ({@link decodePayload} does).
 */
export function parseBody(bytes: Uint8Array | string): NacosBody {
  const text = typeof bytes === "string" ? bytes : decoder.decode(bytes);
  if (text === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProtocolError("nacos", "nacos message is no json");
  }
  if (!isRecord(value)) throw new ProtocolError("nacos", "nacos message is no json object");
  return value;
}

/** A field as text; numbers and booleans as they print. */
export function textOf(body: NacosBody, name: string, fallback = ""): string {
  const value = own(body, name);
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : fallback;
}

/** A field as a double; `"NaN"` and the infinities, which Jackson prints as text, are read so. */
export function doubleOf(body: NacosBody, name: string, fallback: number): number {
  const value = own(body, name);
  if (typeof value === "number") return value;
  if (typeof value !== "string") return fallback;
  const text = value.trim();
  if (text === "NaN") return Number.NaN;
  if (text === "Infinity" || text === "INF") return Number.POSITIVE_INFINITY;
  if (text === "-Infinity" || text === "-INF") return Number.NEGATIVE_INFINITY;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : fallback;
}

/** A field as a whole number; a fraction is cut off, what is out of the safe integers is the fallback. */
export function wholeOf(body: NacosBody, name: string, fallback: number): number {
  const value = Math.trunc(doubleOf(body, name, fallback));
  return Number.isSafeInteger(value) ? value : fallback;
}

/** A field as a boolean; text and numbers as Jackson takes them. */
export function flagOf(body: NacosBody, name: string, fallback: boolean): boolean {
  const value = own(body, name);
  if (typeof value === "boolean") return value;
  if (typeof value === "number") return value !== 0;
  if (typeof value !== "string") return fallback;
  const text = value.trim().toLowerCase();
  return text === "true" ? true : text === "false" ? false : fallback;
}

/** A field as a list; empty where it is none. */
export function listOf(body: NacosBody, name: string): readonly unknown[] {
  const value = own(body, name);
  return Array.isArray(value) ? value : [];
}

/** A field as an object; undefined where it is none. */
export function recordOf(body: NacosBody, name: string): NacosBody | undefined {
  const value = own(body, name);
  return isRecord(value) ? value : undefined;
}

/** Whether a value of JSON is an object. */
export function isRecord(value: unknown): value is NacosBody {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function own(body: NacosBody, name: string): unknown {
  return Object.hasOwn(body, name) ? body[name] : undefined;
}
