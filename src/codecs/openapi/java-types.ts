/**
 * The Java types that schemas of an OpenAPI document stand for.
 *
 * | schema | Java |
 * |---|---|
 * | integer, int32, int64 | BigInteger, Integer, Long |
 * | number, float, double | BigDecimal, Float, Double |
 * | string: byte, binary; date-time; date; time; uuid; enum; else | byte[]; Date; LocalDate; LocalTime; UUID; a class where one is said; String |
 * | boolean | Boolean |
 * | array, with uniqueItems | List, Set |
 * | object with additionalProperties, or nothing | Map |
 * | reference to an object or an enum | a class: `x-java-class`, a name with dots, or the simple name in the pairing's package |
 *
 * Reference: OpenAPI 3.0 and 3.1; Dubbo 3.3 writes `x-java-class`, springdoc simple names unless told to write whole ones.
 */
import { ProtocolError } from "../../base/errors.ts";
import type { JavaType, OpenapiPairing } from "../../model/schema.ts";
import { parseJavaType, printJavaType } from "../java-types.ts";
import { asList, asObject, asText, type DocumentObject, type DocumentReader, member, type Resolved } from "./node.ts";

const MAX_DEPTH = 16;
const MAX_CLASSES = 4_096;
const MAX_PROPERTIES = 1_024;
const MAX_CONSTANTS = 4_096;
/** Parts of one schema: what it is all of or one of, types that it names. */
const MAX_PARTS = 256;
const MAX_NAME_CHARS = 512;
const ANY = "java.lang.Object";
const CLASS_NAME = /^[\p{L}_$][\p{L}\p{N}_$]*(?:\.[\p{L}_$][\p{L}\p{N}_$]*)*$/u;

/** Makes Java types of schemas, and keeps the classes that it met. */
export class SchemaTypes {
  readonly #reader: DocumentReader;
  readonly #pairing: Pick<OpenapiPairing, "package" | "classes">;
  readonly #types = new Map<string, JavaType>();
  readonly #unnamed = new Set<string>();
  /** Of schemas that many refer to what takes long to read is read once. */
  readonly #constants = new WeakMap<DocumentObject, readonly string[]>();
  readonly #written = new WeakMap<DocumentObject, { readonly type: string | undefined }>();
  /** Classes that are named and not described yet: they may use one another without end. */
  readonly #waiting: (() => void)[] = [];

  constructor(reader: DocumentReader, pairing: Pick<OpenapiPairing, "package" | "classes">) {
    this.#reader = reader;
    this.#pairing = pairing;
  }

