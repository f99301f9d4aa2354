/**
 * The envelope of every message of Nacos' gRPC services (`/Request/request`, `/BiRequestStream/requestBiStream`), protobuf:
 *
 *     Payload   2 metadata: Metadata    3 body: google.protobuf.Any
 *     Metadata  3 type: text            7 headers: map of text    8 clientIp: text
 *     Any       1 type_url: empty       2 value: JSON of the message that `type` names
 *
 * Fields that come twice count as the last; others are stepped over. Reference: alibaba/nacos api/src/main/proto/nacos_grpc_service.proto.
 */
import { ProtocolError } from "../../base/errors.ts";

/** One message in its envelope. */
export interface NacosPayload {
  /** Simple name of the Java class: `SubscribeServiceRequest`. */
  readonly type: string;
  /** `app`, `accessToken` and the like; keys as they came. */
  readonly headers: ReadonlyMap<string, string>;
  readonly clientIp: string;
  /** JSON, not looked into; a view of what it was decoded from. */
  readonly body: Uint8Array;
}

/** What an envelope may hold. */
export interface PayloadLimits {
  /** Bytes of the body; default 32 Mi: a list of 100,000 instances has less. */
  readonly maxBodyBytes?: number;
  /** Headers, and bytes of all their keys and values; default 256 and 64 Ki. */
  readonly maxHeaders?: number;
  readonly maxHeaderBytes?: number;
}

const DEFAULTS = { maxBodyBytes: 32 * 1024 * 1024, maxHeaders: 256, maxHeaderBytes: 64 * 1024 };
/** Longest type and client IP, bytes. */
const MAX_NAME_BYTES = 512;
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Decodes one envelope, all of `bytes`. Throws `ProtocolError` for what is no envelope, has no type, or is over a limit. */
export function decodePayload(bytes: Uint8Array, limits: PayloadLimits = {}): NacosPayload {
  const { maxBodyBytes, maxHeaders, maxHeaderBytes } = { ...DEFAULTS, ...limits };
  let type = "";
  let clientIp = "";
  let headerBytes = 0;
  let body: Uint8Array = new Uint8Array(0);
  const headers = new Map<string, string>();
  for (const field of fieldsOf(bytes, 0)) {
    if (field.number === 3) {
      for (const part of fieldsOf(field.value, field.offset)) {
        if (part.number !== 2) continue;
        if (part.value.length > maxBodyBytes)
          throw fault(`nacos body of ${part.value.length} bytes is over maxBodyBytes ${maxBodyBytes}`, part.offset);
        body = part.value;
      }
      continue;
    }
    if (field.number !== 2) continue;
    for (const part of fieldsOf(field.value, field.offset)) {
      if (part.number === 3) type = nameOf(part, "type");
      else if (part.number === 8) clientIp = nameOf(part, "client ip");
      else if (part.number === 7) {
        headerBytes += part.value.length;
        if (headers.size >= maxHeaders)
          throw fault(`nacos headers are more than maxHeaders ${maxHeaders}`, part.offset);
        if (headerBytes > maxHeaderBytes)
          throw fault(`nacos headers of ${headerBytes} bytes are over maxHeaderBytes ${maxHeaderBytes}`, part.offset);
        const [key, value] = entryOf(part);
        headers.set(key, value);
      }
    }
  }
  if (type === "") throw fault("nacos payload has no type", 0);
  return { type, headers, clientIp, body };
}

/** Encodes an envelope; `body` text is JSON. Headers, client IP and an empty body are left out where they are empty. */
export function encodePayload(payload: {
  readonly type: string;
  readonly headers?: Iterable<readonly [string, string]>;
  readonly clientIp?: string;
  readonly body: Uint8Array | string;
}): Buffer {
  const metadata: Uint8Array[] = [textField(3, payload.type)];
  for (const [key, value] of payload.headers ?? [])
    metadata.push(bytesField(7, Buffer.concat([textField(1, key), textField(2, value)])));
  if (payload.clientIp !== undefined && payload.clientIp !== "") metadata.push(textField(8, payload.clientIp));
  const body = typeof payload.body === "string" ? Buffer.from(payload.body) : payload.body;
  const any = body.length === 0 ? Buffer.alloc(0) : bytesField(2, body);
  return Buffer.concat([bytesField(2, Buffer.concat(metadata)), bytesField(3, any)]);
}

interface Field {
  readonly number: number;
  /** Empty for fields that are no bytes. */
  readonly value: Uint8Array;
  /** Of the value, in the whole message. */
  readonly offset: number;
}

const NOTHING = new Uint8Array(0);

function* fieldsOf(bytes: Uint8Array, base: number): Iterable<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= bytes.length) throw fault("nacos payload ends within a number", base + at);
      const byte = bytes[at++]!;
      // Above 2^53 it is not exact; what a length may be is far below.
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw fault("nacos payload has a number of more than ten bytes", base + at);
  };
  const step = (length: number): Uint8Array => {
    if (length > bytes.length - at)
      throw fault(`nacos payload has a field of ${length} bytes where ${bytes.length - at} are left`, base + at);
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const start = base + at;
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (number === 0 || tag > 0xffffffff) throw fault(`nacos payload has no field ${number}`, start);
    const kind = tag % 8;
    if (kind === BYTES) {
      const length = varint();
      const offset = base + at;
      yield { number, value: step(length), offset };
      continue;
    }
    if (kind === VARINT) varint();
    else if (kind === FIXED64) step(8);
    else if (kind === FIXED32) step(4);
    else throw fault(`nacos payload has a field of unknown kind ${kind}`, start);
    yield { number, value: NOTHING, offset: base + at };
  }
}

function entryOf({ value, offset }: Field): readonly [string, string] {
  let key = "";
  let text = "";
  for (const part of fieldsOf(value, offset)) {
    if (part.number === 1) key = utf8(part);
    else if (part.number === 2) text = utf8(part);
  }
  return [key, text];
}

function nameOf(field: Field, what: string): string {
  const { length } = field.value;
  if (length > MAX_NAME_BYTES) throw fault(`nacos ${what} of ${length} bytes is over ${MAX_NAME_BYTES}`, field.offset);
  return utf8(field);
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function utf8({ value, offset }: Field): string {
  try {
    return decoder.decode(value);
  } catch {
    throw fault("nacos payload has a text that is no utf-8", offset);
  }
}

function textField(number: number, text: string): Buffer {
  return bytesField(number, Buffer.from(text));
}

function bytesField(number: number, value: Uint8Array): Buffer {
  const head = [(number << 3) | BYTES];
  let length = value.length;
  for (; length > 0x7f; length = Math.floor(length / 128)) head.push((length % 128) | 0x80);
  head.push(length);
  return Buffer.concat([Uint8Array.from(head), value]);
}

function fault(message: string, offset: number): ProtocolError {
  return new ProtocolError("nacos", message, offset);
}
