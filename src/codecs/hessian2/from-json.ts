/**
 * JSON to the value tree, by the Java type that the callee declares: what `trestle call` sends. Java's readers coerce a
 * field's numbers by themselves, but not an argument's: a `long` parameter gets a long, a `Set` a set, a class its name.
 */
import { ProtocolError } from "../../base/errors.ts";
import { type JavaType, OBJECT_TYPE, parseJavaType, printJavaType } from "../java-types.ts";
import { type JsonNode, JsonNumber, type JsonObject } from "../json-text.ts";
import {
  type ClassShape,
  type DateValue,
  dateValue,
  doubleValue,
  floatValue,
  listValue,
  type MapEntry,
  mapValue,
  objectValue,
  type Value,
} from "../value.ts";
import {
  bigDecimalValue,
  bigIntegerValue,
  bitSetValue,
  calendarValue,
  classValue,
  enumSetValue,
  enumValue,
  localeValue,
} from "./java.ts";
import { timeFromText } from "./java-time.ts";

/** How JSON becomes values. */
export interface FromJsonOptions {
  /**
   * What an object's key `class` means where no class is declared: the class of an object (`object`, default), or an entry
   * like any other (`entry`), which is how generic calls (`$invoke`) name classes.
   */
  readonly classKey?: "object" | "entry";
  /** What classes of the user's are: `objects` (default), or `maps` and texts, of which a generic call's provider makes them. */
  readonly beans?: "objects" | "maps";
  /** The declared field types of a class, from a service's metadata, by field name; undefined for an unknown class. */
  readonly fieldsOf?: (className: string) => ReadonlyMap<string, string | JavaType> | undefined;
}

/** Classes whose wire form is "any list", which Java reads as what the parameter asks for. */
const ANY_LIST = new Set(["java.util.List", "java.util.Collection", "java.lang.Iterable", "java.util.ArrayList"]);
const ANY_MAP = new Set(["java.util.Map", "java.util.HashMap"]);
const ANY_OBJECT = new Set(["java.lang.Object", "java.io.Serializable", "java.lang.Number", "java.lang.Comparable"]);

/** Interfaces and the class that Java's own readers would choose for them. */
const COLLECTIONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "java.util.Set": "java.util.HashSet",
    "java.util.SortedSet": "java.util.TreeSet",
    "java.util.NavigableSet": "java.util.TreeSet",
    "java.util.Queue": "java.util.LinkedList",
    "java.util.Deque": "java.util.LinkedList",
  }),
);
const MAPS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "java.util.SortedMap": "java.util.TreeMap",
    "java.util.NavigableMap": "java.util.TreeMap",
    "java.util.concurrent.ConcurrentMap": "java.util.concurrent.ConcurrentHashMap",
  }),
);
const COLLECTION_CLASS = /^java\.util\.(?:concurrent\.)?(?:\w*List|\w*Set|\w*Queue|\w*Deque|Vector|Stack)$/;
const MAP_CLASS = /^java\.util\.(?:concurrent\.)?(?:\w*Map|Hashtable|Properties)$/;

const INT_RANGES: Readonly<Record<string, readonly [min: bigint, max: bigint]>> = {
  byte: [-128n, 127n],
  short: [-32768n, 32767n],
  int: [-2147483648n, 2147483647n],
  long: [-9223372036854775808n, 9223372036854775807n],
};
const BOXES: Readonly<Record<string, string>> = {
  "java.lang.Boolean": "boolean",
  "java.lang.Byte": "byte",
  "java.lang.Short": "short",
  "java.lang.Integer": "int",
  "java.lang.Long": "long",
  "java.lang.Float": "float",
  "java.lang.Double": "double",
  "java.lang.Character": "char",
};
const PRIMITIVES = new Set(Object.values(BOXES));

/**
 * A JSON tree as the value of a Java type: a descriptor, a name or a parsed type; without one by the JSON alone (integers as
 * int, long or BigInteger, other numbers as double). Throws ProtocolError("json", ...) that names the place, below `at`, and the type.
 */
export function jsonToValue(
  node: JsonNode,
  type?: string | JavaType,
  options: FromJsonOptions = {},
  at = "value",
): Value {
  const wanted = type === undefined ? OBJECT_TYPE : typeof type === "string" ? parseJavaType(type) : type;
  return new ValueBuilder(options).build(node, wanted, at);
}

