/** A REST mapping joined with what the service publishes and what the metadata says of the interface: what a call is translated by. */
import { ProtocolError } from "../../base/errors.ts";
import type {
  JavaType as JavaClass,
  JavaDefinition,
  JavaMethod,
  RestMethod,
  ServiceSchema,
} from "../../model/schema.ts";
import { type JavaType, parseDescriptors, parseJavaType, printJavaType } from "../java-types.ts";
import { arrangements, likeness, withoutArguments } from "./likely.ts";
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
/** Forms of the methods of one name that are tried, and of all methods of a service. */
const MAX_FORMS = 256;
const MAX_ALL_FORMS = 8_000;
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
  const { published, java } = schema;
  const operations = new Map<string, Candidate[]>();
  const own = new Set(rest.methods.map(({ name }) => name));
  let forms = 0;
  const further = published?.methods.filter(({ name }) => !own.has(name)) ?? [];
  for (const method of [...rest.methods, ...further]) {
    const list = operations.get(method.name) ?? [];
    const before = list.reduce((sum, one) => sum + one.forms.length, 0);
    const candidate = compileMethod(method, java?.methods ?? [], Math.min(MAX_FORMS - before, MAX_ALL_FORMS - forms));
    forms += candidate.forms.length;
    operations.set(method.name, [...list, candidate]);
  }
  const classes: Readonly<Record<string, JavaClass>> = { ...published?.types, ...java?.types, ...rest.types };
  const fields = new Map<string, ReadonlyMap<string, string>>();
  for (const [name, { properties }] of Object.entries(classes)) {
    if (properties !== undefined) fields.set(name, new Map(Object.entries(properties)));
  }
  const listed = [...operations.values()].flat().flatMap((one) => (one.isTold ? one.forms : one.forms.slice(0, 1)));
  return {
    interface: schema.name,
    dates: rest.dates,
    fieldsOf: (className) => fields.get(className),
    java: { methods: listed.map(javaMethodOf), types: classes },
    isEnum: (className) => Object.hasOwn(classes, className) && classes[className]?.enums !== undefined,
    find: (method, count, types) => find(operations.get(method) ?? [], count, types),
  };
}

/** One method as it may be called: with its parameters in each form that Java's may have, or, where that is told, does have. */
interface Candidate {
  readonly forms: readonly RestOperation[];
  /** The metadata has them. */
  readonly isTold: boolean;
}

/** The best of them all where one is better than all others; of one method's forms the first. */
function find(
  candidates: readonly Candidate[],
  count: number,
  types: readonly string[] | undefined,
): RestOperation | undefined {
  let plain: readonly string[] | undefined;
  const plainTypes = () => {
    plain ??= types!.map(erased);
    return plain;
  };
  let best: { readonly operation: RestOperation; readonly score: number } | undefined;
  let isTied = false;
  for (const { forms } of candidates) {
    let own: typeof best;
    for (const operation of forms) {
      if (operation.method.parameters.length !== count) continue;
      const fit = types === undefined ? 0 : scoreOf(operation, types, plainTypes);
      if (fit === undefined) continue;
      // One that is called with all that it takes is meant before one that is called with less.
      const score = 2 * fit + (count === forms[0]!.method.parameters.length ? 1 : 0);
      if (score > (own?.score ?? -1)) own = { operation, score };
    }
    if (own === undefined) continue;
    if (own.score === best?.score) isTied = true;
    if (own.score > (best?.score ?? -1)) {
      best = own;
      isTied = false;
    }
  }
  return isTied ? undefined : best?.operation;
}

/** How well it takes arguments of these types; undefined where it does not. `plain` gives them without their type arguments. */
function scoreOf(
  { parameterTypes, method }: RestOperation,
  types: readonly string[],
  plain: () => readonly string[],
): number | undefined {
  if (parameterTypes !== undefined && takes(parameterTypes, types)) return Number.MAX_SAFE_INTEGER;
  if (method.likely !== undefined && method.parameterTypes === undefined)
    return likeness(method.likely.parameterTypes, plain());
  return parameterTypes === undefined ? 0 : undefined;
}

function javaMethodOf({ method, parameterTypes, returnType }: RestOperation): JavaMethod {
  const names = method.parameters.map(({ name }) => name);
  return {
    name: method.name,
    parameterTypes: parameterTypes ?? method.likely?.parameterTypes ?? names.map(() => ANY_CLASS),
    returnType: returnType === undefined ? ANY_CLASS : printJavaType(returnType),
    ...(new Set(names).size === names.length && { parameterNames: names }),
  };
}

function compileMethod(method: RestMethod, known: readonly JavaMethod[], mostForms: number): Candidate {
  const template = parseTemplate(method.path);
  const named = known.filter(({ name }) => name === method.name);
  const forms = arrangements(method, mostForms).map((form) => ({ form, java: javaOf(form, named) }));
  // Where the metadata has the method, its order is the one.
  const told = new Map<number, RestOperation>();
  for (const { form, java } of forms) {
    const count = form.parameters.length;
    if (java !== undefined && !told.has(count)) told.set(count, operationOf(form, java, template));
  }
  if (told.size > 0) return { forms: [...told.values()], isTold: true };
  return { forms: forms.map(({ form }) => operationOf(form, undefined, template)), isTold: false };
}

/** The one Java method of `known`, all of its name, that this can be. */
function javaOf(method: RestMethod, known: readonly JavaMethod[]): JavaMethod | undefined {
  const alike = known.filter(
    ({ parameterTypes }) =>
      parameterTypes.length === method.parameters.length && takes(method.parameterTypes, parameterTypes),
  );
  const { likely } = method;
  if (likely === undefined || method.parameterTypes !== undefined) return alike.length === 1 ? alike[0] : undefined;
  const scores = alike.map(({ parameterTypes }) => likeness(likely.parameterTypes, parameterTypes) ?? -1);
  const best = Math.max(-1, ...scores);
  return best >= 0 && scores.indexOf(best) === scores.lastIndexOf(best) ? alike[scores.indexOf(best)] : undefined;
}

function operationOf(method: RestMethod, java: JavaMethod | undefined, template: PathTemplate): RestOperation {
  const returnType = method.returnType ?? java?.returnType ?? method.likely?.returnType;
  return {
    method,
    template,
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
  const cut = withoutArguments(type).replace(/\s/g, "");
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
