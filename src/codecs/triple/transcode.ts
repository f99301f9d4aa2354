/**
 * Calls and answers between Dubbo2's Hessian2 bodies and Triple's wrapper.
 *
 * In a Dubbo2 body all arguments are one Hessian stream, with one table of references, class definitions and type names; in
 * the wrapper each argument is a stream of its own. Bytes may be moved as they are where those tables are empty before the
 * value: for every scalar, and for the first argument that is none. Later lists, maps and objects go through the value tree;
 * what two arguments share is then written once for each. The value of an answer is the first of its stream and always moved.
 */
import { ProtocolError } from "../../base/errors.ts";
import { Attachments } from "../dubbo2/attachments.ts";
import { responseKind } from "../dubbo2/body.ts";
import { HEADER_BYTES } from "../dubbo2/frame.ts";
import { asDubbo2, type RequestHead } from "../dubbo2/head.ts";
import { Hessian2Reader } from "../hessian2/reader.ts";
import { Skipper } from "../hessian2/skip.ts";
import { encodeHessian2, Hessian2Writer } from "../hessian2/writer.ts";
import { fieldOf, isContainer, isObject, mapValue, type Value } from "../value.ts";
import { argTypesOf, descriptorOfArgTypes, isHessian, type RequestWrapper, type ResponseWrapper } from "./body.ts";
import { grpcOfRpcException, UNKNOWN } from "./status.ts";
import { usesTables } from "./tables.ts";

/** The name that Java gives Hessian 2 in the wrapper. */
export const HESSIAN4 = "hessian4";

/** A Dubbo2 request's arguments and attachments for Triple. */
export interface TripleArguments {
  readonly wrapper: RequestWrapper;
  /** As they stood in the body, those included that Triple has fields of its own for. */
  readonly attachments: readonly (readonly [string, Value])[];
  /** How many arguments went through the value tree. */
  readonly decoded: number;
}

/**
 * The arguments of the scanned request `head` as a wrapper; moved ones are borrowed from its bytes. Throws
 * ProtocolError("dubbo2", ...) for a malformed body, ("java", ...) for parameter types that are none.
 */
export function wrapArguments(head: RequestHead): TripleArguments {
  const argTypes = argTypesOf(head.descriptor);
  try {
    const { bytes, bodyEnd, argsStart } = head;
    const skipper = new Skipper().reset(bytes, argsStart, bodyEnd);
    const args: Uint8Array[] = [];
    let decoded = 0;
    let fresh = true;
    for (let n = 0; n < head.argumentCount; n++) {
      const start = skipper.offset;
      skipper.skipValues(1);
      const scalar = !usesTables(bytes[start]!);
      if (scalar || fresh) args.push(bytes.subarray(start, skipper.offset));
      else {
        args.push(encodeHessian2(head.argument(n)!));
        decoded++;
      }
      if (!scalar) fresh = false;
    }
    return {
      wrapper: { serializeType: HESSIAN4, args, argTypes },
      attachments: attachmentsOf(head, argTypes.length),
      decoded,
    };
  } catch (error) {
    throw asDubbo2(error);
  }
}

function attachmentsOf(head: RequestHead, count: number): [string, Value][] {
  return textPairs(head.attachments()) ?? treeAttachments(head, count);
}

/** Names and texts of all entries; undefined where a value has no text. */
function textPairs(attachments: Attachments): [string, Value][] | undefined {
  const pairs: [string, Value][] = [];
  for (let i = 0; i < attachments.size; i++) {
    const name = attachments.keyText(i);
    const value = attachments.valueText(i);
    if (name === undefined) continue;
    if (value === undefined) return undefined;
    pairs.push([name, value]);
  }
  return pairs;
}

/** Attachments with values that have no text: bytes, objects, null. Their references span the body, so all of it is read. */
function treeAttachments(head: RequestHead, count: number): [string, Value][] {
  const values = new Hessian2Reader().reset(head.bytes, head.argsStart, head.bodyEnd).readValues(count + 1);
  return pairsOf(values[count]!);
}

function pairsOf(map: Value): [string, Value][] {
  if (!isContainer(map) || map.type !== "map") return [];
  return map.entries.filter((entry): entry is [string, Value] => typeof entry[0] === "string");
}

/** What a Dubbo2 body says beside its arguments. */
export interface Dubbo2Call {
  /** Dubbo's protocol version, as PROTOCOL_VERSION of dubbo2/body.ts. */
  readonly protocolVersion: string;
  /** Path the callee exported the service under. */
  readonly path: string;
  /** `0.0.0` for none. */
  readonly version: string;
  readonly method: string;
  readonly attachments: Iterable<readonly [string, string | Uint8Array]>;
}

/**
 * The body of a Dubbo2 request with a wrapper's arguments, and how many went through the value tree: none while one at most is
 * a list, map or object, else all. Throws ProtocolError("triple", ...) for a wrapper in another format than Hessian 2 and for
 * an argument that is not one value.
 */
