/**
 * A REST answer as a Java method's.
 *
 * | status | Java |
 * |---|---|
 * | 2xx | the value, by the declared type; no content is null |
 * | 404 | null, or an exception, as the mapping says |
 * | 502, 503, 504 | no answer of the method's: the provider could not be reached, or took too long |
 * | any other | an exception with the status and the body's message |
 *
 * The message of a body: Spring's `message`, a problem's `detail` or `title` (RFC 9457), `error`, or a text as it is.
 */
import { isUtf8 } from "node:buffer";
import { ProtocolError } from "../../base/errors.ts";
import { jsonToValue } from "../hessian2/from-json.ts";
import { exceptionValue } from "../hessian2/throwable.ts";
import { type JavaType, OBJECT_TYPE } from "../java-types.ts";
import { type JsonNode, type JsonObject, parseJson } from "../json-text.ts";
import { isObject, listValue, type MapEntry, mapValue, type ObjectValue, objectValue, type Value } from "../value.ts";
import type { RestOperation, RestService } from "./mapping.ts";

/** An answer, whole. */
export interface RestAnswer {
  readonly status: number;
  /** The field's value, `""` for none. */
  readonly contentType: string;
  /** The field's value, `""` for none. */
  readonly contentEncoding: string;
  readonly body: Buffer;
}

/** What the caller is answered. */
export type RestOutcome =
  | { readonly type: "value" | "exception"; readonly value: Value }
  /** The service behind the address did not answer itself. */
  | { readonly type: "unavailable" | "timeout"; readonly message: string };

const MAX_MESSAGE_CHARS = 1024;
const MAX_BODY_CHARS = 64 * 1024 * 1024;

/** The outcome of a call. Throws `ProtocolError` for a body that is not what the method's type wants. */
export function decodeRestAnswer(service: RestService, operation: RestOperation, answer: RestAnswer): RestOutcome {
  const { status } = answer;
  if (status >= 200 && status < 300) return { type: "value", value: resultOf(service, operation, answer) };
  if (status === 404 && operation.method.notFound === "null") return { type: "value", value: null };
  const json = errorJsonOf(answer);
  const message = `HTTP ${status}${messageOf(json, answer)}`;
  if (status === 504) return { type: "timeout", message };
  if (status === 502 || status === 503) return { type: "unavailable", message };
  return { type: "exception", value: exceptionOf(service, operation, status, message, json) };
}

/** The value as Dubbo's generic calls have it: objects are maps that name their classes by an entry `class`, enums are texts. */
export function generalized(value: Value, service: Pick<RestService, "isEnum">): Value {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  switch (value.type) {
    case "list":
      return listValue(
        value.items.map((item) => generalized(item, service)),
        value.className?.startsWith("[") ? "[object" : value.className,
      );
    case "map":
      return mapValue(
        value.entries.map(([key, item]): MapEntry => [generalized(key, service), generalized(item, service)]),
        value.className,
      );
    case "object":
      return generalizedObject(value, service);
    default:
      return value;
  }
}

function generalizedObject(object: ObjectValue, service: Pick<RestService, "isEnum">): Value {
  const { name, fields } = object.shape;
  if (name.startsWith("java.") || name.startsWith("com.alibaba.com.caucho.")) return object;
  if (fields.length === 1 && fields[0] === "name" && service.isEnum(name)) return object.values[0]!;
  const entries = fields.map((field, i): MapEntry => [field, generalized(object.values[i]!, service)]);
  return mapValue([...entries, ["class", name]]);
}

function resultOf(service: RestService, { returnType }: RestOperation, answer: RestAnswer): Value {
  if (returnType?.name === "void" || returnType?.name === "java.lang.Void") return null;
  refuseEncoded(answer);
  const { body, contentType } = answer;
  if (isBytes(returnType) && !isJson(contentType)) return new Uint8Array(body);
  if (body.length === 0) {
    if (returnType !== undefined && /^[a-z]+$/.test(returnType.name))
      throw bad(`answer is empty, a ${returnType.name} is wanted`);
    return isText(returnType) && contentType !== "" ? "" : null;
  }
  if (returnType === undefined && !isJson(contentType) && !isTextType(contentType)) return new Uint8Array(body);
  const text = textOf(answer);
  if (isText(returnType)) return stringOf(text, contentType);
  if (returnType === undefined || returnType.name === OBJECT_TYPE.name) {
    return isJson(contentType) ? jsonToValue(parseJson(text), OBJECT_TYPE, { classKey: "entry" }) : text;
  }
  if (/^text\/html\b/i.test(contentType)) throw bad(`answer is ${contentType}, not JSON`);
  const json = parseJson(text, { maxChars: MAX_BODY_CHARS });
  return jsonToValue(json, returnType, { classKey: "entry", fieldsOf: (className) => service.fieldsOf(className) });
}

