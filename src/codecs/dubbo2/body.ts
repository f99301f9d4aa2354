/**
 * Bodies in Hessian2, whole: requests for a client, answers both ways.
 *
 * | kind (first value under status 20) | then |
 * |---|---|
 * | 0 exception, 3 with attachments | Throwable (, map) |
 * | 1 value, 4 with attachments | value (, map) |
 * | 2 null or void, 5 with attachments | nothing (, map) |
 *
 * Reference: DubboCodec, DecodeableRpcResult and Version of Apache Dubbo 2.6 to 3.3. Requests: see head.ts.
 */
import { ProtocolError } from "../../base/errors.ts";
import { Hessian2Reader } from "../hessian2/reader.ts";
import { Hessian2Writer } from "../hessian2/writer.ts";
import { type MapValue, mapValue, type Value } from "../value.ts";
import { decodeErrorText } from "./answer.ts";
import {
  encodeFrame,
  FASTJSON2,
  FLAG_REQUEST,
  FLAG_TWO_WAY,
  HEADER_BYTES,
  HESSIAN2,
  idHigh,
  idLow,
  serializationId,
  status as statusOf,
} from "./frame.ts";
import { asDubbo2 } from "./head.ts";
import { OK } from "./status.ts";

/** The Dubbo protocol version that current SDKs send; callees answer it with attachments. */
export const PROTOCOL_VERSION = "2.0.2";

/** A request to encode. Strings of the service go to every place where callees read them. */
export interface RequestParts {
  readonly idHigh: number;
  readonly idLow: number;
  /** False for a call that wants no answer. */
  readonly twoWay: boolean;
  readonly interface: string;
  /** Path it is exported under; the interface unless given. */
  readonly path?: string;
  /** `""` for none. */
  readonly group: string;
  /** `""` for none. */
  readonly version: string;
  readonly method: string;
  /** Parameter types, JVM style. */
  readonly descriptor: string;
  readonly args: readonly Value[];
  /** Further attachments: values are strings unless the callee expects otherwise. */
  readonly attachments: Readonly<Record<string, Value>>;
}

/** A whole request frame in Hessian2, as a 2.7 or 3.x consumer writes it. Throws `ProtocolError` for arguments over the writer's limits. */
export function encodeRequest(parts: RequestParts): Buffer {
  const version = parts.version === "" ? "0.0.0" : parts.version;
  const attachments: Record<string, Value> = {
    path: parts.path ?? parts.interface,
    interface: parts.interface,
    version,
    ...(parts.group === "" ? {} : { group: parts.group }),
    ...parts.attachments,
  };
  try {
    const writer = new Hessian2Writer();
    writer
      .writeString(PROTOCOL_VERSION)
      .writeString(parts.path ?? parts.interface)
      .writeString(version);
    writer.writeString(parts.method).writeString(parts.descriptor);
    for (const arg of parts.args) writer.writeValue(arg);
    writer.writeValue(mapValue(Object.entries(attachments)));
    const flags = FLAG_REQUEST | (parts.twoWay ? FLAG_TWO_WAY : 0) | HESSIAN2;
    return encodeFrame({ flags, status: 0, idHigh: parts.idHigh, idLow: parts.idLow }, writer.takeOutput());
  } catch (error) {
    throw asDubbo2(error);
  }
}

/** A callee's answer under status 20. */
export interface Outcome {
  readonly type: "value" | "exception";
  /** The value (null for void), or the Throwable. */
  readonly value: Value;
  /** Left out: a kind without attachments. Callees choose by {@link supportsResponseAttachments}. */
  readonly attachments?: Readonly<Record<string, Value>>;
}

/** A whole status-20 frame in Hessian2. */
export function encodeOutcome(idHigh: number, idLow: number, outcome: Outcome): Buffer {
  const plain = outcome.type === "exception" ? 0 : outcome.value === null ? 2 : 1;
  try {
    const writer = new Hessian2Writer().writeInt(outcome.attachments === undefined ? plain : plain + 3);
    if (plain !== 2) writer.writeValue(outcome.value);
    if (outcome.attachments !== undefined) writer.writeValue(mapValue(Object.entries(outcome.attachments)));
    return encodeFrame({ flags: HESSIAN2, status: OK, idHigh, idLow }, writer.takeOutput());
  } catch (error) {
    throw asDubbo2(error);
  }
}

