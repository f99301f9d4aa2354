import { cleanText, firstLine } from "../base/clean-text.ts";
import type { RequestParts, Response } from "../codecs/dubbo2/body.ts";
import { GENERIC_DESCRIPTOR } from "../codecs/dubbo2/head.ts";
import { statusMeaning } from "../codecs/dubbo2/status.ts";
import { jsonToValue } from "../codecs/hessian2/from-json.ts";
import { valueToJson } from "../codecs/hessian2/json.ts";
import { isThrowable, throwableView } from "../codecs/hessian2/throwable.ts";
import { descriptorOf, type JavaType, parseDescriptors, parseJavaType, printJavaType } from "../codecs/java-types.ts";
import type { JsonNode } from "../codecs/json-text.ts";
import { fieldOf, isObject, listValue, type ObjectValue, type Value } from "../codecs/value.ts";

/** How the arguments' types are known. */
export interface CallTypes {
  /** As the user wrote them; undefined where they are not known. */
  readonly types: string | undefined;
  readonly generic: boolean;
}

/** The part of a request that the arguments decide. Throws an `Error` with one line where they do not fit their types. */
export function encodeArguments(
  method: string,
  args: readonly JsonNode[],
  { types: text, generic }: CallTypes,
): Pick<RequestParts, "method" | "descriptor" | "args" | "attachments"> {
  const types = text === undefined ? undefined : readTypes(text);
  if (types !== undefined && types.length !== args.length) {
    throw new Error(`--types names ${types.length} types for ${args.length} arguments`);
  }
  if (generic || types === undefined) {
    const values = args.map((arg, i) => typed(arg, types?.[i], i, "entry"));
    const names = types === undefined ? null : listValue(types.map(printErased), "[string");
    return {
      method: "$invoke",
      descriptor: GENERIC_DESCRIPTOR,
      args: [method, names, listValue(values, "[object")],
      attachments: { generic: "true" },
    };
  }
  const values = args.map((arg, i) => typed(arg, types[i], i, "object"));
  return { method, descriptor: types.map(descriptorOf).join(""), args: values, attachments: {} };
}

/** Types from a descriptor (`JLjava/lang/String;`) or from Java names with commas between, type arguments allowed. */
export function readTypes(text: string): JavaType[] {
  const trimmed = text.trim();
  if (trimmed === "") return [];
  if (/^(?:\[*(?:[ZBCSIJFD]|L[\w$/]+;))+$/.test(trimmed)) return parseDescriptors(trimmed);
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= trimmed.length; at++) {
    const char = trimmed[at];
    if (char === "<") depth++;
    else if (char === ">") depth--;
    else if (char === undefined || (char === "," && depth === 0)) {
      parts.push(trimmed.slice(from, at));
      from = at + 1;
    }
  }
  return parts.map((part) => parseJavaType(withPackage(part.trim())));
}

/** A value as JSON. A value inside itself is shown as null, since a shell has no references. */
export function resultJson(value: Value): JsonNode {
  return valueToJson(value, { cycles: "null" });
}

/** What went wrong at a Dubbo2 callee, for a person: {@link describeThrown} or {@link describeRefusal}. */
export function describeError(response: Response): string {
  if (response.type !== "error") return describeThrown(response.value);
  return describeRefusal(response.status, statusMeaning(response.status).name, response.text);
}

/** An error that is no exception: its number and name in the callee's protocol, and the first line of its text. */
export function describeRefusal(status: number, name: string, text: string): string {
  const line = firstLine(text);
  return `trestle: the provider answered ${status} (${name})${line === "" ? "" : `: ${line}`}\n`;
}

/** Class and message of what was thrown and of its causes, a line each. */
export function describeThrown(value: Value): string {
  const lines: string[] = [];
  let thrown: ObjectValue | null = isObject(value) ? value : null;
  if (thrown === null) return "trestle: the provider answered with an exception that is none\n";
  const seen = new Set<ObjectValue>();
  for (let i = 0; thrown !== null && !seen.has(thrown) && i < 16; i++) {
    seen.add(thrown);
    lines.push(`${i === 0 ? "" : "caused by: "}${nameAndMessage(thrown)}`);
    thrown = isThrowable(thrown) ? throwableView(thrown, 0).cause : null;
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** Generic calls wrap what was thrown: its own class and message are fields of the wrapper. */
function nameAndMessage(thrown: ObjectValue): string {
  const { exceptionClass, message } = throwableView(thrown, 0);
  const wrapped = fieldOf(thrown, "exceptionClass");
  const text = fieldOf(thrown, "exceptionMessage");
  if (exceptionClass.endsWith(".GenericException") && typeof wrapped === "string") {
    return cleanText(typeof text === "string" ? `${wrapped}: ${firstLine(text)}` : wrapped);
  }
  return cleanText(message === null ? exceptionClass : `${exceptionClass}: ${firstLine(message)}`);
}

function typed(arg: JsonNode, type: JavaType | undefined, index: number, classKey: "entry" | "object"): Value {
  try {
    // A generic call takes objects as maps: only its scalars need their types.
    return jsonToValue(arg, classKey === "entry" && type !== undefined && !isPlain(type) ? undefined : type, {
      classKey,
    });
  } catch (error) {
    throw new Error(`argument ${index}: ${(error as Error).message.replace(/^value: /, "")}`);
  }
}

function isPlain(type: JavaType): boolean {
  return /^(?:boolean|byte|char|short|int|long|float|double|java\.(?:lang|math)\.\w+|java\.util\.Date)$/.test(
    type.name,
  );
}

function printErased(type: JavaType): string {
  return type.name === "[]" ? `${printErased(type.args[0]!)}[]` : printJavaType({ name: type.name, args: [] });
}

const LANG = /(?<![\w.$])(String|Object|Boolean|Byte|Character|Short|Integer|Long|Float|Double|Number)(?![\w.$])/g;

/** `String` is what people write for java.lang.String. */
function withPackage(name: string): string {
  return name.replace(LANG, "java.lang.$1");
}
