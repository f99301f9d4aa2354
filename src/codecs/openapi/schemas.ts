/**
 * Java types as JSON Schema (2020-12, as OpenAPI 3.1 has it): what the JSON form of calls takes and answers.
 *
 * | Java | schema |
 * |---|---|
 * | `byte` to `int` | integer, `int32` |
 * | `long`, `BigInteger` | integer, or text beyond 2^53 |
 * | `float`, `double` | number |
 * | `BigDecimal` | text (or a number in requests) |
 * | `Date` | text, `date-time` |
 * | `java.time` | text |
 * | `byte[]` | text, base64 |
 * | enum | text, one of its constants |
 * | `Map` | object; a list of pairs where keys are no text |
 * | class | object, by reference |
 *
 * Reference: docs/bridging.md for the JSON form, Dubbo's ServiceDefinition for the types.
 */
import { type JavaSchema, kindOfJava } from "../java-schema.ts";
import { type JavaType, printJavaType } from "../java-types.ts";

/** A JSON Schema, or any other JSON object of a document. */
export type JsonSchema = { readonly [key: string]: unknown };

/** Most classes that one document describes; others are objects of which nothing is said. */
export const MAX_CLASSES = 5_000;
/** Types inside types, such as lists of lists, that are described. */
const MAX_DEPTH = 16;

const PRIMITIVES = new Set(["boolean", "byte", "short", "int", "long", "float", "double", "char"]);
const LONGS = new Set(["long", "java.lang.Long", "java.math.BigInteger"]);
const TEXT_FORMATS: Readonly<Record<string, JsonSchema>> = {
  "java.time.LocalDate": { format: "date" },
  "java.time.Instant": { format: "date-time" },
  "java.time.OffsetDateTime": { format: "date-time" },
  "java.time.Duration": { format: "duration" },
  "java.util.UUID": { format: "uuid" },
};

/** The classes that the operations of one document use, described as they are met. */
export class ClassSchemas {
  readonly #names = new Map<string, string>();
  readonly #taken = new Set<string>();
  readonly #schemas: [string, JsonSchema][] = [];
  readonly #waiting: (() => void)[] = [];

  /** The schema of a type, where null is none of its values. */
  of(type: JavaType, java: JavaSchema, depth = 0): JsonSchema {
    if (depth > MAX_DEPTH) return {};
    const inner = (arg: JavaType | undefined) => (arg === undefined ? {} : this.of(arg, java, depth + 1));
    switch (kindOfJava(type)) {
      case "void":
        return { type: "null" };
      case "boolean":
        return { type: "boolean" };
      case "integer":
        return LONGS.has(type.name) ? longOf(type) : { type: "integer", format: "int32" };
      case "float":
        return { type: "number", format: type.name.toLowerCase().endsWith("float") ? "float" : "double" };
      case "char":
        return { type: "string", minLength: 1, maxLength: 1 };
      case "text":
        return { type: "string" };
      case "decimal":
        return { type: ["string", "number"], format: "decimal" };
      case "date":
        return { type: "string", format: "date-time" };
      case "time":
      case "library":
        return { type: "string", ...TEXT_FORMATS[type.name], description: type.name };
      case "bytes":
        return { type: "string", contentEncoding: "base64" };
      case "list":
        return { type: "array", items: inner(type.args[0]) };
      case "map":
        return mapOf(type, inner);
      case "any":
        return {};
      case "bean":
        return this.#bean(type, java);
      default:
        return {};
    }
  }

  /** The schema of a value that Java may leave null: every type but the primitive ones. */
  nullable(type: JavaType, java: JavaSchema, depth = 0): JsonSchema {
    const schema = this.of(type, java, depth);
    if (PRIMITIVES.has(type.name) || Object.keys(schema).length === 0 || schema["type"] === "null") return schema;
    if (typeof schema["type"] === "string" && schema["enum"] === undefined)
      return { ...schema, type: [schema["type"], "null"] };
    return { anyOf: [schema, { type: "null" }] };
  }

  /** All classes met so far, by the names that references have; their own properties' classes among them. */
  components(): Readonly<Record<string, JsonSchema>> {
    for (let describe = this.#waiting.pop(); describe !== undefined; describe = this.#waiting.pop()) describe();
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #bean(type: JavaType, java: JavaSchema): JsonSchema {
    const printed = printJavaType(type);
    const constants = java.constants(type.name);
    const properties = java.properties(printed) ?? java.properties(type.name);
    if (constants === undefined && properties === undefined) return { type: "object", description: type.name };
    // One class may be another in another service's metadata: what is known of it tells the two apart.
    const key = `${printed} ${constants?.join() ?? [...properties!].map(([name, of]) => `${name}:${printJavaType(of)}`).join()}`;
    let name = this.#names.get(key);
    if (name === undefined) {
      if (this.#names.size >= MAX_CLASSES) return { type: "object", description: type.name };
      name = this.#freeName(printed);
      this.#names.set(key, name);
      const own = name;
      if (constants !== undefined && constants.length > 0)
        this.#schemas.push([own, { type: "string", enum: constants }]);
      else this.#waiting.push(() => this.#schemas.push([own, this.#objectOf(type, properties ?? new Map(), java)]));
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  #objectOf(type: JavaType, properties: ReadonlyMap<string, JavaType>, java: JavaSchema): JsonSchema {
    const described = [...properties].map(([name, of]) => [name, this.nullable(of, java)] as const);
    return { type: "object", description: printJavaType(type), properties: Object.fromEntries(described) };
  }

  #freeName(printed: string): string {
    const plain = printed
      .replace(/\[\]/g, "Array")
      .replace(/[^A-Za-z0-9._-]+/g, "_")
      .slice(0, 200);
    let name = plain;
    for (let i = 2; this.#taken.has(name); i++) name = `${plain}-${i}`;
    this.#taken.add(name);
    return name;
  }
}

function longOf({ name }: JavaType): JsonSchema {
  return { type: ["integer", "string"], ...(name !== "java.math.BigInteger" && { format: "int64" }) };
}

function mapOf(type: JavaType, inner: (arg: JavaType | undefined) => JsonSchema): JsonSchema {
  const [key, value] = type.args;
  const object = { type: "object", additionalProperties: inner(value) };
  const kind = key === undefined ? "text" : kindOfJava(key);
  if (kind === "text" || kind === "any" || kind === "bean") return object;
  const pair = { type: "array", prefixItems: [inner(key), inner(value)], minItems: 2, maxItems: 2 };
  return { anyOf: [{ type: "array", items: pair }, object] };
}
