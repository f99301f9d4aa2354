import { isUtf8 } from "node:buffer";
import { CallError, ProtocolError } from "../../base/errors.ts";
import { decodeResponse, encodeRequest, isException } from "../../codecs/dubbo2/body.ts";
import { GENERIC_DESCRIPTOR } from "../../codecs/dubbo2/head.ts";
import { OK, statusMeaning } from "../../codecs/dubbo2/status.ts";
import { jsonToValue } from "../../codecs/hessian2/from-json.ts";
import { valueToJson } from "../../codecs/hessian2/json.ts";
import { jsonArguments, parseQuery } from "../../codecs/java-arguments.ts";
import { textOfPieces } from "../../codecs/java-pieces.ts";
import type { JavaSchema } from "../../codecs/java-schema.ts";
import { type JsonNode, type JsonObject, parseJson, printJson } from "../../codecs/json-text.ts";
import { printAttachments } from "../../codecs/triple/attachments.ts";
import type { CallHead } from "../../codecs/triple/head.ts";
import { fieldOf, isObject, listValue, type Value } from "../../codecs/value.ts";
import { checkedTrailers, type DubboDestination, dubboAttachments, type TripleReply } from "./to-dubbo.ts";

/** What is known of a call with JSON beside its head. */
export interface JsonCallParts {
  /** Undefined where Java's types are not known. */
  readonly java: JavaSchema | undefined;
  /** As the request has it. */
  readonly path: string;
  readonly contentType: string;
}

const NOTHING_KNOWN: JsonCallParts = { java: undefined, path: "", contentType: "application/json" };

/**
 * A call with JSON as a Dubbo2 request frame, id 0: a generic one. Where Java's types are known its arguments are those of the overload that
 * they fit (java-arguments.ts); else a JSON array is the list of arguments, anything else the only one, nothing is none, and the provider
 * finds the method by its name. Throws `ProtocolError` for what is no JSON or does not fit, CallError for overloads that fit alike and
 * for a query of a method whose parameters are not known.
 */
export function jsonToDubbo(head: CallHead, body: Buffer, to: DubboDestination, parts = NOTHING_KNOWN): Buffer {
  const typed = typedArguments(head, body, parts);
  const args = genericArguments(head.method, typed?.types ?? null, typed?.args ?? untypedArguments(body));
  return genericRequest(head, args, to);
}

/** The arguments that {@link jsonToDubbo} gives a provider; throws as it does. */
export function argumentsOfJson(head: CallHead, body: Buffer, parts: JsonCallParts): readonly Value[] {
  return typedArguments(head, body, parts)?.args ?? untypedArguments(body);
}

/** A generic call as a request frame, id 0; `args` are those of {@link genericArguments}. */
export function genericRequest(head: CallHead, args: Value[], to: DubboDestination): Buffer {
  return encodeRequest({
    idHigh: 0,
    idLow: 0,
    twoWay: true,
    interface: to.service.interface,
    group: to.service.group,
    version: to.service.version,
    method: "$invoke",
    descriptor: GENERIC_DESCRIPTOR,
    args,
    attachments: Object.fromEntries(dubboAttachments(head, to).set("generic", "true")),
  });
}

/** The three arguments of `$invoke`; `types` null where they are the provider's to know. */
export function genericArguments(method: string, types: readonly string[] | null, args: Value[]): Value[] {
  return [method, types === null ? null : listValue([...types], "[string"), listValue(args, "[object")];
}

function typedArguments(head: CallHead, body: Buffer, { java, path, contentType }: JsonCallParts) {
  const at = path.indexOf("?");
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(contentType) && body.length > 0;
  const query = [...(at < 0 ? [] : parseQuery(path.slice(at + 1))), ...(isForm ? parseQuery(textOf(body)) : [])];
  const hasBody = !isForm && textOf(body).trim() !== "";
  const { method, signature } = head;
  const content = { signature, body: hasBody ? parseJson(textOf(body)) : undefined, query };
  const typed = java === undefined ? undefined : jsonArguments(java, method, content);
  if (typed === undefined && query.length > 0 && !hasBody) {
    const text = `the parameters of ${method} are not known here: a query or a form needs their names; send JSON as application/json`;
    throw new CallError("unimplemented", "untranslatable", text);
  }
  return typed;
}

