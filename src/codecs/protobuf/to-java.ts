/** Protobuf messages to Java's values, by the types that Java declares as far as they are known. Table: docs/bridging.md. */
import { type DescEnum, type DescField, ScalarType, toJson } from "@bufbuild/protobuf";
import { type ReflectList, type ReflectMap, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { FeatureSet_FieldPresence as Presence } from "@bufbuild/protobuf/wkt";
import { ProtocolError } from "../../base/errors.ts";
import { jsonToValue, listClass, mapClass } from "../hessian2/from-json.ts";
import { bigIntegerValue, enumValue } from "../hessian2/java.ts";
import { type JavaSchema, kindOfJava } from "../java-schema.ts";
import { type JavaType, OBJECT_TYPE, printJavaType } from "../java-types.ts";
import { JsonNumber } from "../json-text.ts";
import {
  type ClassShape,
  dateValue,
  doubleValue,
  floatValue,
  listValue,
  type MapEntry,
  mapValue,
  shortestFloat,
  type Value,
} from "../value.ts";
import { classInAny, MAX_ANYS, messageOfUrl } from "./any.ts";
import { decodeMessage, ValueCounter } from "./decode.ts";
import { beanFields, classOfMessage, constantOf } from "./java-names.ts";
import { durationText, isDuration, isTimestamp, millisOf, type Seconds, timestampText, timeText } from "./times.ts";

/** How messages become Java's values. */
export interface ToJavaOptions {
  /** Undefined where Java's types are not known. */
  readonly java: JavaSchema | undefined;
  /** What messages are: `maps`, as generic calls have them, or `objects` of their classes. */
  readonly beans: "maps" | "objects";
  /** Whether fields that are not set and have no presence are given all the same, as what they are by default. */
  readonly defaults: boolean;
  /** Whether maps that an Any holds have the key `@type` beside `class`; default false. */
  readonly typeUrls?: boolean;
}

type Scalar = boolean | number | bigint | string | Uint8Array;

const PRIMITIVES = new Set(["boolean", "byte", "short", "int", "long", "float", "double", "char"]);
const MAX_LONG = 9_223_372_036_854_775_807n;
const WRAPPER = /^google\.protobuf\.(?:Double|Float|U?Int64|U?Int32|Bool|String|Bytes)Value$/;

/** Makes values; one for each tree, since equal objects of a tree share a shape. */
export class JavaBuilder {
  readonly #options: ToJavaOptions;
  readonly #shapes = new Map<string, ClassShape>();
  /** Where in the message the value stands that is being made. */
  readonly #path: (string | number)[] = [];
  readonly #counter = new ValueCounter();
  /** The maps whose key `class` is the name that the schema has for an Any's message: no caller says it. */
  readonly named = new Set<Value>();
  #anys = 0;

  constructor(options: ToJavaOptions) {
    this.#options = options;
  }

  /** A message as a value of `type`. Throws ProtocolError("protobuf", ...) with the field's path where it does not fit. */
  message(message: ReflectMessage, type: JavaType = OBJECT_TYPE): Value {
    const { desc } = message;
    if (desc.typeName.startsWith("google.protobuf.")) {
      const known = this.#wellKnown(message, type);
      if (known !== undefined) return known;
    }
    switch (kindOfJava(type)) {
      case "bean":
      case "any":
        return this.#bean(message, type);
      case "map":
        return this.#fieldsAsMap(message, type);
      default:
        throw this.#unfit(type, `a message ${desc.typeName}`);
    }
  }

  /** One field of a message as a value of its own: an argument, or all of an answer. Not set, it is null or what it is by default. */
  field(message: ReflectMessage, field: DescField, type: JavaType = OBJECT_TYPE): Value {
    this.#path.push(field.name);
    const value = this.#field(message, field, type);
    this.#path.pop();
    return value;
  }

  #field(message: ReflectMessage, field: DescField, type: JavaType): Value {
    switch (field.fieldKind) {
      case "list":
        return this.#list(message.get(field), field, type);
      case "map":
        return this.#map(message.get(field), field, type);
      case "message":
        if (message.isSet(field)) return this.message(message.get(field), type);
        if (PRIMITIVES.has(type.name)) throw this.#unfit(type, "no value");
        return null;
      case "enum":
      case "scalar": {
        const value = message.get(field) as Scalar;
        if (!message.isSet(field) && !PRIMITIVES.has(type.name)) {
          if (field.presence === Presence.EXPLICIT || (field.fieldKind === "scalar" && !hasEmpty(value, type)))
            return null;
        }
        if (field.fieldKind === "scalar") return this.#scalar(value, field.scalar, type);
        return this.#enum(value as number, field.enum, type, message.isSet(field));
      }
    }
  }

  /** `url`: the message is an Any's. */
  #bean(message: ReflectMessage, type: JavaType, url?: string): Value {
    const { beans, java, defaults, typeUrls } = this.#options;
    const className = kindOfJava(type) === "bean" ? type.name : classOfMessage(message.desc);
    const names: string[] = [];
    const values: Value[] = [];
    // A class that nobody describes is like its message: its enums are like the message's.
    const isGuess = beans === "objects" && java?.properties(className) === undefined;
    for (const { field, property, type } of beanFields(java, message.desc, className)) {
      const declared = isGuess && field.fieldKind === "enum" ? { name: classOfMessage(field.enum), args: [] } : type;
      if (!message.isSet(field) && !(defaults && hasDefault(field))) continue;
      // In a generic call's map this key names the class to make; no bean has such a property.
      if (beans === "maps" && property === "class") continue;
      names.push(property);
      values.push(this.field(message, field, declared));
    }
    if (beans === "maps") {
      const entries = names.map((name, i): MapEntry => [name, values[i]!]);
      if (url === undefined) return mapValue(entries);
      entries.push(["class", className]);
      const map = mapValue(typeUrls === true ? [["@type", url], ...entries] : entries);
      this.named.add(map);
      return map;
    }
    const key = JSON.stringify([className, ...names]);
    let shape = this.#shapes.get(key);
    if (shape === undefined) {
      shape = { name: className, fields: names };
      this.#shapes.set(key, shape);
    }
    return { type: "object", shape, values };
  }

  #fieldsAsMap(message: ReflectMessage, type: JavaType): Value {
    const entries: MapEntry[] = [];
    for (const { field, property } of beanFields(undefined, message.desc, "")) {
      if (!message.isSet(field) && !(this.#options.defaults && hasDefault(field))) continue;
      entries.push([property, this.field(message, field, type.args[1])]);
    }
    return mapValue(entries, mapClass(type));
  }

  #list(list: ReflectList, field: DescField & { fieldKind: "list" }, type: JavaType): Value {
    const kind = kindOfJava(type);
    if (kind !== "list" && kind !== "any") throw this.#unfit(type, "a repeated field");
    const element = kind === "list" ? type.args[0] : undefined;
    const items: Value[] = [];
    for (const item of list) {
      this.#path.push(items.length);
      items.push(this.#item(item, field, element));
      this.#path.pop();
    }
    // A generic call's provider makes the array, out of items that are maps yet.
    const isPlain = kind === "any" || (this.#options.beans === "maps" && type.name === "[]");
    return listValue(items, isPlain ? null : listClass(type));
  }

  #map(map: ReflectMap, field: DescField & { fieldKind: "map" }, type: JavaType): Value {
    const kind = kindOfJava(type);
    if (kind !== "map" && kind !== "any") throw this.#unfit(type, "a map");
    const [keyType, valueType] = kind === "map" ? type.args : [];
    const entries: MapEntry[] = [];
    for (const [key, item] of map) {
      this.#path.push(`[${JSON.stringify(String(key))}]`);
      const made = this.#scalar(key as Scalar, field.mapKey, keyType ?? OBJECT_TYPE);
      entries.push([made, this.#item(item, field, valueType)]);
      this.#path.pop();
    }
    return mapValue(entries, kind === "any" ? null : mapClass(type));
  }

  #item(item: unknown, field: DescField & { fieldKind: "list" | "map" }, type: JavaType = OBJECT_TYPE): Value {
    if (field.message !== undefined) return this.message(item as ReflectMessage, type);
    if (field.enum !== undefined) return this.#enum(item as number, field.enum, type, true);
    return this.#scalar(item as Scalar, field.scalar, type);
  }

  #enum(number: number, type: DescEnum, wanted: JavaType, isSet: boolean): Value {
    const { java, beans } = this.#options;
    const kind = kindOfJava(wanted);
    if (kind === "integer") return this.#scalar(number, ScalarType.INT32, wanted);
    if (kind === "text") return type.value[number]?.name ?? String(number);
    if (kind !== "bean" && kind !== "any") throw this.#unfit(wanted, `a value of ${type.typeName}`);
    const known = java?.constants(wanted.name);
    const constant = constantOf(type, number, known);
    // What stands for "none" in protobuf is null in Java, whose enums seldom have a constant for it.
    const isUnsaid = /(?:^|_)(?:UNSPECIFIED|UNKNOWN)$/.test(type.value[number]?.name ?? "");
    if (number === 0 && (constant === undefined ? isUnsaid || !isSet : isUnsaid && !isSet && known === undefined))
      return null;
    if (constant === undefined) {
      throw this.#unfit(wanted, type.value[number]?.name ?? `${number}, which ${type.typeName} has no name for`);
    }
    return beans === "objects" && kind === "bean" ? enumValue(wanted.name, constant) : constant;
  }

  #scalar(value: Scalar, scalar: ScalarType, type: JavaType): Value {
    switch (kindOfJava(type)) {
      case "any":
        return this.#natural(value, scalar);
      case "text":
        if (typeof value === "string") return value;
        if (typeof value === "bigint" || (typeof value === "number" && !isFraction(scalar))) return String(value);
        break;
      case "bytes":
        if (value instanceof Uint8Array) return value;
        break;
      case "boolean":
        if (typeof value === "boolean") return value;
        break;
      case "float":
        if (typeof value === "number") return this.#float(value, type);
        if (typeof value === "bigint" && BigInt(Number(value)) === value) return this.#float(Number(value), type);
        break;
      case "bean":
        // An enum of Java's that is a text here.
        if (typeof value === "string" && this.#options.java?.properties(type.name) === undefined) {
          return this.#options.beans === "objects" ? enumValue(type.name, value) : value;
        }
        break;
      case "integer":
      case "char":
      case "decimal":
      case "date":
      case "time":
      case "library":
        return this.#byText(value, scalar, type);
      default:
        break;
    }
    throw this.#unfit(type, shown(value, scalar));
  }

  #float(value: number, type: JavaType): Value {
    const isSingle = type.name === "float" || type.name === "java.lang.Float";
    if (!isSingle) return doubleValue(value);
    const single = floatValue(value);
    if (Number.isFinite(value) && !Number.isFinite(single.value)) throw this.#unfit(type, String(value));
    return single;
  }

  /** Classes whose values are one number or text: Java's own rules for those are in one place. */
  #byText(value: Scalar, scalar: ScalarType, type: JavaType): Value {
    if (value instanceof Uint8Array || typeof value === "boolean") throw this.#unfit(type, shown(value, scalar));
    if (typeof value === "number" && !Number.isFinite(value)) throw this.#unfit(type, String(value));
    const isNumber = typeof value !== "string";
    const text = scalar === ScalarType.FLOAT ? String(shortestFloat(value as number)) : String(value);
    try {
      return jsonToValue(isNumber ? new JsonNumber(text) : text, type);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw this.#unfit(type, shown(value, scalar));
    }
  }

  #natural(value: Scalar, scalar: ScalarType): Value {
    if (typeof value === "bigint") {
      if (value <= MAX_LONG) return value;
      // A provider that has a long there would take what is left of it.
      if (this.#options.java === undefined) throw this.#unfit({ name: "long", args: [] }, shown(value, scalar));
      return bigIntegerValue(value);
    }
    if (typeof value !== "number") return value;
    if (scalar === ScalarType.DOUBLE) return doubleValue(value);
    if (scalar === ScalarType.FLOAT) return floatValue(value);
    return value === (value | 0) ? value : BigInt(value);
  }

  /** Messages of protobuf's own that are a single thing in Java; undefined for the others. */
  #wellKnown(message: ReflectMessage, type: JavaType): Value | undefined {
    const { typeName, fields } = message.desc;
    if (WRAPPER.test(typeName)) {
      const field = fields[0]! as DescField & { fieldKind: "scalar" };
      return this.#scalar(message.get(field) as Scalar, field.scalar, type);
    }
    switch (typeName) {
      case "google.protobuf.Timestamp":
        return this.#timestamp(secondsIn(message), type);
      case "google.protobuf.Duration":
        return this.#duration(secondsIn(message), type);
      case "google.protobuf.Struct":
      case "google.protobuf.Value":
      case "google.protobuf.ListValue":
        return this.#plain(message, type);
      case "google.protobuf.Any":
        return this.#any(message, type);
      default:
        return undefined;
    }
  }

  #any({ desc, message }: ReflectMessage, type: JavaType): Value {
    const { typeUrl, value } = message as unknown as { readonly typeUrl: string; readonly value: Uint8Array };
    if (typeUrl === "" && value.length === 0 && !PRIMITIVES.has(type.name)) return null;
    const found = messageOfUrl(desc, typeUrl);
    if (found === undefined) {
      throw this.#unfit(type, `an Any of ${JSON.stringify(typeUrl.slice(0, 200))}, which the schema does not have,`);
    }
    if (++this.#anys > MAX_ANYS) throw this.#unfit(type, `an Any inside ${MAX_ANYS} others`);
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
    const inner = reflect(found, decodeMessage(found, bytes, this.#counter), false);
    const isMap = kindOfJava(type) === "map" || found.typeName.startsWith("google.protobuf.");
    const made = isMap
      ? this.message(inner, type)
      : this.#bean(inner, classInAny(this.#options.java, found, type), typeUrl);
    this.#anys--;
    return made;
  }

  #plain({ desc, message }: ReflectMessage, type: JavaType): Value {
    let json: unknown;
    try {
      json = toJson(desc, message);
    } catch {
      // NaN, or a Value without a kind: JSON has no word for it, and these messages are JSON.
      throw this.#unfit(type, `a ${desc.typeName} that is no JSON`);
    }
    return plainValue(json);
  }

  #timestamp(point: Seconds, type: JavaType): Value {
    if (!isTimestamp(point)) throw this.#unfit(type, `a Timestamp of ${point.seconds} s and ${point.nanos} ns`);
    switch (kindOfJava(type)) {
      case "any":
        return dateValue(millisOf(point));
      case "date":
      case "integer":
        return this.#byText(millisOf(point), ScalarType.INT64, type);
      case "text":
        return `${timestampText(point)}Z`;
      case "time":
        return this.#byText(timeText(timestampText(point), type.name), ScalarType.STRING, type);
      default:
        throw this.#unfit(type, "a Timestamp");
    }
  }

  #duration(span: Seconds, type: JavaType): Value {
    if (!isDuration(span)) throw this.#unfit(type, `a Duration of ${span.seconds} s and ${span.nanos} ns`);
    const ms = span.seconds * 1000n + BigInt(Math.trunc(span.nanos / 1e6));
    switch (kindOfJava(type)) {
      case "any":
        return ms;
      case "integer":
        return this.#byText(ms, ScalarType.INT64, type);
      case "text":
      case "time":
        return this.#byText(durationText(span), ScalarType.STRING, type);
      default:
        throw this.#unfit(type, "a Duration");
    }
  }

  #unfit(type: JavaType, found: string): ProtocolError {
    const at = this.#path.map((part) => (typeof part === "number" ? `[${part}]` : part)).join(".");
    const place = at === "" ? "the message" : `field ${at.replace(/\.\[/g, "[")}`;
    return new ProtocolError("protobuf", `${place}: ${found} does not fit ${printJavaType(type)}`);
  }
}