/** The class under which Java's readers take a list for an array or a collection of this type; null for "any list". */
export function listClass(type: JavaType): string | null {
  if (type.name === "[]") return arrayName(type);
  return ANY_LIST.has(type.name) ? null : (COLLECTIONS.get(type.name) ?? type.name);
}

/** The class under which Java's readers take a map for this type; null for "any map". */
export function mapClass(type: JavaType): string | null {
  return ANY_MAP.has(type.name) ? null : (MAPS.get(type.name) ?? type.name);
}

class ValueBuilder {
  readonly #options: FromJsonOptions;
  /** One shape for each class and list of fields, so that equal objects share a definition on the wire. */
  readonly #shapes = new Map<string, ClassShape>();

  #bitWords = 0;

  constructor(options: FromJsonOptions) {
    this.#options = options;
  }

  build(node: JsonNode, type: JavaType, at: string): Value {
    const { name } = type;
    if (name === "void") return null;
    if (node === null) {
      if (PRIMITIVES.has(name)) throw unfit(node, type, at);
      return null;
    }
    if (ANY_OBJECT.has(name)) return this.#untyped(node, at);
    const scalar = scalarOf(node, type, at);
    if (scalar !== undefined) return scalar;
    if (name === "[]") return this.#array(node, type, at);
    if (name === "java.util.Optional" || name === "java.util.concurrent.atomic.AtomicReference") {
      return objectValue(name, [["value", this.build(node, type.args[0] ?? OBJECT_TYPE, at)]]);
    }
    if (name === "java.util.BitSet") return this.#bitSet(node, type, at);
    if (name === "java.util.EnumSet" && type.args.length === 1) {
      if (!Array.isArray(node) || !node.every((one) => typeof one === "string")) throw unfit(node, type, at);
      return enumSetValue(type.args[0]!.name, node);
    }
    if (ANY_LIST.has(name) || COLLECTIONS.has(name) || COLLECTION_CLASS.test(name)) {
      return this.#list(node, type, listClass(type), at);
    }
    if (ANY_MAP.has(name) || MAPS.has(name) || MAP_CLASS.test(name)) return this.#map(node, type, mapClass(type), at);
    return this.#object(node, type, at);
  }

  #bitSet(node: JsonNode, type: JavaType, at: string): Value {
    const bits = bitsOf(node);
    if (bits === undefined) throw unfit(node, type, at);
    this.#bitWords += Math.ceil((bits.reduce((most, bit) => Math.max(most, bit), 0) + 1) / 64);
    if (this.#bitWords > MAX_BIT_WORDS) {
      throw new ProtocolError("json", `${at}: sets of bits are over ${MAX_BIT_WORDS} words of 64 in all`);
    }
    return bitSetValue(bits);
  }

  #untyped(node: JsonNode, at: string): Value {
    if (node === null || typeof node === "boolean" || typeof node === "string") return node;
    if (node instanceof JsonNumber) return numberOf(node);
    if (Array.isArray(node)) return listValue(node.map((item, i) => this.#untyped(item, `${at}[${i}]`)));
    const className = node.get("class");
    if (this.#options.classKey !== "entry" && typeof className === "string") {
      const type = parseJavaType(className);
      const members = new Map(node);
      members.delete("class");
      if (!ANY_OBJECT.has(type.name)) return this.build(members, type, at);
    }
    return mapValue([...node].map(([key, value]): MapEntry => [key, this.#untyped(value, `${at}.${key}`)]));
  }

  #array(node: JsonNode, type: JavaType, at: string): Value {
    const element = type.args[0]!;
    if (element.name === "byte" && typeof node === "string") return base64(node, type, at);
    if (element.name === "char" && typeof node === "string") return node;
    if (!Array.isArray(node)) throw unfit(node, type, at);
    const items = node.map((item, i) => this.build(item, element, `${at}[${i}]`));
    if (element.name === "byte") return Uint8Array.from(items as number[]);
    if (element.name === "char") return items.map((item) => (item as { value: string }).value).join("");
    // A generic call's provider makes the array, out of items that are maps yet.
    return listValue(items, this.#options.beans === "maps" ? null : arrayName(type));
  }

  #list(node: JsonNode, type: JavaType, className: string | null, at: string): Value {
    if (!Array.isArray(node)) throw unfit(node, type, at);
    const element = type.args[0] ?? OBJECT_TYPE;
    return listValue(
      node.map((item, i) => this.build(item, element, `${at}[${i}]`)),
      className,
    );
  }

  /** From an object, or from a list of [key, value]. */
  #map(node: JsonNode, type: JavaType, className: string | null, at: string): Value {
    const [keyType = OBJECT_TYPE, valueType = OBJECT_TYPE] = type.args;
    const pairs = node instanceof Map ? [...node] : node;
    if (!Array.isArray(pairs)) throw unfit(node, type, at);
    const entries = pairs.map((pair, i): MapEntry => {
      if (!Array.isArray(pair) || pair.length !== 2) throw unfit(node, type, at);
      const [key, value] = pair as [JsonNode, JsonNode];
      return [this.build(key, keyType, `${at} key ${i}`), this.build(value, valueType, `${at}.${String(key)}`)];
    });
    return mapValue(entries, className);
  }

  /** A class of the user's: an object by its fields, an enum by its name. */
  #object(node: JsonNode, type: JavaType, at: string): Value {
    const isMap = this.#options.beans === "maps";
    if (typeof node === "string") return isMap ? node : enumValue(type.name, node);
    if (!(node instanceof Map)) throw unfit(node, type, at);
    const { className, declared } = this.#declared(node, type);
    const fields: string[] = [];
    const values: Value[] = [];
    for (const [key, value] of node) {
      if (key === "class" && !isMap) continue;
      const known = declared?.get(key);
      fields.push(key);
      values.push(
        known === undefined
          ? this.#untyped(value, `${at}.${key}`)
          : this.build(value, typeof known === "string" ? parseJavaType(known) : known, `${at}.${key}`),
      );
    }
    if (isMap) return mapValue(fields.map((key, i): MapEntry => [key, values[i]!]));
    const shapeKey = JSON.stringify([className, ...fields]);
    let shape = this.#shapes.get(shapeKey);
    if (shape === undefined) {
      shape = { name: className, fields };
      this.#shapes.set(shapeKey, shape);
    }
    return { type: "object", shape, values };
  }

  #declared(
    node: JsonObject,
    type: JavaType,
  ): { className: string; declared: ReadonlyMap<string, string | JavaType> | undefined } {
    const named = node.get("class");
    const className = typeof named === "string" && named !== "" ? named : type.name;
    const { fieldsOf } = this.#options;
    // What is known of a class holds for one that extends it.
    return { className, declared: fieldsOf?.(className) ?? fieldsOf?.(type.name) };
  }
}

