/**
 * Dubbo's ServiceDefinition, as a provider's metadata report has it (JSON):
 *
 *     {"canonicalName", "methods": [{"name", "parameterTypes": [type], "returnType": type}], "types": [definition]}
 *     definition, 2.7: {"type", "properties": {name: definition}, "enums": [name], "items": [definition], "$ref"}
 *     definition, 3.x: {"type", "properties": {name: type}, "enums": [name], "items": [type]}
 *
 * 2.7 writes with fastjson, which says what it has said before by `{"$ref": "$.types[1].properties.name"}`.
 * Reference: dubbo-metadata-definition, and recordings of 2.7.23, 3.2.18 and 3.3.6.
 */
import { parseJavaType, printJavaType } from "../../codecs/java-types.ts";
import type { JavaDefinition, JavaMethod, JavaType } from "../../model/schema.ts";

/** Longest definition that is read, bytes. */
export const MAX_DEFINITION_BYTES = 512 * 1024;

const MAX_METHODS = 2_000;
const MAX_PARAMETERS = 255;
const MAX_TYPES = 5_000;
const MAX_MEMBERS = 2_000;
const MAX_DEPTH = 64;
const MAX_REFERENCE_PARTS = 256;
const MAX_NAME_CHARS = 256;

/** The type of which nothing is known. */
const UNKNOWN = "java.lang.Object";
/** Most names are like this, and need no more looking at: `com.acme.Order`, `java.lang.String[]`. */
const PLAIN_NAME = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+(?:\[\])*$/;
const PRIMITIVES = new Set(["boolean", "byte", "char", "short", "int", "long", "float", "double", "void"]);

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads the ServiceDefinition of an interface. Inner classes are named as on the wire: `com.acme.Orders$Line`. What of it makes no sense is left out, or stands as `java.lang.Object`; classes of Java itself
 * (`java.`) and those without properties and constants are left out of `types`. Throws an `Error` with one line where the whole
 * is no definition or is over a limit.
 */
