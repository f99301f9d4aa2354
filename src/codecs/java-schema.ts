/** A Java interface's types as Dubbo's metadata has them, parsed once: methods with their overloads, classes with their properties. */
import { ProtocolError } from "../base/errors.ts";
import type { JavaDefinition } from "../model/schema.ts";
import { type JavaType, parseJavaType, printJavaType } from "./java-types.ts";

/** One method; overloads are methods of their own. */
export interface JavaMethodForm {
  readonly name: string;
  readonly parameters: readonly JavaType[];
  /** The parameters' names as a generic call has them: without type arguments. */
  readonly erased: readonly string[];
  readonly names: readonly string[] | undefined;
  readonly returns: JavaType;
}

/** What becomes of a class: `bean` is every class that is none of the others, enums included. */
export type JavaKind =
  | "void"
  | "boolean"
  | "integer"
  | "float"
  | "char"
  | "text"
  | "decimal"
  | "date"
  | "time"
  | "bytes"
  | "list"
  | "map"
  | "any"
  | "library"
  | "bean";

/** An interface, parsed. */
export interface JavaSchema {
  /** All overloads of a method; none for a name that is not there. */
  methods(name: string): readonly JavaMethodForm[];
  /** Types of a class's properties by their names; undefined for a class that the publisher did not describe. */
  properties(className: string): ReadonlyMap<string, JavaType> | undefined;
  /** Constants of an enum; undefined for every other class. */
  constants(className: string): readonly string[] | undefined;
}

const KINDS: ReadonlyMap<string, JavaKind> = new Map(
  Object.entries({
    void: "void",
    "java.lang.Void": "void",
    boolean: "boolean",
    "java.lang.Boolean": "boolean",
    byte: "integer",
    short: "integer",
    int: "integer",
    long: "integer",
    "java.lang.Byte": "integer",
    "java.lang.Short": "integer",
    "java.lang.Integer": "integer",
    "java.lang.Long": "integer",
    "java.math.BigInteger": "integer",
    float: "float",
    double: "float",
    "java.lang.Float": "float",
    "java.lang.Double": "float",
    char: "char",
    "java.lang.Character": "char",
    "java.lang.String": "text",
    "java.lang.CharSequence": "text",
    "java.math.BigDecimal": "decimal",
    "java.util.Date": "date",
    "java.sql.Timestamp": "date",
    "java.sql.Date": "date",
    "java.sql.Time": "date",
    "java.util.UUID": "library",
    "java.util.Locale": "library",
    "java.net.URI": "library",
    "java.io.File": "library",
    "java.lang.Class": "library",
    "java.lang.Object": "any",
    "java.io.Serializable": "any",
    "java.lang.Number": "any",
    "java.lang.Comparable": "any",
    "java.lang.Iterable": "list",
    "java.util.Collection": "list",
  } satisfies Record<string, JavaKind>),
);
const LIST = /^java\.util\.(?:concurrent\.)?(?:\w*List|\w*Set|\w*Queue|\w*Deque|Vector|Stack)$/;
const MAP = /^java\.util\.(?:concurrent\.)?(?:\w*Map|Hashtable|Properties)$/;

/** The kind of a type; total. A type variable, such as `T`, is any. */
export function kindOfJava(type: JavaType): JavaKind {
  const { name } = type;
  if (name === "[]") return type.args[0]!.name === "byte" ? "bytes" : "list";
  const known = KINDS.get(name);
  if (known !== undefined) return known;
  if (!name.includes(".")) return /^[A-Z][A-Z0-9]?$/.test(name) ? "any" : "bean";
  if (LIST.test(name)) return "list";
  if (MAP.test(name)) return "map";
  return name.startsWith("java.time.") && !/\.(?:DayOfWeek|Month)$/.test(name) ? "time" : "bean";
}

/** What a `Future` or an `Optional` of a type is made of; any other type is itself. */
export function resultOfJava(type: JavaType): JavaType {
  const isFuture = /^(?:java\.util\.concurrent\.(?:CompletableFuture|CompletionStage|Future)|java\.util\.Optional)$/;
  return isFuture.test(type.name) && type.args.length === 1 ? type.args[0]! : type;
}

const compiled = new WeakMap<JavaDefinition, JavaSchema>();

/** A definition, parsed; the same for the same object. Methods and properties whose types cannot be read are left out. */
export function compileJava(definition: JavaDefinition): JavaSchema {
  let schema = compiled.get(definition);
  if (schema === undefined) {
    schema = createJavaSchema(definition);
    compiled.set(definition, schema);
  }
  return schema;
}

function createJavaSchema(definition: JavaDefinition): JavaSchema {
  const methods = new Map<string, JavaMethodForm[]>();
  for (const { name, parameterTypes, returnType, parameterNames } of definition.methods) {
    const parameters = parameterTypes.map(typeOf);
    if (!parameters.every((type) => type !== undefined)) continue;
    const form: JavaMethodForm = {
      name,
      parameters,
      erased: parameters.map(erasedName),
      names: parameterNames?.length === parameters.length ? parameterNames : undefined,
      returns: resultOfJava(typeOf(returnType) ?? { name: "java.lang.Object", args: [] }),
    };
    const overloads = methods.get(name);
    if (overloads === undefined) methods.set(name, [form]);
    else if (!overloads.some(({ erased }) => erased.join() === form.erased.join())) overloads.push(form);
  }
  const properties = new Map<string, ReadonlyMap<string, JavaType> | undefined>();
  const typeNamed = (name: string) => (Object.hasOwn(definition.types, name) ? definition.types[name] : undefined);
  return {
    methods: (name) => methods.get(name) ?? [],
    properties: (className) => {
      const known = properties.get(className);
      if (known !== undefined) return known;
      const said = typeNamed(className)?.properties;
      // A name that nobody described may be a caller's own: it is not kept.
      if (said === undefined) return undefined;
      const types = typesOf(said);
      properties.set(className, types);
      return types;
    },
    constants: (className) => typeNamed(className)?.enums,
  };
}

function typesOf(said: Readonly<Record<string, string>>): ReadonlyMap<string, JavaType> {
  const types = new Map<string, JavaType>();
  for (const [name, text] of Object.entries(said)) {
    const type = typeOf(text);
    if (type !== undefined) types.set(name, type);
  }
  return types;
}

function typeOf(text: string): JavaType | undefined {
  try {
    return parseJavaType(text);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** A type's name as a generic call has it: without type arguments. */
export function erasedName(type: JavaType): string {
  return type.name === "[]" ? `${erasedName(type.args[0]!)}[]` : type.name;
}

/** A method with its parameters' types, as a message shows it. */
export function printJavaMethod({ name, parameters }: Pick<JavaMethodForm, "name" | "parameters">): string {
  return `${name}(${parameters.map(printJavaType).join(", ")})`;
}