/** Whether a field that is not set is something by default: scalars and enums without presence, lists and maps. */
function hasDefault(field: DescField): boolean {
  return field.fieldKind === "list" || field.fieldKind === "map" || field.presence === Presence.IMPLICIT;
}

/** Whether a class has a value for a scalar that is not set: no date is one for 0, and no number for an empty text. */
function hasEmpty(value: Scalar, type: JavaType): boolean {
  const kind = kindOfJava(type);
  if (typeof value === "string") return kind === "text" || kind === "any";
  return kind !== "date" && kind !== "time" && kind !== "library" && kind !== "bean";
}

function isFraction(scalar: ScalarType): boolean {
  return scalar === ScalarType.DOUBLE || scalar === ScalarType.FLOAT;
}

function shown(value: Scalar, scalar: ScalarType): string {
  if (value instanceof Uint8Array) return `bytes of ${value.length}`;
  const text = typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : String(value);
  return `${ScalarType[scalar].toLowerCase()} ${text}`;
}

function secondsIn(message: ReflectMessage): Seconds {
  const { seconds, nanos } = message.message as unknown as Seconds;
  return { seconds, nanos };
}

function plainValue(json: unknown): Value {
  if (typeof json === "number") return doubleValue(json);
  if (Array.isArray(json)) return listValue(json.map(plainValue));
  if (json === null || typeof json !== "object") return json as null | boolean | string;
  return mapValue(Object.entries(json).map(([name, value]): MapEntry => [name, plainValue(value)]));
}
