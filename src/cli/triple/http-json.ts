/**
 * A call in the JSON form that Triple takes over plain HTTP (Dubbo 3.3, dubbo-go): POST `/interface/method`.
 *
 * | arguments | body |
 * |---|---|
 * | none | none |
 * | one | the argument itself |
 * | several | an array of them |
 *
 * Reference: FallbackArgumentResolver of Apache Dubbo 3.3.
 */

import { firstLine } from "../../base/clean-text.ts";
import { type JsonNode, parseJson, printJson } from "../../codecs/json-text.ts";
import { printAttachments } from "../../codecs/triple/attachments.ts";
import { toField } from "../../codecs/triple/text.ts";
import type { ServiceKey } from "../../model/service.ts";

/** A request to send. */
export interface HttpRequest {
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** What a {@link HttpRequest} is made of. */
export interface HttpCallParts {
  readonly service: ServiceKey;
  /** An overload has its signature behind `~`, as `find~l`. */
  readonly method: string;
  readonly args: readonly JsonNode[];
  readonly timeoutMs: number;
  readonly attachments: readonly (readonly [string, string])[];
}

/** A call's request. Throws an `Error` with one line for what no request can carry. */
export function printHttpCall({ service, method, args, timeoutMs, attachments }: HttpCallParts): HttpRequest {
  const path = `/${service.interface}/${method}`;
  if (!/^[!$&-;=@-Z_a-z~]+$/.test(path)) throw new Error(`no path can be made of ${JSON.stringify(path)}`);
  const headers = ["content-type", "application/json", "accept", "application/json"];
  headers.push("tri-service-timeout", String(timeoutMs));
  if (service.group !== "") headers.push("tri-service-group", toField("tri-service-group", service.group));
  if (service.version !== "") headers.push("tri-service-version", toField("tri-service-version", service.version));
  const dropped = printAttachments(attachments, headers);
  if (dropped.length > 0) throw new Error(`no header can carry attachment ${JSON.stringify(dropped[0])}`);
  const [first, ...more] = args;
  const body = first === undefined ? "" : printJson(more.length === 0 ? first : [...args]);
  return { path, headers, body };
}

/** An answer, read. */
export type HttpOutcome =
  | { readonly type: "value"; readonly value: JsonNode }
  | { readonly type: "error"; readonly text: string };

/** Reads an answer. Throws an `Error` with one line for one of status 2xx that is no JSON. */
export function readHttpAnswer(status: number, contentType: string, body: string): HttpOutcome {
  const isValue = status >= 200 && status < 300;
  if (isValue && body.trim() === "") return { type: "value", value: null };
  const node = /^application\/(?:[\w.-]+\+)?json\b/i.test(contentType.trim()) ? tryJson(body) : undefined;
  if (isValue) {
    if (node === undefined) throw new Error(`the answer is no JSON but ${JSON.stringify(contentType.slice(0, 100))}`);
    return { type: "value", value: node };
  }
  const message = node instanceof Map ? node.get("message") : undefined;
  return { type: "error", text: typeof message === "string" ? message : body };
}

/** What a peer that speaks no HTTP/1 speaks, by its first bytes: a clause behind its address. */
export function describeNoHttp(first: Buffer): string {
  const text = first.toString("latin1");
  if (first[0] === 0xda && first[1] === 0xbb) return "speaks Dubbo2, not HTTP/1; call it by dubbo://";
  // Type SETTINGS, stream 0.
  if (first.length >= 9 && first[3] === 4 && first.readUInt32BE(5) === 0)
    return "speaks HTTP/2, not HTTP/1; call it by tri:// or grpc://";
  if (/^[\t\r\n\x20-\x7e]+$/.test(text)) return `speaks no HTTP/1: it answered "${firstLine(text.trimStart())}"`;
  return `speaks no HTTP/1: it answered with bytes ${first.toString("hex", 0, 16)}`;
}

function tryJson(text: string): JsonNode | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
