/** Protobuf messages and their JSON, by descriptors (protobuf's JSON mapping: 64-bit integers are text). */
import {
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type Registry,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { cleanText } from "../../base/clean-text.ts";
import { type JsonNode, JsonNumber, jsonNumber } from "../json-text.ts";

/** A message's bytes from its JSON. Throws an `Error` with one line that names the field where the JSON does not fit its type. */
export function encodeJsonMessage(type: DescMessage, json: JsonNode, registry: Registry): Uint8Array {
  const plain = nodeToPlain(json);
  try {
    return toBinary(type, fromJson(type, plain, { registry }));
  } catch (error) {
    const path = faultPath(type, plain, registry);
    const place = path === "" ? "" : `at ${cleanText(path)}: `;
    throw new Error(`the message is no ${type.typeName}: ${place}${cleanText((error as Error).message)}`);
  }
}

/** Where in a message's JSON the first value stands that does not fit, as `lines[0].count`; empty where no single one is to blame. */
function faultPath(type: DescMessage, json: JsonValue, registry: Registry): string {
  if (!isObject(json)) return "";
  for (const [name, value] of Object.entries(json)) {
    if (fits(type, { [name]: value }, registry)) continue;
    const field = type.fields.find((one) => one.jsonName === name || one.name === name);
    const inner = field?.message;
    const items = field?.fieldKind === "message" ? [["", value] as const] : itemsOf(value);
    for (const [key, item] of items) {
      if (inner === undefined || fits(inner, item, registry)) continue;
      const rest = faultPath(inner, item, registry);
      return rest === "" ? name + key : `${name}${key}.${rest}`;
    }
    return name;
  }
  return "";
}

function itemsOf(value: JsonValue): readonly (readonly [string, JsonValue])[] {
  if (Array.isArray(value)) return value.map((item, i) => [`[${i}]`, item]);
  return isObject(value) ? Object.entries(value).map(([key, item]) => [`[${JSON.stringify(key)}]`, item]) : [];
}

function fits(type: DescMessage, json: JsonValue, registry: Registry): boolean {
  try {
    fromJson(type, json, { registry });
    return true;
  } catch {
    return false;
  }
}

function isObject(json: JsonValue): json is { [name: string]: JsonValue } {
  return json !== null && typeof json === "object" && !Array.isArray(json);
}

/** A message's JSON from its bytes. Throws an `Error` with one line for bytes that are none. */
export function decodeJsonMessage(type: DescMessage, bytes: Uint8Array, registry: Registry): JsonNode {
  try {
    return plainToNode(toJson(type, fromBinary(type, bytes), { registry }));
  } catch (error) {
    throw new Error(`the answer is no ${type.typeName}: ${cleanText((error as Error).message)}`);
  }
}

/** A tree as protobuf's libraries take it: whole numbers that JavaScript's cannot hold become text, which the mapping takes in their place. */
export function nodeToPlain(node: JsonNode): JsonValue {
  if (node instanceof JsonNumber) {
    const number = Number(node.text);
    return node.isInteger && !Number.isSafeInteger(number) ? node.text : number;
  }
  if (Array.isArray(node)) return node.map(nodeToPlain);
  if (node instanceof Map) return Object.fromEntries([...node].map(([name, value]) => [name, nodeToPlain(value)]));
  return node;
}

function plainToNode(value: JsonValue): JsonNode {
  if (typeof value === "number") return jsonNumber(value);
  if (Array.isArray(value)) return value.map(plainToNode);
  if (value === null || typeof value !== "object") return value;
  return new Map(Object.entries(value).map(([name, member]) => [name, plainToNode(member)]));
}