/** An answer, decoded. */
export interface Response {
  readonly idHigh: number;
  readonly idLow: number;
  readonly status: number;
  readonly serialization: number;
  /** `error`: a status other than 20, with its text. */
  readonly type: "value" | "exception" | "error";
  readonly value: Value;
  /** Of errors only; else `""`. */
  readonly text: string;
  /** Null where the answer has none. */
  readonly attachments: MapValue | null;
}

/**
 * Decodes the answer frame at `bytes[offset, end)`; what stands behind its parts is ignored, as Java does (dubbo-go writes an
 * extra `4e`). Throws `ProtocolError("dubbo2", ...)` on a malformed body, an unknown kind, or a status-20 body that is not Hessian2.
 */
export function decodeResponse(bytes: Buffer, offset: number, end: number): Response {
  const serialization = serializationId(bytes, offset);
  const status = statusOf(bytes, offset);
  const head = { idHigh: idHigh(bytes, offset), idLow: idLow(bytes, offset), status, serialization };
  const start = offset + HEADER_BYTES;
  try {
    if (status !== OK) {
      const text = decodeErrorText(bytes, start, end, serialization);
      return { ...head, type: "error", value: null, text, attachments: null };
    }
    if (serialization !== HESSIAN2) {
      throw new ProtocolError("dubbo2", `answer in serialization ${serialization}, only hessian2 (2) is read`, start);
    }
    const reader = new Hessian2Reader().reset(bytes, start, end);
    const kind = reader.readInt();
    if (kind < 0 || kind > 5) throw new ProtocolError("dubbo2", `answer of unknown kind ${kind}`, start);
    const value = kind % 3 === 2 ? null : reader.readValue();
    const attachments = kind >= 3 && !reader.done ? reader.readValue() : null;
    if (
      attachments !== null &&
      (typeof attachments !== "object" || !("type" in attachments) || attachments.type !== "map")
    ) {
      throw new ProtocolError("dubbo2", "answer's attachments are no map", start);
    }
    return { ...head, type: kind % 3 === 0 ? "exception" : "value", value, text: "", attachments };
  } catch (error) {
    throw asDubbo2(error);
  }
}

/**
 * Kind of a status-20 body from its raw bytes, 0 to 5, in hessian2 and fastjson2; -1 where it can't be told (an error frame,
 * a serialization that is only carried, an unknown kind). `offset` is the frame's first byte, `end` its end.
 */
export function responseKind(bytes: Uint8Array, offset: number, end: number): number {
  if (statusOf(bytes, offset) !== OK) return -1;
  const start = offset + HEADER_BYTES;
  let kind = -1;
  const serialization = serializationId(bytes, offset);
  if (serialization === HESSIAN2 && start < end) kind = bytes[start]! - 0x90;
  else if (serialization === FASTJSON2 && start + 6 <= end && bytes[start + 4] === 0xbd) kind = bytes[start + 5]!;
  return kind >= 0 && kind <= 5 ? kind : -1;
}

/** Whether a status-20 frame carries an exception of the callee's code; false where that can't be told. */
export function isException(bytes: Uint8Array, offset: number, end: number): boolean {
  const kind = responseKind(bytes, offset, end);
  return kind === 0 || kind === 3;
}

/**
 * Whether Java answers a request of this protocol version with attachments (kinds 3 to 5): versions 2.0.2 to 2.0.99, read as
 * Java's Version does, by the digits that each part starts with. dubbo-go has another window, so a reader takes all six kinds.
 */
export function supportsResponseAttachments(protocolVersion: string): boolean {
  const parts = protocolVersion.split(".");
  let number = 0;
  for (const part of parts) {
    const digits = /^\d{1,9}/.exec(part)?.[0];
    if (digits === undefined) return false;
    number = number * 100 + Number(digits);
  }
  if (parts.length === 3) number *= 100;
  return number >= 2_000_200 && number <= 2_009_900;
}