export function unwrapArguments(
  call: Dubbo2Call,
  wrapper: RequestWrapper,
): { readonly body: Buffer; readonly decoded: number } {
  if (!isHessian(wrapper.serializeType)) {
    throw new ProtocolError(
      "triple",
      `wrapper in ${JSON.stringify(wrapper.serializeType)}, only hessian is translated`,
    );
  }
  try {
    const descriptor = descriptorOfArgTypes(wrapper.argTypes);
    const head = new Hessian2Writer();
    for (const text of [call.protocolVersion, call.path, call.version, call.method, descriptor]) head.writeString(text);
    let containers = 0;
    const skipper = new Skipper();
    for (const arg of wrapper.args) {
      skipper.reset(arg).skipValues(1);
      if (!skipper.done)
        throw new ProtocolError("triple", "argument of a wrapper has more than one value", skipper.offset);
      if (usesTables(arg[0]!)) containers++;
    }
    const attachments = mapValue([...call.attachments].map(([name, value]) => [name, value]));
    if (containers <= 1) {
      // Text and bytes use no table: this map may follow whatever the arguments left there.
      const tail = new Hessian2Writer().writeValue(attachments).takeOutput();
      return { body: Buffer.concat([head.takeOutput(), ...wrapper.args, tail]), decoded: 0 };
    }
    const reader = new Hessian2Reader();
    for (const arg of wrapper.args) head.writeValue(reader.reset(arg).readValue());
    return { body: head.writeValue(attachments).takeOutput(), decoded: wrapper.args.length };
  } catch (error) {
    throw asTriple(error);
  }
}

/** A Dubbo2 answer of status 20 for Triple. */
export interface TripleResult {
  readonly wrapper: ResponseWrapper;
  /** gRPC's number that the exception stands for, {@link UNKNOWN} for a callee's own; 0 for a value. */
  readonly exceptionGrpc: number;
  readonly attachments: readonly (readonly [string, Value])[];
  /** Where those start in the frame; its end where there are none. */
  readonly attachmentsAt: number;
}

const NULL_VALUE = Buffer.of(0x4e);

/**
 * The status-20 frame `bytes[offset, end)` as a wrapper whose data is borrowed from it; `type` is the method's declared return
 * type, as `Class.getName()` has it. Throws ProtocolError("dubbo2", ...) for a malformed or unknown body.
 */
export function wrapResult(bytes: Buffer, offset: number, end: number, type: string): TripleResult {
  const kind = responseKind(bytes, offset, end);
  const start = offset + HEADER_BYTES;
  if (kind < 0 || bytes[start]! !== 0x90 + kind) {
    throw new ProtocolError("dubbo2", "answer that is no value or exception in hessian2", start);
  }
  try {
    const skipper = new Skipper().reset(bytes, start + 1, end);
    if (kind % 3 !== 2) skipper.skipValues(1);
    const data = kind % 3 === 2 ? NULL_VALUE : bytes.subarray(start + 1, skipper.offset);
    const attachmentsAt = kind >= 3 ? skipper.offset : end;
    const attachments = attachmentsAt < end ? resultAttachments(bytes, start + 1, skipper, end) : [];
    const exceptionGrpc = kind % 3 === 0 ? exceptionGrpcOf(data) : 0;
    return { wrapper: { serializeType: HESSIAN4, data, type }, exceptionGrpc, attachments, attachmentsAt };
  } catch (error) {
    throw asDubbo2(error);
  }
}

const TEXT_MAPS = new Attachments();

/** Attachments at the skipper's place; the value before them is decoded only where one of them has no text. */
function resultAttachments(bytes: Buffer, valueStart: number, skipper: Skipper, end: number): [string, Value][] {
  const mapStart = skipper.offset;
  try {
    TEXT_MAPS.load(skipper, bytes, end);
    const pairs = textPairs(TEXT_MAPS);
    if (pairs !== undefined) return pairs;
  } finally {
    TEXT_MAPS.release();
  }
  const reader = new Hessian2Reader().reset(bytes, valueStart, end);
  if (mapStart > valueStart) reader.readValue();
  return pairsOf(reader.readValue());
}

/** Number of a Throwable in Hessian2: an RpcException has that of its code, every other class is the callee's own. */
function exceptionGrpcOf(data: Uint8Array): number {
  const name = Buffer.from(data.buffer, data.byteOffset, Math.min(data.length, 128)).toString("latin1");
  if (!name.includes("RpcException")) return UNKNOWN;
  const value = new Hessian2Reader().reset(data).readValue();
  if (!isObject(value) || !value.shape.name.endsWith(".RpcException")) return UNKNOWN;
  const code = fieldOf(value, "code");
  return grpcOfRpcException(typeof code === "number" ? code : 0);
}

/**
 * The kind of a Dubbo2 answer with a wrapper's data, without attachments: 0 exception, 1 value, 2 null. Throws
 * ProtocolError("triple", ...) for another format than Hessian 2 and for an exception without data.
 */
export function resultKind(wrapper: ResponseWrapper, isException: boolean): number {
  if (!isHessian(wrapper.serializeType)) {
    const text = `wrapper in ${JSON.stringify(wrapper.serializeType)}, only hessian is translated`;
    throw new ProtocolError("triple", text);
  }
  const isNull = wrapper.data.length === 0 || (wrapper.data.length === 1 && wrapper.data[0] === 0x4e);
  if (isException && isNull) throw new ProtocolError("triple", "exception of a wrapper has no data");
  return isException ? 0 : isNull ? 2 : 1;
}

function asTriple(error: unknown): unknown {
  if (!(error instanceof ProtocolError) || error.protocol === "triple") return error;
  return new ProtocolError("triple", error.message, error.offset);
}
