import { CallError, ProtocolError } from "../../base/errors.ts";
import { type JsonNode, parseJson } from "../../codecs/json-text.ts";
import { grpcMethodOfJava, grpcServiceOf } from "../../codecs/protobuf/service.ts";
import { decodeRequestWrapper, isHessian, looksWrapped } from "../../codecs/triple/body.ts";
import { FASTJSON2_TYPE, jsonbOf } from "../../codecs/triple/fastjson2.ts";
import type { CallHead } from "../../codecs/triple/head.ts";
import { WrapperView } from "../../codecs/triple/wrapper-view.ts";
import { type MapValue, mapValue, type Value } from "../../codecs/value.ts";
import type { ServiceSchema } from "../../model/schema.ts";
import type { SerializationCheck } from "../authz/serialization.ts";
import { inflated } from "../bridge/compression.ts";
import { isFramed } from "./readings.ts";

/** Keys by which JSON names a Java class: of generic calls, of descriptors of beans, and of fastjson's own. */
const CLASS_KEYS = new Set(["class", "className", "@type"]);

/** A message of a Triple call, and what is known of the call. */
export interface SeenMessage {
  readonly head: CallHead;
  /** Attachment `generic`. */
  readonly generic: string | undefined;
  readonly schema: ServiceSchema | undefined;
  /** Without its envelope. */
  readonly message: Buffer;
  readonly compressed: boolean;
  readonly maxBytes: number;
  /** The path's query and the content's type, of calls over plain HTTP. */
  readonly query: string;
  readonly contentType: string;
}

/**
 * Why a message of a Triple call may not go on to where a guard stands; undefined where it may. One that is in none of the forms that can be
 * read may not: a provider could read it. Protobuf holds no classes; it passes where the call's method is known to take it.
 */
export function messageFault(check: SerializationCheck, seen: SeenMessage): string | undefined {
  try {
    const { head, compressed, maxBytes } = seen;
    const message = compressed ? inflated(seen.message, head.encoding, maxBytes) : seen.message;
    if (isFramed(head)) return wrapperFault(check, seen, message);
    return head.kind === "json" || head.kind === "http"
      ? jsonFault(check, seen, message)
      : "calls of this content type are not read";
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof CallError) return `message can't be read: ${error.message}`;
    throw error;
  }
}

function wrapperFault(check: SerializationCheck, seen: SeenMessage, message: Buffer): string | undefined {
  const { head, generic, schema } = seen;
  if (!looksWrapped(message)) {
    if (takesProtobuf(schema, head.method)) return check.faultOfValues(message.length, () => []);
    return "message is no wrapper of Triple, and its method's protobuf types are not known";
  }
  const { serializeType, args, argTypes } = decodeRequestWrapper(message);
  const isGeneric = head.method.startsWith("$invoke");
  const fault = (isGeneric ? check.faultOfForm(generic) : undefined) ?? check.faultOfTypes(argTypes);
  if (fault !== undefined) return fault;
  if (isHessian(serializeType)) {
    const bytes = args.map((arg) => Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength));
    // Generic calls name classes in their values, too.
    const values = () => (isGeneric ? valuesOf(new WrapperView(head.method, message)) : []);
    return check.faultOfValues(message.length, values, bytes);
  }
  if (serializeType === FASTJSON2_TYPE) return check.faultOfJsonb(message.length, args.map(jsonbOf));
  return `wrapper in ${JSON.stringify(serializeType)} is not read`;
}

/** Whether the method takes protobuf, by the name that its .proto file has or by Java's. */
function takesProtobuf(schema: ServiceSchema | undefined, method: string): boolean {
  const service = grpcServiceOf(schema);
  if (service === undefined) return false;
  return service.methods.has(method) || grpcMethodOfJava(service, method) !== undefined;
}

function* valuesOf(view: WrapperView): Generator<Value> {
  for (let n = 0; ; n++) {
    const value = view.effectiveArgument(n);
    if (value === undefined) return;
    yield value;
  }
}

/**
 * Of a call over plain HTTP: JSON, or a form or query whose values may be. Providers read other forms too (Java 3.3 YAML, JSON with comments or in
 * other quotes, texts in any charset): what is not read here is refused.
 */
function jsonFault(
  check: SerializationCheck,
  { contentType, query }: SeenMessage,
  message: Buffer,
): string | undefined {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1];
  if (charset !== undefined && !/^(?:utf-?8|us-ascii)$/i.test(charset)) return `its charset ${charset} is not read`;
  const named: MapValue[] = [];
  const see = (text: string) => {
    for (const name of classesIn(parseJson(text))) named.push(mapValue([["class", name]]));
  };
  const seeValues = (pairs: string) => {
    for (const text of new URLSearchParams(pairs).values()) if (/^\s*[[{]/.test(text)) see(text);
  };
  if (/^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType)) seeValues(message.toString("utf8"));
  else if (message.length > 0) see(message.toString("utf8"));
  seeValues(query);
  return check.faultOfValues(message.length, () => named);
}

function* classesIn(root: JsonNode): Generator<string> {
  const open: JsonNode[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (Array.isArray(node)) for (const value of node) open.push(value);
    if (!(node instanceof Map)) continue;
    for (const [key, value] of node) {
      if (CLASS_KEYS.has(key) && typeof value === "string") yield value;
      open.push(value);
    }
  }
}
