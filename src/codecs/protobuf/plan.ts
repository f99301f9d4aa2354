/**
 * How a gRPC method's messages are a Java method's arguments and result, decided once for each method.
 *
 * | the request message is | where |
 * |---|---|
 * | no argument | it has no fields |
 * | the one argument | the Java method takes one class that is no scalar, text, date or collection |
 * | the arguments, a field each in the order of their numbers | else; by name where Java's names are known and all are there |
 *
 * Where Java's types are not known: the fields where its name ends like a request's, or its only field is no message of somebody's own; else the message.
 */
import { type DescField, type DescMessage, type DescMethod, ScalarType } from "@bufbuild/protobuf";
import type { ReflectMessage } from "@bufbuild/protobuf/reflect";
import { CallError } from "../../base/errors.ts";
import { type JavaKind, type JavaMethodForm, type JavaSchema, kindOfJava, printJavaMethod } from "../java-schema.ts";
import { streamForms } from "../java-streams.ts";
import { type JavaType, OBJECT_TYPE } from "../java-types.ts";
import type { Value } from "../value.ts";
import { inOrder, isBeanOf } from "./java-names.ts";
import { javaNameOf } from "./service.ts";
import type { JavaBuilder } from "./to-java.ts";

/** A field that is an argument, with the argument's type. */
type FieldArgument = readonly [field: DescField, type: JavaType];

/** What becomes of a request message. */
export interface CallPlan {
  /** Java's name of the method. */
  readonly method: string;
  /** Parameter types without type arguments; null where they are not known. */
  readonly types: readonly string[] | null;
  /** The type of the one argument that the message is; undefined where its fields are the arguments. */
  readonly whole: JavaType | undefined;
  readonly fields: readonly FieldArgument[];
}

const NO_JAVA = {};
type Plans = WeakMap<DescMethod, WeakMap<object, CallPlan | CallError>>;
const plans: Plans = new WeakMap();
const streamPlans: Plans = new WeakMap();

/**
 * The plan of a method, by Java's types where they are known. Throws CallError `unimplemented` for a stream, and where the message fits none of
 * the Java method's overloads, or several alike.
 */
export function planOf(method: DescMethod, java: JavaSchema | undefined): CallPlan {
  return knownPlan(plans, method, java, () => {
    if (method.methodKind !== "unary") return untranslatable(`${method.name} is a stream, which is not translated`);
    return createPlan(method, java, (name) => java?.methods(name) ?? []);
  });
}

/** The plan of a stream's messages, each by itself; see {@link streamForms}. Throws as {@link planOf}, which has the other methods. */
export function streamPlanOf(method: DescMethod, java: JavaSchema | undefined): CallPlan {
  return knownPlan(streamPlans, method, java, () => {
    if (method.methodKind === "unary") return untranslatable(`${method.name} is no stream`);
    const takesStream = method.methodKind !== "server_streaming";
    return createPlan(method, java, (name) => streamForms(java?.methods(name) ?? [], takesStream));
  });
}

function knownPlan(
  all: Plans,
  method: DescMethod,
  java: JavaSchema | undefined,
  create: () => CallPlan | CallError,
): CallPlan {
  let known = all.get(method);
  if (known === undefined) {
    known = new WeakMap();
    all.set(method, known);
  }
  let plan = known.get(java ?? NO_JAVA);
  if (plan === undefined) {
    plan = create();
    known.set(java ?? NO_JAVA, plan);
  }
  if (plan instanceof CallError) throw plan;
  return plan;
}

/** A request's arguments. Throws ProtocolError("protobuf", ...) for a field that does not fit. */
export function argumentsOf(plan: CallPlan, message: ReflectMessage, builder: JavaBuilder): Value[] {
  if (plan.whole !== undefined) return [builder.message(message, plan.whole)];
  return plan.fields.map(([field, type]) => builder.field(message, field, type));
}

