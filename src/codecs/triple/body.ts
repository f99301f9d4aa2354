/**
 * The wrapper in which Triple carries values that are no protobuf messages.
 *
 * | field | TripleRequestWrapper | TripleResponseWrapper |
 * |---|---|---|
 * | 1 | string serializeType: `hessian4` (Java), `hessian2` (dubbo-go), `fastjson2`, `msgpack`, ... | the same |
 * | 2 | repeated bytes args: each a stream of its own | bytes data: the value, or the Throwable |
 * | 3 | repeated string argTypes, as `Class.getName()` has them | string type: the declared one |
 *
 * Fields may come in any order, others are passed over. For a method that answers with a stream Java's consumers name the observer's type,
 * too, which has no arg. Reference: triple_wrapper.proto of Apache Dubbo 3.3.
 */
import { ProtocolError } from "../../base/errors.ts";
import { descriptorOf, type JavaType, parseDescriptors, parseJavaType, printJavaType } from "../java-types.ts";
import { type BytesField, encodeFields, FieldCursor, WIRE_BYTES } from "./protobuf.ts";

/** The JVM's own bound on a method's parameters. */
export const MAX_ARGUMENTS = 255;

const OBSERVER = ".StreamObserver";
/** The formats that peers name; others may be registered there and are carried all the same. */
export const SERIALIZE_TYPES: readonly string[] = [
  "hessian4",
  "hessian2",
  "fastjson2",
  "fastjson",
  "json",
  "gson",
  "jackson",
  "msgpack",
  "kryo",
  "fst",
  "java",
  "compactedjava",
  "nativejava",
  "avro",
  "protobuf",
  "protobuf-json",
  "protostuff",
];

/** A call's arguments as the wrapper has them; `args` belong to `argTypes` one to one. */
export interface RequestWrapper {
  readonly serializeType: string;
  readonly args: readonly Uint8Array[];
  readonly argTypes: readonly string[];
}

/** A call's answer as the wrapper has it. */
export interface ResponseWrapper {
  /** Empty where the callee left it out. */
  readonly serializeType: string;
  readonly data: Uint8Array;
  /** Declared return type, `void` included; of exceptions too. */
  readonly type: string;
}

/**
 * Reads a request's wrapper from `bytes[start, end)`; `args` are borrowed from there. Throws ProtocolError("triple", ...)
 * when it is none: no serializeType, more than {@link MAX_ARGUMENTS}, or another count of args than of types; an observer's type is left out.
 */
export function decodeRequestWrapper(bytes: Buffer, start = 0, end = bytes.length): RequestWrapper {
  const cursor = new FieldCursor(bytes, start, end);
  let serializeType = "";
  const args: Uint8Array[] = [];
  const argTypes: string[] = [];
  while (cursor.next()) {
    if (cursor.wire !== WIRE_BYTES) continue;
    if (cursor.field === 1) serializeType = cursor.text();
    else if (cursor.field === 2) args.push(cursor.content());
    else if (cursor.field === 3) argTypes.push(cursor.text());
    if (args.length > MAX_ARGUMENTS || argTypes.length > MAX_ARGUMENTS) {
      throw new ProtocolError("triple", `triple wrapper of more than ${MAX_ARGUMENTS} arguments`, cursor.start);
    }
  }
  if (serializeType === "") throw new ProtocolError("triple", "triple wrapper without serializeType", start);
  if (argTypes.length === args.length + 1 && isObserver(argTypes.at(-1)!)) argTypes.pop();
  if (args.length !== argTypes.length) {
    throw new ProtocolError("triple", `triple wrapper of ${args.length} args and ${argTypes.length} argTypes`, start);
  }
  return { serializeType, args, argTypes };
}

/** A request's wrapper in bytes, all args before all types, as Java and Go write it. */
export function encodeRequestWrapper(wrapper: RequestWrapper): Buffer {
  const fields: BytesField[] = [[1, wrapper.serializeType]];
  for (const arg of wrapper.args) fields.push([2, arg]);
  for (const type of wrapper.argTypes) fields.push([3, type]);
  return encodeFields(fields);
}