/** Values that are one JSON text or number; undefined when the type is not such a one. */
function scalarOf(node: JsonNode, type: JavaType, at: string): Value | undefined {
  const name = BOXES[type.name] ?? type.name;
  switch (name) {
    case "boolean":
      if (typeof node === "boolean") return node;
      throw unfit(node, type, at);
    case "byte":
    case "short":
    case "int":
    case "long": {
      const value = integerOf(node);
      const [min, max] = INT_RANGES[name]!;
      if (value === undefined || value < min || value > max) throw unfit(node, type, at);
      return name === "long" ? value : Number(value);
    }
    case "float":
    case "double": {
      const value = node instanceof JsonNumber ? Number(node.text) : NON_FINITE.get(node);
      if (value === undefined) throw unfit(node, type, at);
      return name === "float" ? floatValue(value) : doubleValue(value);
    }
    case "char":
      if (typeof node !== "string" || node.length !== 1) throw unfit(node, type, at);
      return { type: "char", value: node };
    case "java.lang.String":
    case "java.lang.CharSequence":
      if (typeof node !== "string") throw unfit(node, type, at);
      return node;
    default:
      return name.startsWith("java.") ? libraryOf(node, type, at) : undefined;
  }
}

const NON_FINITE: ReadonlyMap<JsonNode, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