function createPlan(
  method: DescMethod,
  java: JavaSchema | undefined,
  methodsOf: (name: string) => readonly JavaMethodForm[],
): CallPlan | CallError {
  const name = methodsOf(method.name).length > 0 ? method.name : javaNameOf(method.name);
  const overloads = methodsOf(name);
  // A method that the metadata does not know may be newer than that: the provider is to say.
  if (java === undefined || overloads.length === 0) return untypedPlan(name, method.input);
  const fitting = overloads
    .map((form) => ({ form, choice: choiceOf(form, method.input, java) }))
    .filter((one): one is Fitting => one.choice !== undefined)
    .sort((a, b) => a.choice.cost - b.choice.cost);
  const [best, next] = fitting;
  const shape = `${method.input.typeName} of ${method.input.fields.length} fields`;
  if (best === undefined) {
    return untranslatable(`message ${shape} fits none of ${overloads.map(printJavaMethod).join(", ")}`);
  }
  if (next !== undefined && next.choice.cost === best.choice.cost) {
    return untranslatable(`message ${shape} fits both ${printJavaMethod(best.form)} and ${printJavaMethod(next.form)}`);
  }
  const { whole, fields } = best.choice;
  return { method: name, types: best.form.erased, whole, fields };
}

interface Choice {
  readonly whole: JavaType | undefined;
  readonly fields: readonly FieldArgument[];
  /** 0 where all types are each other's own; more for each conversion. */
  readonly cost: number;
}

interface Fitting {
  readonly form: JavaMethodForm;
  readonly choice: Choice;
}

/** How a message is a method's arguments; undefined where it is not. */
function choiceOf(form: JavaMethodForm, input: DescMessage, java: JavaSchema): Choice | undefined {
  const { parameters, names } = form;
  const [only] = parameters;
  if (only !== undefined && parameters.length === 1 && isWhole(input, only, names?.[0], java)) {
    const cost = messageCost(input, kindOfJava(only));
    return cost === undefined ? undefined : { whole: only, fields: [], cost };
  }
  const fields = argumentFields(input, form);
  if (fields === undefined) return undefined;
  let cost = 0;
  for (const [field, type] of fields) {
    const one = fieldCost(field, type);
    if (one === undefined) return undefined;
    cost += one;
  }
  return { whole: undefined, fields, cost };
}

/** The fields in the order of the parameters; undefined where there are not as many. */
function argumentFields(input: DescMessage, { parameters, names }: JavaMethodForm): FieldArgument[] | undefined {
  const fields = inOrder(input);
  if (fields.length !== parameters.length) return undefined;
  const named = names?.map((name) => fields.find((field) => field.jsonName === name || field.name === name));
  const isNamed = named !== undefined && new Set(named).size === fields.length && !named.includes(undefined);
  return parameters.map((type, i) => [isNamed ? named[i]! : fields[i]!, type]);
}

/** Whether a message is the one value of type `type`, a parameter called `name` or a result, and not a field of it. */
export function isWhole(
  input: DescMessage,
  type: JavaType,
  name: string | undefined,
  java: JavaSchema | undefined,
): boolean {
  if (isSingle(input)) return true;
  const kind = kindOfJava(type);
  const [field] = input.fields;
  if (input.fields.length !== 1 || field === undefined) return kind === "bean" || kind === "map" || kind === "any";
  if (kind === "map") return field.fieldKind !== "map" && field.jsonName !== name;
  if (kind !== "bean" || java?.constants(type.name) !== undefined) return false;
  if (java !== undefined && isBeanOf(java, input, type.name)) return true;
  const simple = type.name.slice(Math.max(type.name.lastIndexOf("."), type.name.lastIndexOf("$")) + 1);
  if (input.name === simple) return true;
  if (field.fieldKind === "enum") return field.enum.name !== simple;
  if (field.fieldKind !== "message") return field.jsonName !== name;
  const isField = java !== undefined && isBeanOf(java, field.message, type.name);
  return !(field.message.name === simple || isField || field.jsonName === name);
}

/** Whether a message is a single thing in Java, such as a date. */
export function isSingle({ typeName }: DescMessage): boolean {
  return typeName.startsWith("google.protobuf.") && typeName !== "google.protobuf.Empty";
}

const SINGLE_KINDS: Readonly<Record<string, JavaKind>> = {
  "google.protobuf.DoubleValue": "float",
  "google.protobuf.FloatValue": "float",
  "google.protobuf.Int64Value": "integer",
  "google.protobuf.UInt64Value": "integer",
  "google.protobuf.Int32Value": "integer",
  "google.protobuf.UInt32Value": "integer",
  "google.protobuf.BoolValue": "boolean",
  "google.protobuf.StringValue": "text",
  "google.protobuf.BytesValue": "bytes",
  "google.protobuf.Timestamp": "date",
  "google.protobuf.Duration": "time",
  "google.protobuf.Struct": "map",
  "google.protobuf.ListValue": "list",
};