  /** The classes met so far, by their names; those that they use among them. */
  types(): Readonly<Record<string, JavaType>> {
    for (let describe = this.#waiting.pop(); describe !== undefined; describe = this.#waiting.pop()) describe();
    return Object.fromEntries([...this.#types].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Whether it is a class with properties, of those met so far. */
  hasProperties(className: string): boolean {
    return this.#types.get(className)?.properties !== undefined;
  }

  /** Properties, as `Schema.property`, whose enums have no name of a class: they are texts, which a Java enum is not. */
  unnamed(): readonly string[] {
    this.types();
    return [...this.#unnamed].sort();
  }

  /** The Java type as source has it; `java.lang.Object` where the schema does not tell. `place` is `Schema.property` for a property. */
  of(schema: unknown, place = "", depth = 0): string {
    const found = this.#reader.resolve(schema);
    if (found === undefined || depth > MAX_DEPTH) return ANY;
    const { node, name } = found;
    const inner = singleOf(node);
    if (inner !== undefined) return this.of(inner, place, depth + 1);
    const type = typeOf(node);
    const constants = type === "string" ? this.#constantsOf(node) : [];
    if (constants.length > 0) return this.#enumOf(found, constants, place);
    if (type === "string") return textOf(asText(member(node, "format")));
    if (type === "integer") return integerOf(asText(member(node, "format")));
    if (type === "number") return numberOf(asText(member(node, "format")));
    if (type === "boolean") return "java.lang.Boolean";
    if (type === "array") {
      const item = this.of(member(node, "items"), place, depth + 1);
      return this.#writtenType(node) ?? `java.util.${member(node, "uniqueItems") === true ? "Set" : "List"}<${item}>`;
    }
    if (type !== "object" && member(node, "properties") === undefined && member(node, "allOf") === undefined)
      return ANY;
    if (this.#className(name, node) !== undefined && hasProperties(node)) return this.#classOf(name, node);
    const values = member(node, "additionalProperties");
    const value = asObject(values) === undefined ? ANY : this.of(values, place, depth + 1);
    return this.#writtenType(node) ?? `java.util.Map<java.lang.String,${value}>`;
  }

  #constantsOf(node: DocumentObject): readonly string[] {
    let constants = this.#constants.get(node);
    if (constants === undefined) {
      constants = asList(member(node, "enum"), MAX_CONSTANTS).filter((one) => typeof one === "string");
      this.#constants.set(node, constants);
    }
    return constants;
  }

  #writtenType(node: DocumentObject): string | undefined {
    let written = this.#written.get(node);
    if (written === undefined) {
      written = { type: writtenType(node) };
      this.#written.set(node, written);
    }
    return written.type;
  }

  #classOf(schemaName: string | undefined, node: DocumentObject): string {
    const className = this.#className(schemaName, node)!;
    if (this.#types.has(className) || this.#types.size >= MAX_CLASSES) return className;
    const properties: Record<string, string> = {};
    this.#types.set(className, { properties });
    this.#waiting.push(() => {
      for (const [name, schema] of this.#propertiesOf(node, 0)) {
        const place = `${schemaName ?? className}.${name}`;
        properties[name] = this.#said(place) ?? this.of(schema, place);
      }
    });
    return className;
  }

  /** With those that it inherits by `allOf`; own ones count. */
  #propertiesOf(node: DocumentObject, depth: number): Map<string, unknown> {
    const all = new Map<string, unknown>();
    for (const part of depth > MAX_DEPTH ? [] : asList(member(node, "allOf"), MAX_PARTS)) {
      const found = this.#reader.resolve(part);
      if (found === undefined) continue;
      for (const [name, schema] of this.#propertiesOf(found.node, depth + 1)) all.set(name, schema);
    }
    for (const [name, schema] of Object.entries(asObject(member(node, "properties")) ?? {})) {
      this.#reader.step();
      if (name.length <= MAX_NAME_CHARS && name !== "__proto__") all.set(name, schema);
    }
    this.#reader.step(all.size);
    return new Map([...all].slice(0, MAX_PROPERTIES));
  }

  #enumOf({ node, name }: Resolved, constants: readonly string[], place: string): string {
    const className = this.#className(name, node);
    if (className === undefined) {
      if (place !== "") this.#unnamed.add(place);
      return "java.lang.String";
    }
    if (this.#types.size < MAX_CLASSES) this.#types.set(className, { enums: constants });
    return className;
  }

  #className(schemaName: string | undefined, node: DocumentObject): string | undefined {
    const said = schemaName === undefined ? undefined : this.#said(schemaName);
    const written = said ?? asText(member(node, "x-java-class"));
    if (written !== undefined && written.length <= MAX_NAME_CHARS && CLASS_NAME.test(written)) return written;
    if (schemaName === undefined || schemaName.length > MAX_NAME_CHARS || !CLASS_NAME.test(schemaName))
      return undefined;
    return schemaName.includes(".") || this.#pairing.package === ""
      ? schemaName
      : `${this.#pairing.package}.${schemaName}`;
  }

  #said(name: string): string | undefined {
    const { classes } = this.#pairing;
    return Object.hasOwn(classes, name) ? classes[name] : undefined;
  }
}

/** A generic type as the document writes it. */
function writtenType(node: DocumentObject): string | undefined {
  const written = asText(member(node, "x-java-class"));
  if (written === undefined || written.length > MAX_NAME_CHARS || !/[<[]/.test(written)) return undefined;
  try {
    return printJavaType(parseJavaType(written));
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** Of a schema that only wraps another one, for a description's sake or to say that null may come: the other. */
function singleOf(node: DocumentObject): unknown {
  if (member(node, "properties") !== undefined) return undefined;
  for (const word of ["allOf", "oneOf", "anyOf"]) {
    const parts = asList(member(node, word), MAX_PARTS).filter((part) => member(asObject(part), "type") !== "null");
    if (parts.length === 1) return parts[0];
  }
  return undefined;
}

/** OpenAPI 3.1 may name several, null among them. */
function typeOf(node: DocumentObject): string | undefined {
  const type = member(node, "type");
  if (!Array.isArray(type)) return asText(type);
  const others = asList(type, MAX_PARTS).filter((one) => one !== "null");
  return others.length === 1 ? asText(others[0]) : undefined;
}

function hasProperties(node: DocumentObject): boolean {
  return asObject(member(node, "properties")) !== undefined || member(node, "allOf") !== undefined;
}

function textOf(format: string | undefined): string {
  switch (format) {
    case "byte":
    case "binary":
      return "byte[]";
    case "date-time":
      return "java.util.Date";
    case "date":
      return "java.time.LocalDate";
    case "time":
      return "java.time.LocalTime";
    case "uuid":
      return "java.util.UUID";
    default:
      return "java.lang.String";
  }
}

function integerOf(format: string | undefined): string {
  if (format === "int32") return "java.lang.Integer";
  return format === "int64" ? "java.lang.Long" : "java.math.BigInteger";
}

function numberOf(format: string | undefined): string {
  if (format === "float") return "java.lang.Float";
  return format === "double" ? "java.lang.Double" : "java.math.BigDecimal";
}
