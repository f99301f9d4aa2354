/**
 * What stands in a google.protobuf.Any: the messages of the schema that the Any is of, and protobuf's own wrappers, Timestamp, Duration and Struct.
 *
 * | in Java, or JSON | the Any has |
 * |---|---|
 * | an object, or a map with the key `class` | the message that is its class, or whose name alone is the class's |
 * | a map with the key `@type` | the message of that type; of protobuf's own the key `value` |
 * | text, number, boolean, bytes, a date | StringValue, Int32Value, Int64Value, DoubleValue, BoolValue, BytesValue, Timestamp |
 */
import { createRegistry, type DescFile, type DescMessage, type Registry } from "@bufbuild/protobuf";
import {
  BoolValueSchema,
  BytesValueSchema,
  DoubleValueSchema,
  file_google_protobuf_duration,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  Int32ValueSchema,
  Int64ValueSchema,
  StringValueSchema,
  TimestampSchema,
} from "@bufbuild/protobuf/wkt";
import { type JavaSchema, kindOfJava } from "../java-schema.ts";
import { type JavaType, parseJavaType } from "../java-types.ts";
import { isContainer, type MapValue, mapGet, mapValue, type Value } from "../value.ts";
import { classOfMessage, isBeanOf } from "./java-names.ts";

/** Any inside Any, the most. */
export const MAX_ANYS = 8;
const MAX_URL_CHARS = 1024;
/** Before the name of a type, as protobuf's own libraries write it; any other is read too. */
const PREFIX = "type.googleapis.com/";

interface KnownTypes {
  readonly types: Registry;
  /** By class, and behind a slash by what names a class alone; made when first asked. */
  classes: ReadonlyMap<string, DescMessage> | undefined;
}

const known = new WeakMap<DescFile, KnownTypes>();
const wellKnown = createRegistry(
  file_google_protobuf_wrappers,
  file_google_protobuf_timestamp,
  file_google_protobuf_duration,
  file_google_protobuf_struct,
);

/** Has the messages of a schema known to each Any of it. */
export function rememberTypes(types: Registry): void {
  const entry: KnownTypes = { types, classes: undefined };
  for (const type of types) if (type.kind === "message") known.set(type.file, entry);
}

/** The message that an Any's type URL names; undefined for one that the schema does not have. */
export function messageOfUrl(any: DescMessage, url: string): DescMessage | undefined {
  if (url.length > MAX_URL_CHARS) return undefined;
  const name = url.slice(url.lastIndexOf("/") + 1);
  return known.get(any.file)?.types.getMessage(name) ?? wellKnown.getMessage(name);
}

/** The type URL of a message. */
export function urlOf({ typeName }: DescMessage): string {
  return PREFIX + typeName;
}

/** A value as an Any's content: its message, and the value that this is to be made from; undefined where no message is known for it. */
export function packedIn(any: DescMessage, value: Value): { type: DescMessage; content: Value } | undefined {
  const own = scalarMessage(value);
  if (own !== undefined) return { type: own, content: value };
  if (!isContainer(value) || value.type === "list") return undefined;
  const url = value.type === "map" ? mapGet(value, "@type") : undefined;
  if (value.type === "map" && typeof url === "string") {
    const type = messageOfUrl(any, url);
    return type && { type, content: contentOf(type, value) };
  }
  const name = value.type === "object" ? value.shape.name : mapGet(value, "class");
  const type = typeof name === "string" ? messageOfClass(any, name) : undefined;
  return type && { type, content: value };
}

function contentOf({ typeName }: DescMessage, map: MapValue): Value {
  const isOwn = typeName.startsWith("google.protobuf.") && typeName !== "google.protobuf.Any";
  const held = isOwn ? mapGet(map, "value") : undefined;
  return held ?? mapValue(map.entries.filter(([key]) => key !== "@type"));
}

function messageOfClass(any: DescMessage, className: string): DescMessage | undefined {
  const entry = known.get(any.file);
  if (entry === undefined) return undefined;
  entry.classes ??= classesOf(entry.types);
  return entry.classes.get(className) ?? entry.classes.get(`/${simpleName(className)}`);
}

function classesOf(types: Registry): ReadonlyMap<string, DescMessage> {
  const classes = new Map<string, DescMessage>();
  const twice = new Set<string>();
  for (const type of types) {
    if (type.kind !== "message" || type.typeName.startsWith("google.protobuf.")) continue;
    classes.set(classOfMessage(type), type);
    const simple = `/${type.name}`;
    if (classes.has(simple)) twice.add(simple);
    classes.set(simple, type);
  }
  for (const simple of twice) classes.delete(simple);
  return classes;
}

function simpleName(className: string): string {
  return className.slice(Math.max(className.lastIndexOf("."), className.lastIndexOf("$")) + 1);
}

function scalarMessage(value: Value): DescMessage | undefined {
  switch (typeof value) {
    case "string":
      return StringValueSchema;
    case "number":
      return Int32ValueSchema;
    case "bigint":
      return Int64ValueSchema;
    case "boolean":
      return BoolValueSchema;
  }
  if (value === null || isContainer(value)) return undefined;
  if (value instanceof Uint8Array) return BytesValueSchema;
  if (value.type === "date") return TimestampSchema;
  return value.type === "char" ? StringValueSchema : DoubleValueSchema;
}

/** The class of an Any's message where `declared` is said: that, where it has all the message's fields, else the message's own. */
export function classInAny(java: JavaSchema | undefined, message: DescMessage, declared: JavaType): JavaType {
  const isDeclared = java !== undefined && kindOfJava(declared) === "bean" && isBeanOf(java, message, declared.name);
  return isDeclared ? declared : parseJavaType(classOfMessage(message));
}
