/**
 * A call as a REST request.
 *
 * | argument in | as |
 * |---|---|
 * | path | text, percent-encoded within its segment; null and empty refused |
 * | query | `name=text`; of a list or array one for each element; null left out |
 * | header | text; of a list joined by commas; null left out |
 * | body | JSON; of several arguments an object by their names |
 *
 * Attachments are headers of their own names, but for those that are Dubbo's or HTTP's own.
 */
import { CallError } from "../../base/errors.ts";
import type { RestParameter } from "../../model/schema.ts";
import { valueToJson } from "../hessian2/json.ts";
import { type JsonNode, JsonNumber, type JsonObject, printJson } from "../json-text.ts";
import { isReserved } from "../triple/attachments.ts";
import { toField } from "../triple/text.ts";
import { isContainer, type Value } from "../value.ts";
import type { RestOperation } from "./mapping.ts";
import { encodeText, printPath } from "./template.ts";

/** A request, but for where it goes. */
export interface RestRequest {
  readonly verb: string;
  readonly target: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Undefined where there is none. */
  readonly body: Buffer | undefined;
}

/** What a request is made from. */
export interface RestCall {
  readonly operation: RestOperation;
  /** As many as the operation has parameters. */
  readonly args: readonly Value[];
  readonly attachments: Iterable<readonly [string, Value]>;
  readonly dates: "iso" | "ms";
  /** The arguments are those of a generic call: maps that name their classes by an entry `class`. */
  readonly generic: boolean;
  /** Whether a class is known to have properties. */
  readonly isBean: (className: string) => boolean;
}

const MAX_TARGET_CHARS = 8 * 1024;
const MAX_HEADER_CHARS = 48 * 1024;
const MAX_BODY_CHARS = 64 * 1024 * 1024;

/** Attachments that are Dubbo's own, and fields that a caller may not set. */
const NOT_SENT: ReadonlySet<string> = new Set([
  ..."version timeout token generic dubbo async id input output return sent consumer_side side pid".split(" "),
  ..."accept accept-encoding content-encoding content-language date expect proxy-authorization range".split(" "),
]);

/** Headers that frame the message or say where it goes. */
const FRAMING =
  /^(?:host|content-length|content-type|transfer-encoding|connection|upgrade|te|trailer|expect|keep-alive|proxy-connection)$/i;

/** Whether an argument may be a header of this name: it must be a token, and none of those that frame the message. */
export function canBeHeader(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/.test(name) && !FRAMING.test(name);
}

/** The request of a call. Throws CallError that names the argument or attachment that no request can carry. */
export function encodeRestRequest(call: RestCall): RestRequest {
  const { operation, args } = call;
  const { method, template } = operation;
  const query: string[] = template.query === "" ? [] : [template.query];
  const fields: (readonly [string, string])[] = [["accept", "application/json, */*;q=0.5"]];
  const inPath = new Map<string, Value>();
  const inBody: (readonly [string, Value])[] = [];
  for (const [i, parameter] of method.parameters.entries()) {
    const value = args[i] ?? null;
    if (parameter.in === "path") inPath.set(parameter.name, value);
    else if (parameter.in === "body") inBody.push([parameter.name, value]);
    else if (parameter.in === "query") {
      for (const text of textsOf(parameter, value, call)) {
        query.push(`${encodeText(parameter.name, parameter.name)}=${encodeText(parameter.name, text)}`);
      }
    } else {
      const texts = textsOf(parameter, value, call);
      if (texts.length > 0) fields.push([parameter.name, toField(parameter.name, texts.join(","))]);
    }
  }
  const path = printPath(template, (name) => {
    const texts = textsOf({ name, in: "path" }, inPath.get(name) ?? null, call);
    if (texts.length !== 1)
      throw refused(`argument ${name} is ${texts.length === 0 ? "null" : "a list"}, which a path cannot carry`);
    return texts[0]!;
  });
  const target = query.length === 0 ? path : `${path}?${query.join("&")}`;
  if (target.length > MAX_TARGET_CHARS)
    throw refused(`target of ${target.length} characters is over the limit ${MAX_TARGET_CHARS}`);
  const body = inBody.length === 0 ? undefined : Buffer.from(printJson(bodyOf(inBody, call)), "utf8");
  if (body !== undefined) fields.push(["content-type", "application/json"]);
  addAttachments(call.attachments, fields);
  const size = fields.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
  if (size > MAX_HEADER_CHARS) throw refused(`headers of ${size} characters are over the limit ${MAX_HEADER_CHARS}`);
  return { verb: method.verb, target, fields, body };
}

function addAttachments(attachments: RestCall["attachments"], fields: (readonly [string, string])[]): void {
  const taken = new Set(fields.map(([name]) => name.toLowerCase()));
  for (const [name, value] of attachments) {
    const lower = name.toLowerCase();
    if (isReserved(lower) || NOT_SENT.has(lower) || taken.has(lower)) continue;
    if (value === null || typeof value === "object" || !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/.test(name)) continue;
    taken.add(lower);
    fields.push([name, toField(name, String(value))]);
  }
}

function bodyOf(inBody: readonly (readonly [string, Value])[], call: RestCall): JsonNode {
  if (inBody.length === 1) return jsonOf(inBody[0]![1], call);
  const members: JsonObject = new Map();
  for (const [name, value] of inBody) members.set(name, jsonOf(value, call));
  return members;
}

function jsonOf(value: Value, { dates, generic, isBean }: RestCall): JsonNode {
  const json = valueToJson(value, { longs: "digits", dates, isBean, maxChars: MAX_BODY_CHARS });
  return generic ? withoutClasses(json) : json;
}

/** Without the entries `class` with which generic calls name the classes of their maps. */
function withoutClasses(node: JsonNode): JsonNode {
  if (Array.isArray(node)) return node.map(withoutClasses);
  if (!(node instanceof Map)) return node;
  const members: JsonObject = new Map();
  for (const [name, member] of node) {
    if (name !== "class" || typeof member !== "string") members.set(name, withoutClasses(member));
  }
  return members;
}

/** A scalar as text, a list's elements, none for null. */
function textsOf(parameter: RestParameter, value: Value, call: RestCall): string[] {
  const json = valueToJson(value, { longs: "digits", dates: call.dates });
  if (json === null) return [];
  if (isContainer(value) && value.type === "list" && Array.isArray(json)) {
    return json.filter((item) => item !== null).map((item) => textOf(parameter, item));
  }
  return [textOf(parameter, json)];
}

function textOf({ name, in: place }: RestParameter, json: JsonNode): string {
  if (typeof json === "string") return json;
  if (typeof json === "boolean") return String(json);
  if (json instanceof JsonNumber) return json.text;
  throw refused(
    `argument ${name} is ${Array.isArray(json) ? "a list of lists" : "an object"}, which a ${place} cannot carry`,
  );
}

function refused(message: string): CallError {
  return new CallError("invalid_argument", "undecodable", message);
}