/** What it costs to have a message for a kind of Java's; undefined where it cannot be. */
function messageCost({ typeName }: DescMessage, kind: JavaKind): number | undefined {
  if (kind === "any") return 9;
  const single = SINGLE_KINDS[typeName];
  if (single === undefined) return kind === "bean" ? 0 : kind === "map" ? 2 : undefined;
  if (single === kind) return 0;
  return CONVERTIBLE[single]?.includes(kind) === true ? 4 : undefined;
}

/** Other kinds that a kind may be converted to where its value allows. */
const CONVERTIBLE: Readonly<Partial<Record<JavaKind, readonly JavaKind[]>>> = {
  integer: ["float", "text", "decimal", "date"],
  float: ["integer", "decimal"],
  text: ["integer", "decimal", "date", "time", "library", "char", "bean"],
  date: ["time", "integer", "text"],
  time: ["integer", "text"],
};

/** Of Java's types that are a scalar's own, in the order of preference. */
const OWN_TYPES: Readonly<Partial<Record<ScalarType, readonly string[]>>> = {
  [ScalarType.INT32]: ["int", "java.lang.Integer", "long", "java.lang.Long", "short", "byte"],
  [ScalarType.UINT32]: ["int", "java.lang.Integer", "long", "java.lang.Long"],
  [ScalarType.INT64]: ["long", "java.lang.Long", "int", "java.lang.Integer"],
  [ScalarType.UINT64]: ["long", "java.lang.Long", "java.math.BigInteger", "int"],
  [ScalarType.FLOAT]: ["float", "java.lang.Float", "double", "java.lang.Double"],
  [ScalarType.DOUBLE]: ["double", "java.lang.Double", "float", "java.lang.Float"],
};
const SAME_AS: Readonly<Partial<Record<ScalarType, ScalarType>>> = {
  [ScalarType.SINT32]: ScalarType.INT32,
  [ScalarType.SFIXED32]: ScalarType.INT32,
  [ScalarType.FIXED32]: ScalarType.UINT32,
  [ScalarType.SINT64]: ScalarType.INT64,
  [ScalarType.SFIXED64]: ScalarType.INT64,
  [ScalarType.FIXED64]: ScalarType.UINT64,
};

function fieldCost(field: DescField, type: JavaType): number | undefined {
  const kind = kindOfJava(type);
  if (kind === "any") return 9;
  switch (field.fieldKind) {
    case "list":
      return kind === "list" ? 0 : undefined;
    case "map":
      return kind === "map" ? 0 : undefined;
    case "message":
      return messageCost(field.message, kind);
    case "enum":
      return kind === "bean" ? 0 : kind === "text" || kind === "integer" ? 4 : undefined;
    case "scalar":
      return scalarCost(field.scalar, kind, type.name);
  }
}

function scalarCost(scalar: ScalarType, kind: JavaKind, typeName: string): number | undefined {
  const own = kindOfScalar(scalar);
  if (own !== kind) return CONVERTIBLE[own]?.includes(kind) === true ? 4 : undefined;
  const preferred = OWN_TYPES[SAME_AS[scalar] ?? scalar];
  if (preferred === undefined) return 0;
  const at = preferred.indexOf(typeName);
  return (at < 0 ? preferred.length : at) / 4;
}

function kindOfScalar(scalar: ScalarType): JavaKind {
  switch (scalar) {
    case ScalarType.BOOL:
      return "boolean";
    case ScalarType.STRING:
      return "text";
    case ScalarType.BYTES:
      return "bytes";
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return "float";
    default:
      return "integer";
  }
}

const REQUEST_NAME = /(?:Request|Req|Args|Arguments|Params|Parameters)$/;

function untypedPlan(method: string, input: DescMessage): CallPlan {
  const [only] = input.fields;
  const isOneValue = input.fields.length === 1 && (only?.fieldKind !== "message" || isSingle(only.message));
  const byFields = input.fields.length === 0 || REQUEST_NAME.test(input.name) || isOneValue;
  if (isSingle(input) || !byFields) return { method, types: null, whole: OBJECT_TYPE, fields: [] };
  return { method, types: null, whole: undefined, fields: inOrder(input).map((field) => [field, OBJECT_TYPE]) };
}

function untranslatable(text: string): CallError {
  return new CallError("unimplemented", "untranslatable", text);
}