function untypedArguments(body: Buffer): Value[] {
  const text = textOf(body);
  const json = text.trim() === "" ? [] : parseJson(text);
  return (Array.isArray(json) ? json : [json]).map((node) => jsonToValue(node, undefined, { classKey: "entry" }));
}

function textOf(body: Buffer): string {
  if (!isUtf8(body)) throw new ProtocolError("json", "body is not UTF-8");
  return body.toString("utf8");
}

/**
 * The answer frame `bytes[start, end)` as JSON; what went wrong is `{status, message, exception}` under an HTTP status. Attachments are header
 * fields, but for callers outside the mesh. Throws `ProtocolError` for what cannot be read, CallError for attachments that no field can carry.
 */
export function dubboToJson(bytes: Buffer, start: number, end: number, isOutside = false): TripleReply {
  const { status, type, value, text, attachments } = decodeResponse(bytes, start, end);
  if (status !== OK) {
    const { http, name } = statusMeaning(status);
    return reply(http, errorJson(http, text || name, undefined), false);
  }
  if (type === "exception") {
    const { className, message } = thrownBy(value);
    return reply(500, errorJson(500, message, className), isException(bytes, start, end));
  }
  const answer = reply(200, withoutClasses(valueToJson(value)), false);
  return isOutside || attachments === null ? answer : withFields(answer, attachments.entries);
}

/** Attachments are fields of the head, without those that say what the content is. */
function withFields(answer: TripleReply, attachments: readonly (readonly [Value, Value])[]): TripleReply {
  const said = attachments.filter((one): one is [string, Value] => {
    const [name] = one;
    return typeof name === "string" && !name.toLowerCase().startsWith("content-");
  });
  const fields: string[] = [];
  printAttachments(said, fields);
  return { ...answer, head: [...answer.head, ...checkedTrailers(fields)] };
}

/** One of Trestle's own answers to a caller that speaks JSON. */
export function errorJson(http: number, message: string, exception: string | undefined): JsonObject {
  const json: JsonObject = new Map<string, JsonNode>([
    ["status", String(http)],
    ["message", message],
  ]);
  if (exception !== undefined) json.set("exception", exception);
  return json;
}

function reply(http: number, json: JsonNode, thrown: boolean): TripleReply {
  const body = Buffer.from(printJson(json));
  const head = [":status", String(http), "content-type", "application/json", "content-length", String(body.length)];
  return { head, body, trailers: undefined, isException: thrown };
}

/** Class and message of what was thrown. Generic calls wrap it: its own class and message are fields of the wrapper then. */
export function thrownBy(value: Value): { readonly className: string; readonly message: string } {
  if (!isObject(value)) return { className: "java.lang.Throwable", message: "" };
  const { name } = value.shape;
  const wrapped = fieldOf(value, "exceptionClass");
  const isWrapper = name.endsWith(".GenericException") && typeof wrapped === "string";
  const text = fieldOf(value, isWrapper ? "exceptionMessage" : "detailMessage");
  return { className: isWrapper ? wrapped : name, message: typeof text === "string" ? text : "" };
}

/** Generic calls answer objects as maps that name their class, the JDK's own too: callers with JSON have no use for that. */
function withoutClasses(json: JsonNode): JsonNode {
  if (Array.isArray(json)) return json.map(withoutClasses);
  if (!(json instanceof Map)) return json;
  const kept: JsonObject = new Map();
  for (const [key, value] of json) {
    if (key !== "class" || typeof value !== "string") kept.set(key, withoutClasses(value));
  }
  const className = json.get("class");
  return (typeof className === "string" ? textOfPieces(className, kept) : undefined) ?? kept;
}