/** Reads an answer's wrapper from `bytes[start, end)`; `data` is borrowed. Throws ProtocolError("triple", ...) on what is no protobuf. */
export function decodeResponseWrapper(bytes: Buffer, start = 0, end = bytes.length): ResponseWrapper {
  const cursor = new FieldCursor(bytes, start, end);
  let serializeType = "";
  let data: Uint8Array = bytes.subarray(start, start);
  let type = "";
  while (cursor.next()) {
    if (cursor.wire !== WIRE_BYTES) continue;
    if (cursor.field === 1) serializeType = cursor.text();
    else if (cursor.field === 2) data = cursor.content();
    else if (cursor.field === 3) type = cursor.text();
  }
  return { serializeType, data, type };
}

/** An answer's wrapper in bytes; empty fields are left out, as protobuf does. */
export function encodeResponseWrapper(wrapper: ResponseWrapper): Buffer {
  const fields: BytesField[] = [
    [1, wrapper.serializeType],
    [2, wrapper.data],
    [3, wrapper.type],
  ];
  return encodeFields(fields.filter(([, content]) => content.length > 0));
}

/**
 * Whether a message looks like a request's wrapper: a known serializeType first, nothing but its three fields, as many args
 * as types. A protobuf message of the callee's own can look so too: metadata, where there is any, is to be asked first.
 */
export function looksWrapped(bytes: Buffer, start = 0, end = bytes.length): boolean {
  // The first field's tag tells nearly every other message apart without a throw.
  if (start >= end || bytes[start] !== 0x0a) return false;
  try {
    const cursor = new FieldCursor(bytes, start, end);
    let args = 0;
    let types = 0;
    let last = "";
    for (let first = true; cursor.next(); first = false) {
      if (cursor.wire !== WIRE_BYTES || cursor.field > 3) return false;
      if ((cursor.field === 1) !== first) return false;
      if (first && !(cursor.stop - cursor.start <= 32 && SERIALIZE_TYPES.includes(cursor.text()))) return false;
      if (cursor.field === 2) args++;
      else if (cursor.field === 3) {
        if (++types > MAX_ARGUMENTS + 1) return false;
        last = cursor.text();
      }
    }
    if (types === args + 1 && isObserver(last)) types--;
    return args === types && args <= MAX_ARGUMENTS;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

/**
 * For a message that {@link looksWrapped} says no to: throws ProtocolError("triple", ...) with what is wrong where it begins as a wrapper does, by a
 * known serializeType, and is a broken one. Nothing can be told of others.
 */
export function refuseBrokenWrapper(bytes: Buffer): void {
  const stop = 2 + (bytes[1] ?? 0);
  if (bytes[0] !== 0x0a || stop > bytes.length || stop > 34) return;
  if (SERIALIZE_TYPES.includes(bytes.latin1Slice(2, stop))) decodeRequestWrapper(bytes);
}

/** Whether a request's wrapper is of a method that answers with a stream, as Java's consumers write it: the observer's type is its end. */
export function namesObserver(bytes: Buffer): boolean {
  return isObserver(bytes.toString("latin1", Math.max(0, bytes.length - OBSERVER.length)));
}

function isObserver(type: string): boolean {
  return type.endsWith(OBSERVER);
}

/** Whether values under this name are Hessian 2 as Dubbo2 has it. */
export function isHessian(serializeType: string): boolean {
  return serializeType === "hessian4" || serializeType === "hessian2";
}

/** A descriptor's types as argTypes name them: `Ljava/lang/String;[I[La/B;` is `java.lang.String`, `[I`, `[La.B;`. Throws ProtocolError("java", ...). */
export function argTypesOf(descriptor: string): string[] {
  return parseDescriptors(descriptor).map(classNameOf);
}

/** The descriptor of argTypes. Takes the forms of source (`long[]`) too, which other languages send. Throws ProtocolError("java", ...). */
export function descriptorOfArgTypes(argTypes: readonly string[]): string {
  return argTypes.map((name) => descriptorOf(parseJavaType(name))).join("");
}

/** A type as `Class.getName()` has it. */
export function classNameOf(type: JavaType): string {
  return type.name === "[]" ? descriptorOf(type).replace(/\//g, ".") : printJavaType({ name: type.name, args: [] });
}