/** Objects of the JDK that are one text in JSON. */
function libraryOf(node: JsonNode, type: JavaType, at: string): Value | undefined {
  const text = typeof node === "string" ? node : undefined;
  const need = <T>(value: T | undefined): T => {
    if (value === undefined) throw unfit(node, type, at);
    return value;
  };
  switch (type.name) {
    case "java.math.BigDecimal": {
      const decimal = node instanceof JsonNumber ? node.text : text;
      if (decimal === undefined || !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,9})?$/.test(decimal))
        throw unfit(node, type, at);
      return bigDecimalValue(decimal);
    }
    case "java.math.BigInteger":
      return bigIntegerValue(need(integerOf(node)));
    case "java.util.Date":
      return need(dateOf(node));
    case "java.sql.Timestamp":
    case "java.sql.Date":
    case "java.sql.Time":
      return objectValue(type.name, [["value", need(dateOf(node))]]);
    case "java.util.Calendar":
    case "java.util.GregorianCalendar":
      return calendarValue(need(dateOf(node)));
    case "java.util.concurrent.atomic.AtomicInteger":
    case "java.util.concurrent.atomic.AtomicLong": {
      const held = type.name.endsWith("Long") ? "long" : "int";
      return objectValue(type.name, [["value", need(scalarOf(node, { name: held, args: [] }, at))]]);
    }
    case "java.util.concurrent.atomic.AtomicBoolean":
      return objectValue(type.name, [["value", need(typeof node === "boolean" ? Number(node) : undefined)]]);
    case "java.util.UUID":
      if (text === undefined || !/^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(text))
        throw unfit(node, type, at);
      return objectValue(type.name, [["value", text]]);
    case "java.io.File":
      return objectValue(type.name, [["value", need(text)]]);
    case "java.net.URI":
      return objectValue(type.name, [["string", need(text)]]);
    case "java.lang.Class":
      return classValue(need(text));
    case "java.util.Locale":
      return localeValue(need(text));
    default:
      if (!/^java\.time\.(?!DayOfWeek$|Month$)/.test(type.name)) return undefined;
      return need(text === undefined ? undefined : timeFromText(type.name.slice("java.time.".length), text));
  }
}

/** The most words of 64 bits that all BitSets of a tree may have: one bit asks for all the words before its own. */
const MAX_BIT_WORDS = 65_536;

/** Bits that are set, as numbers; undefined for anything else and for a bit beyond what a BitSet may have here. */
function bitsOf(node: JsonNode): number[] | undefined {
  if (!Array.isArray(node)) return undefined;
  const bits = node.map((bit) => Number((bit instanceof JsonNumber ? integerOf(bit) : undefined) ?? -1));
  return bits.every((bit) => bit >= 0 && bit < 262_144) ? bits : undefined;
}

/** The integer of a number or of a string of digits; a fraction of zeros (`1.0`) is none. */
function integerOf(node: JsonNode): bigint | undefined {
  const text = node instanceof JsonNumber ? node.text : node;
  return typeof text === "string" && /^-?\d{1,4096}$/.test(text) ? BigInt(text) : undefined;
}

function numberOf(node: JsonNumber): Value {
  if (!node.isInteger) return doubleValue(Number(node.text));
  const value = integerOf(node);
  if (value === undefined) return doubleValue(Number(node.text));
  const within = (name: string): boolean => value >= INT_RANGES[name]![0] && value <= INT_RANGES[name]![1];
  if (within("int")) return Number(value);
  return within("long") ? value : bigIntegerValue(value);
}

/** Milliseconds since 1970, or ISO-8601 text; a text without an offset is UTC. */
function dateOf(node: JsonNode): DateValue | undefined {
  const ms = integerOf(node);
  if (ms !== undefined) return ms === BigInt.asIntN(64, ms) ? dateValue(ms) : undefined;
  if (typeof node !== "string" || !/^[+-]?\d{4,6}-\d\d-\d\d(?:$|T)/.test(node)) return undefined;
  const zoned = /T/.test(node) && !/(?:Z|[+-]\d\d:?\d\d)$/.test(node) ? `${node}Z` : node;
  const parsed = Date.parse(zoned);
  return Number.isNaN(parsed) ? undefined : dateValue(parsed);
}

function base64(text: string, type: JavaType, at: string): Uint8Array {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 === 1) throw unfit(text, type, at);
  return new Uint8Array(Buffer.from(text, "base64"));
}

const ARRAY_NAMES: Readonly<Record<string, string>> = {
  "java.lang.String": "string",
  "java.lang.Object": "object",
  "java.util.Date": "date",
};

/** Hessian's name of an array type: `[int`, `[[string`, `[com.acme.User`. */
export function arrayName(type: JavaType): string {
  if (type.name !== "[]") return ARRAY_NAMES[type.name] ?? type.name;
  return `[${arrayName(type.args[0]!)}`;
}

function unfit(node: JsonNode, type: JavaType, at: string): ProtocolError {
  return new ProtocolError("json", `${at}: expected ${printJavaType(type)}, found ${found(node)}`);
}

function found(node: JsonNode): string {
  if (node instanceof JsonNumber) return `the number ${node.text.slice(0, 40)}`;
  if (Array.isArray(node)) return "an array";
  if (node instanceof Map) return "an object";
  return typeof node === "string" ? `the string ${JSON.stringify(node.slice(0, 40))}` : String(node);
}