/** Spring writes a String as it is, whatever the type it says; a JSON string, or null, is taken for one. */
function stringOf(text: string, contentType: string): string | null {
  if (!isJson(contentType)) return text;
  const trimmed = text.trim();
  if (trimmed === "null") return null;
  const json = trimmed.startsWith('"') ? jsonOrUndefined(trimmed) : undefined;
  return typeof json === "string" ? json : text;
}

function exceptionOf(
  service: RestService,
  { method }: RestOperation,
  status: number,
  message: string,
  json: JsonNode | undefined,
): ObjectValue {
  const { exceptions } = method;
  const named = Object.hasOwn(exceptions, String(status)) ? exceptions[String(status)] : undefined;
  const className = named ?? (Object.hasOwn(exceptions, "default") ? exceptions["default"] : undefined);
  if (className === undefined) return exceptionValue(message);
  const fields = service.fieldsOf(className);
  const own: (readonly [string, Value])[] = [["detailMessage", message]];
  if (fields !== undefined && json instanceof Map) {
    const members: JsonObject = new Map(
      [...json].filter(([name]) => name !== "message" && name !== "class" && fields.has(name)),
    );
    const read = fieldsFrom(members, className, service);
    if (read !== undefined) own.push(...read.shape.fields.map((name, i) => [name, read.values[i]!] as const));
  }
  return objectValue(className, own);
}

/** The fields of an exception that the body has; none where one of them is of another type. */
function fieldsFrom(members: JsonObject, className: string, service: RestService): ObjectValue | undefined {
  try {
    const value = jsonToValue(
      members,
      { name: className, args: [] },
      { classKey: "entry", fieldsOf: (name) => service.fieldsOf(name) },
    );
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function errorJsonOf(answer: RestAnswer): JsonNode | undefined {
  return isJson(answer.contentType) && answer.contentEncoding === ""
    ? jsonOrUndefined(answer.body.toString("utf8"))
    : undefined;
}

function messageOf(json: JsonNode | undefined, { contentType, contentEncoding, body }: RestAnswer): string {
  let text = "";
  if (json instanceof Map) {
    for (const name of ["message", "detail", "title", "error"]) {
      const member = json.get(name);
      if (text === "" && typeof member === "string") text = member;
    }
  } else if (typeof json === "string") text = json;
  else if (/^text\/plain\b/i.test(contentType) && contentEncoding === "")
    text = body.toString("utf8", 0, 4 * MAX_MESSAGE_CHARS).trim();
  return text === "" ? "" : `: ${text.slice(0, MAX_MESSAGE_CHARS)}`;
}

function jsonOrUndefined(text: string): JsonNode | undefined {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function textOf({ contentType, body }: RestAnswer): string {
  const charset = /;\s*charset="?([\w.-]+)/i.exec(contentType)?.[1]?.toLowerCase() ?? "utf-8";
  if (/^(?:iso-8859-1|latin1|us-ascii)$/.test(charset)) return body.toString("latin1");
  if (charset !== "utf-8" && charset !== "utf8") throw bad(`answer is in charset ${charset}, which is not read`);
  if (!isUtf8(body)) throw bad("answer is not UTF-8");
  return body.toString("utf8");
}

function refuseEncoded({ contentEncoding }: RestAnswer): void {
  if (contentEncoding !== "" && contentEncoding.toLowerCase() !== "identity") {
    throw bad(`answer has content-encoding ${contentEncoding.slice(0, 40)}, which was not asked for`);
  }
}

function isJson(contentType: string): boolean {
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(contentType);
}

function isTextType(contentType: string): boolean {
  return contentType === "" || /^text\//i.test(contentType);
}

function isText(type: JavaType | undefined): boolean {
  return type?.name === "java.lang.String" || type?.name === "java.lang.CharSequence";
}

function isBytes(type: JavaType | undefined): boolean {
  return type?.name === "[]" && type.args[0]?.name === "byte";
}

function bad(message: string): ProtocolError {
  return new ProtocolError("rest", message);
}
