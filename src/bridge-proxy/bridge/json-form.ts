import { isUtf8 } from "node:buffer";
import { ProtocolError } from "../../base/errors.ts";
import { decodeResponse, encodeRequest, isException } from "../../codecs/dubbo2/body.ts";
import { GENERIC_DESCRIPTOR } from "../../codecs/dubbo2/head.ts";
import { OK, statusMeaning } from "../../codecs/dubbo2/status.ts";
import { jsonToValue } from "../../codecs/hessian2/from-json.ts";
import { valueToJson } from "../../codecs/hessian2/json.ts";
import { type JsonNode, type JsonObject, parseJson, printJson } from "../../codecs/json-text.ts";
import type { CallHead } from "../../codecs/triple/head.ts";
import { fieldOf, isObject, listValue, type Value } from "../../codecs/value.ts";
import { type DubboDestination, dubboAttachments, type TripleReply } from "./to-dubbo.ts";

/**
 * A call with JSON as a Dubbo2 request frame, id 0. A JSON array is the list of arguments, anything else the only one, nothing is
 * none. The types are the provider's to know: it is a generic call, for which the provider finds the method by its name. Throws
 * `ProtocolError` for what is no JSON and for a query, whose names the provider would have to know.
 */
export function jsonToDubbo(head: CallHead, body: Buffer, to: DubboDestination): Buffer {
  if (!isUtf8(body)) throw new ProtocolError("json", "body is not UTF-8");
  const text = body.toString("utf8");
  const json = text.trim() === "" ? [] : parseJson(text);
  const args = (Array.isArray(json) ? json : [json]).map((node) => jsonToValue(node, undefined, { classKey: "entry" }));
  return encodeRequest({
    idHigh: 0,
    idLow: 0,
    twoWay: true,
    interface: to.service.interface,
    group: to.service.group,
    version: to.service.version,
    method: "$invoke",
    descriptor: GENERIC_DESCRIPTOR,
    args: [head.method, null, listValue(args, "[object")],
    attachments: Object.fromEntries(dubboAttachments(head, to).set("generic", "true")),
  });
}

/** The answer frame `bytes[start, end)` as JSON; what went wrong is `{status, message, exception}` under an HTTP status. */
export function dubboToJson(bytes: Buffer, start: number, end: number): TripleReply {
  const { status, type, value, text } = decodeResponse(bytes, start, end);
  if (status !== OK) {
    const { http, name } = statusMeaning(status);
    return reply(http, errorJson(http, text || name, undefined), false);
  }
  if (type === "exception") {
    const { className, message } = thrownBy(value);
    return reply(500, errorJson(500, message, className), isException(bytes, start, end));
  }
  return reply(200, withoutClasses(valueToJson(value)), false);
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

/** Generic calls answer objects as maps that name their class: callers with JSON have no use for that. */
function withoutClasses(json: JsonNode): JsonNode {
  if (Array.isArray(json)) return json.map(withoutClasses);
  if (!(json instanceof Map)) return json;
  const kept: JsonObject = new Map();
  for (const [key, value] of json) {
    if (key !== "class" || typeof value !== "string") kept.set(key, withoutClasses(value));
  }
  return kept;
}
