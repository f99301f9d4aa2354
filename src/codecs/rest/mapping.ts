/** A REST mapping joined with what the metadata says of the interface: what a call is translated by. */
import { ProtocolError } from "../../base/errors.ts";
import type {
  JavaType as JavaClass,
  JavaDefinition,
  JavaMethod,
  RestMethod,
  ServiceSchema,
} from "../../model/schema.ts";
import { type JavaType, parseDescriptors, parseJavaType, printJavaType } from "../java-types.ts";
import { type PathTemplate, parseTemplate } from "./template.ts";

/** One method, ready to be called. */
export interface RestOperation {
  readonly method: RestMethod;
  readonly template: PathTemplate;
  /** Undefined where nobody said. */
  readonly parameterTypes: readonly string[] | undefined;
  /** Undefined where nobody said. */
  readonly returnType: JavaType | undefined;
}

/** An interface whose calls can be made as REST calls. */
export interface RestService {
  readonly interface: string;
  readonly dates: "iso" | "ms";
  /**
   * The operation of a method with `count` arguments, told from its overloads by the types, as Java's source names them; undefined
   * where there is none, or the types are not said and several would do.
   */
  find(method: string, count: number, types: readonly string[] | undefined): RestOperation | undefined;
  /** The methods as callers see them that name no types: with the mapping's names of parameters. */
  readonly java: JavaDefinition;
  /** The properties of a class with their types; undefined for an unknown class and an enum. */
  fieldsOf(className: string): ReadonlyMap<string, string> | undefined;
  /** Whether it is known to be an enum. */
  isEnum(className: string): boolean;
}

const MAX_TYPE_CHARS = 1_024;
const ANY_CLASS = "java.lang.Object";

const services = new WeakMap<ServiceSchema, RestService>();

/** The mapping of a schema that has one, made once for each schema object; undefined for others. */
export function restServiceOf(schema: ServiceSchema | undefined): RestService | undefined {
  if (schema?.rest === undefined) return undefined;
  let service = services.get(schema);
  if (service === undefined) {
    service = compileService(schema, schema.rest);
    services.set(schema, service);
  }
  return service;
}

function compileService(schema: ServiceSchema, rest: NonNullable<ServiceSchema["rest"]>): RestService {
  const operations = new Map<string, RestOperation[]>();
  for (const method of rest.methods) {
    const list = operations.get(method.name) ?? [];
    list.push(compileMethod(method, schema.java?.methods ?? []));
    operations.set(method.name, list);
  }
  const classes: Readonly<Record<string, JavaClass>> = { ...schema.java?.types, ...rest.types };
  const fields = new Map<string, ReadonlyMap<string, string>>();
  for (const [name, { properties }] of Object.entries(classes)) {
    if (properties !== undefined) fields.set(name, new Map(Object.entries(properties)));
  }
  return {
    interface: schema.name,
    dates: rest.dates,
    fieldsOf: (className) => fields.get(className),
    java: { methods: [...operations.values()].flat().map(javaMethodOf), types: classes },
    isEnum: (className) => Object.hasOwn(classes, className) && classes[className]?.enums !== undefined,
    find(method, count, types) {
      const named = (operations.get(method) ?? []).filter(({ method: { parameters } }) => parameters.length === count);
      const fit = types === undefined ? named : named.filter(({ parameterTypes }) => takes(parameterTypes, types));
      return fit.length === 1 ? fit[0] : undefined;
    },
  };
}

function javaMethodOf({ method, parameterTypes, returnType }: RestOperation): JavaMethod {
  const names = method.parameters.map(({ name }) => name);
  return {
    name: method.name,
    parameterTypes: parameterTypes ?? names.map(() => ANY_CLASS),
    returnType: returnType === undefined ? ANY_CLASS : printJavaType(returnType),
    ...(new Set(names).size === names.length && { parameterNames: names }),
  };
}

function compileMethod(method: RestMethod, known: readonly JavaMethod[]): RestOperation {
  const alike = known.filter(
    ({ name, parameterTypes }) =>
      name === method.name &&
      parameterTypes.length === method.parameters.length &&
      takes(method.parameterTypes, parameterTypes),
  );
  const java = alike.length === 1 ? alike[0] : undefined;
  const returnType = method.returnType ?? java?.returnType;
  return {
    method,
    template: parseTemplate(method.path),
    parameterTypes: method.parameterTypes ?? java?.parameterTypes,
    returnType: returnType === undefined ? undefined : awaited(readType(returnType)),
  };
}

/** Whether parameters of these types take arguments of those, type arguments aside. */
function takes(declared: readonly string[] | undefined, types: readonly string[]): boolean {
  return (
    declared === undefined ||
    (declared.length === types.length && declared.every((type, i) => erased(type) === erased(types[i]!)))
  );
}

function erased(type: string): string {
  // A caller's own text, as long as its author likes.
  if (type.length > MAX_TYPE_CHARS) return type;
  const cut = type.replace(/<.*>/s, "").replace(/\s/g, "");
  return cut.startsWith("[") ? sourceNames(cut)[0]! : cut;
}

/** The types of a descriptor as Java's source names them. Throws `ProtocolError` for one that is malformed. */
export function sourceNames(descriptor: string): string[] {
  return parseDescriptors(descriptor).map(printJavaType);
}

const LATER = new Set([
  "java.util.concurrent.CompletableFuture",
  "java.util.concurrent.CompletionStage",
  "java.util.concurrent.Future",
  "reactor.core.publisher.Mono",
]);

/** What a method that answers later answers then. */
function awaited(type: JavaType): JavaType | undefined {
  return LATER.has(type.name) ? type.args[0] : type;
}

/** A type that cannot be read, as metadata may have it, is one of which nothing is known. */
function readType(text: string): JavaType {
  try {
    return parseJavaType(text);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { name: ANY_CLASS, args: [] };
  }
}