export function parseDefinition(text: string, interfaceName: string): JavaDefinition {
  if (text.length > MAX_DEFINITION_BYTES)
    throw new Error(`it has ${text.length} bytes, over the limit of ${MAX_DEFINITION_BYTES}`);
  const root = parseJson(text);
  if (!isObject(root) || !Array.isArray(root["methods"])) throw new Error("it has no list of methods");
  if (root["methods"].length > MAX_METHODS) throw new Error(`it has over ${MAX_METHODS} methods`);
  const types = new TypeReader(root, interfaceName.slice(0, interfaceName.lastIndexOf(".") + 1));
  const methods = root["methods"].flatMap((method) => readMethod(method, types));
  types.readAll(root["types"]);
  return { methods, types: Object.fromEntries([...types.found].sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("it is no JSON");
  }
}

function readMethod(given: unknown, types: TypeReader): JavaMethod[] {
  if (!isObject(given) || !isName(given["name"])) return [];
  const listed = Array.isArray(given["parameterTypes"]) ? given["parameterTypes"] : [];
  if (listed.length > MAX_PARAMETERS) return [];
  const names = readNames(given, listed.length);
  return [
    {
      name: given["name"],
      parameterTypes: listed.map((type) => types.nameOf(type)),
      returnType: types.nameOf(given["returnType"]),
      ...(names && { parameterNames: names }),
    },
  ];
}

/** Java's own reports have no names of parameters; where another publisher gives all of them, they count. */
function readNames(method: Json, count: number): readonly string[] | undefined {
  const list = method["parameterNames"] ?? method["parameters"];
  if (count === 0 || !Array.isArray(list) || list.length !== count) return undefined;
  const names = list.map((one) => (isObject(one) ? one["name"] : one));
  return names.every(isName) && new Set(names).size === count ? names : undefined;
}

class TypeReader {
  readonly found = new Map<string, JavaType>();
  readonly #root: Json;
  /** The interface's own package with a dot behind it. */
  readonly #package: string;
  readonly #names = new Map<string, string>();
  readonly #seen = new Set<object>();

  constructor(root: Json, ownPackage: string) {
    this.#root = root;
    this.#package = ownPackage;
  }

  /** `types` is a list of definitions, or a map of them by name. */
  readAll(types: unknown): void {
    if (Array.isArray(types)) for (const one of types) this.#read(one, "", 0);
    else if (isObject(types)) for (const [name, one] of Object.entries(types)) this.#read(one, name, 0);
  }

  /** The name of a type that is given by its name or by its definition, in the one form that names have here. */
  nameOf(given: unknown): string {
    const one = this.#resolve(given);
    const name = isObject(one) ? one["type"] : one;
    if (typeof name !== "string") return UNKNOWN;
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const read = this.#readName(name);
    if (this.#names.size < MAX_TYPES) this.#names.set(name, read);
    return read;
  }

  #readName(name: string): string {
    if (PRIMITIVES.has(name) || PLAIN_NAME.test(name)) return this.#binaryName(name);
    // A lone name is a type variable: `T` is whatever a caller makes of it.
    if (isName(name)) return UNKNOWN;
    try {
      return printJavaType(parseJavaType(name)).replace(/[^<>,[\]]+/g, (one) => this.#binaryName(one));
    } catch {
      return UNKNOWN;
    }
  }

  /**
   * 3.x reports inner classes by their canonical names, 2.7 enums and arrays of them: `com.acme.Orders.Line`. From the first name that
   * is a class's by its capital on what follows a dot is an inner class; the interface's own package is a package whatever its case.
   */
  #binaryName(name: string): string {
    const own = this.#package !== "" && name.startsWith(this.#package) ? this.#package.length : 0;
    const outer = /(?:^|\.)\p{Lu}[^.]*\./u.exec(name.slice(own));
    if (outer === null) return name;
    const at = own + outer.index + 1;
    return name.slice(0, at) + name.slice(at).replaceAll(".", "$");
  }

  #read(given: unknown, key: string, depth: number): void {
    const one = this.#resolve(given);
    if (!isObject(one) || this.#seen.has(one)) return;
    if (depth > MAX_DEPTH) throw new Error(`its types are nested deeper than ${MAX_DEPTH}`);
    this.#seen.add(one);
    const name = one["type"] === undefined && key !== "" ? this.nameOf(key) : this.nameOf(one);
    const all = isObject(one["properties"]) ? Object.entries(one["properties"]) : [];
    if (all.length > MAX_MEMBERS) throw new Error(`${name} has over ${MAX_MEMBERS} properties`);
    const members = all.filter(([member]) => isName(member));
    this.#keep(name, members, one["enums"] ?? one["enum"]);
    for (const [, member] of members) if (isObject(member)) this.#read(member, "", depth + 1);
    for (const item of Array.isArray(one["items"]) ? one["items"] : []) this.#read(item, "", depth + 1);
  }

  #keep(name: string, members: readonly (readonly [string, unknown])[], constants: unknown): void {
    if (name.startsWith("java.") || /[[<]/.test(name) || this.found.has(name)) return;
    const enums = Array.isArray(constants) ? constants.filter(isName).slice(0, MAX_MEMBERS) : [];
    if (enums.length === 0 && members.length === 0) return;
    if (this.found.size >= MAX_TYPES) throw new Error(`it has over ${MAX_TYPES} types`);
    const properties = Object.fromEntries(members.map(([member, type]) => [member, this.nameOf(type)]));
    this.found.set(name, enums.length > 0 ? { enums } : { properties });
  }

  /** What fastjson's `{"$ref": "$.a[1].b"}` stands for; anything else as it is. */
  #resolve(given: unknown): unknown {
    if (!isObject(given) || typeof given["$ref"] !== "string" || given["type"] !== undefined) return given;
    const path = given["$ref"];
    const parts = path.startsWith("$.") ? path.slice(2).match(/[^.[\]]+/g) : undefined;
    if (parts === undefined || parts === null || parts.length > MAX_REFERENCE_PARTS) return undefined;
    let at: unknown = this.#root;
    for (const part of parts) {
      if (typeof at !== "object" || at === null || !Object.hasOwn(at, part)) return undefined;
      at = (at as Json)[part];
    }
    // fastjson refers to what stands in the text, never to another reference.
    return isObject(at) && at["$ref"] !== undefined && at["type"] === undefined ? undefined : at;
  }
}

/** Whether it can be a name in Java, of a length that somebody may have meant. */
function isName(value: unknown): value is string {
  if (typeof value !== "string" || value.length > MAX_NAME_CHARS) return false;
  return /^[A-Za-z_$][\w$]*$/.test(value) || /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(value);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
