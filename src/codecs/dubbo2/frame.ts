/**
 * Dubbo2's frame header: 16 bytes, big-endian, the same both ways; then the body.
 *
 * | offset | bytes | field |
 * |---|---|---|
 * | 0 | 2 | magic `da bb` |
 * | 2 | 1 | flags: 80 request, 40 two-way, 20 event, 1f serialization id of the body |
 * | 3 | 1 | status (answers; requests leave 00) |
 * | 4 | 8 | request id, opaque: two 32-bit halves here, never one JS number |
 * | 12 | 4 | body length, signed in Java |
 *
 * An event's body is null (heartbeat), "R" (readonly) or "W" (writeable) in the body's serialization:
 *
 * | event | direction | hessian2 body | fastjson2 body |
 * |---|---|---|---|
 * | heartbeat, two-way | both | `4e` | `00000001 af` |
 * | heartbeat answer, status 20, same id | both | `4e` | `00000001 af` |
 * | readonly, one-way | server to client | `01 52` | `00000002 4a52` |
 * | writeable, one-way, 3.x | server to client | `01 57` | `00000002 4a57` |
 *
 * Reference: ExchangeCodec, Request, Response, CodecSupport and HeaderExchangeHandler of Apache Dubbo 2.7 and 3.3. All functions take the offset of
 * the frame's first byte and read no further than its header; the caller checks that 16 bytes are there.
 */

/** Bytes before the body. */
export const HEADER_BYTES = 16;
/** First two bytes of every frame. */
export const MAGIC = 0xdabb;
/** Flag bit: request; clear in an answer. */
export const FLAG_REQUEST = 0x80;
/** Flag bit: the sender waits for an answer. Means nothing on answers: dubbo-js sets it in its heartbeat answers too. */
export const FLAG_TWO_WAY = 0x40;
/** Flag bit: heartbeat, readonly or writeable instead of a call. */
export const FLAG_EVENT = 0x20;
/** The five bits of the flag byte that name the body's serialization. */
export const SERIALIZATION_MASK = 0x1f;
/** Dubbo's own bound on an event's body (`deserialization.event.size`). */
export const MAX_EVENT_BYTES = 15;
/** Dubbo's default `payload`: largest body, bytes. */
export const DEFAULT_MAX_BODY_BYTES = 8_388_608;

/** Serialization that is read and written in full. */
export const HESSIAN2 = 2;
/** Default body format between 3.2 peers; only carried so far. */
export const FASTJSON2 = 23;

const SERIALIZATION_NAMES: readonly (string | undefined)[] = Object.assign(
  new Array<string | undefined>(32).fill(undefined),
  {
    2: "hessian2",
    3: "java",
    4: "compactedjava",
    6: "fastjson",
    7: "nativejava",
    8: "kryo",
    9: "fst",
    10: "native-hessian",
    11: "avro",
    12: "protostuff",
    16: "gson",
    18: "jackson",
    21: "protobuf-json",
    22: "protobuf",
    23: "fastjson2",
    25: "kryo2",
    27: "msgpack",
    28: "fury",
    31: "custom",
  },
);

/** Dubbo's name of a serialization id (0 to 31); `serialization-N` where it has none. */
export function serializationName(id: number): string {
  return SERIALIZATION_NAMES[id] ?? `serialization-${id}`;
}

/** Whether a frame starts here; needs two bytes. */
export function isMagic(bytes: Uint8Array, offset: number): boolean {
  return bytes[offset] === 0xda && bytes[offset + 1] === 0xbb;
}

/** The flag byte. */
export function flags(bytes: Uint8Array, offset: number): number {
  return bytes[offset + 2]!;
}

/** Whether the frame is a request (a call or an event that asks), either direction of the connection. */
export function isRequest(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset + 2]! & FLAG_REQUEST) !== 0;
}

/** Whether a request wants an answer. */
export function isTwoWay(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset + 2]! & FLAG_TWO_WAY) !== 0;
}

/** Whether the frame is an event, not a call. */
export function isEvent(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset + 2]! & FLAG_EVENT) !== 0;
}

/** Serialization id of this frame's body, 0 to 31. */
export function serializationId(bytes: Uint8Array, offset: number): number {
  return bytes[offset + 2]! & SERIALIZATION_MASK;
}

/** The status byte; status.ts says what each means. */
export function status(bytes: Uint8Array, offset: number): number {
  return bytes[offset + 3]!;
}

/** Upper half of the request id, unsigned. */
export function idHigh(bytes: Uint8Array, offset: number): number {
  return readUint32(bytes, offset + 4);
}

/** Lower half of the request id, unsigned. */
export function idLow(bytes: Uint8Array, offset: number): number {
  return readUint32(bytes, offset + 8);
}

/** Bytes after the header; negative where the peer's 32-bit number is (always a fault). */
export function bodyLength(bytes: Uint8Array, offset: number): number {
  return (bytes[offset + 12]! << 24) | (bytes[offset + 13]! << 16) | (bytes[offset + 14]! << 8) | bytes[offset + 15]!;
}

/** Replaces the request id in place: all that carrying a frame needs. */
export function writeId(bytes: Uint8Array, offset: number, high: number, low: number): void {
  writeUint32(bytes, offset + 4, high);
  writeUint32(bytes, offset + 8, low);
}

/** Replaces the body length in place. */
export function writeBodyLength(bytes: Uint8Array, offset: number, length: number): void {
  writeUint32(bytes, offset + 12, length);
}

/** What a header says; ids as two unsigned halves. */
export interface FrameHeader {
  readonly flags: number;
  readonly status: number;
  readonly idHigh: number;
  readonly idLow: number;
  readonly bodyLength: number;
}

/** Writes the 16 bytes of a header at `offset`. */
export function writeHeader(bytes: Uint8Array, offset: number, header: FrameHeader): void {
  bytes[offset] = 0xda;
  bytes[offset + 1] = 0xbb;
  bytes[offset + 2] = header.flags;
  bytes[offset + 3] = header.status;
  writeId(bytes, offset, header.idHigh, header.idLow);
  writeBodyLength(bytes, offset, header.bodyLength);
}

/** A whole frame in one new buffer: header with the body's true length, then a copy of the body. */
export function encodeFrame(header: Omit<FrameHeader, "bodyLength">, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  writeHeader(frame, 0, { ...header, bodyLength: body.length });
  frame.set(body, HEADER_BYTES);
  return frame;
}

/** `value` printed as the signed 64-bit decimal that Java shows for a request id; for logs and listings. */
export function printId(high: number, low: number): string {
  return BigInt.asIntN(64, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString();
}

/** What an event frame tells. `unknown`: a sign of life and nothing more. */
export type EventKind = "heartbeat" | "readonly" | "writeable" | "unknown";

const READONLY = 0x52;
const WRITEABLE = 0x57;

/**
 * Tells events apart by their bytes, never by decoding; `bodyEnd` is where the frame ends.
 * A body format that is only carried is judged by what Dubbo sends: heartbeats are two-way, readonly and writeable are not.
 */
export function eventKind(bytes: Uint8Array, offset: number, bodyEnd: number): EventKind {
  const start = offset + HEADER_BYTES;
  const length = bodyEnd - start;
  switch (serializationId(bytes, offset)) {
    case HESSIAN2:
      // dubbo-go writes one more 4e behind every body.
      if (length > 0 && bytes[start] === 0x4e) return "heartbeat";
      return length >= 2 && bytes[start] === 0x01 ? letterKind(bytes[start + 1]!) : "unknown";
    case FASTJSON2:
      if (length >= 5 && bytes[start + 3] === 0x01 && bytes[start + 4] === 0xaf) return "heartbeat";
      return length >= 6 && bytes[start + 3] === 0x02 && bytes[start + 4] === 0x4a
        ? letterKind(bytes[start + 5]!)
        : "unknown";
    default:
      if (isTwoWay(bytes, offset)) return "heartbeat";
      for (let at = start; at < bodyEnd; at++) {
        const kind = letterKind(bytes[at]!);
        if (kind !== "unknown") return kind;
      }
      return "unknown";
  }
}

/** A heartbeat that asks for an answer; hessian2 unless told. */
export function encodeHeartbeat(high: number, low: number, serialization = HESSIAN2): Buffer {
  const header = {
    flags: FLAG_REQUEST | FLAG_TWO_WAY | FLAG_EVENT | serialization,
    status: 0,
    idHigh: high,
    idLow: low,
  };
  return encodeFrame(header, nullBody(serialization));
}

/**
 * The answer to the heartbeat at `offset`: its id, its serialization and its own body, so that it is right in body formats that
 * are only carried too. The caller has checked the frame's length against {@link MAX_EVENT_BYTES}.
 */
export function encodeHeartbeatAnswer(bytes: Uint8Array, offset: number, bodyEnd: number): Buffer {
  const header = {
    flags: FLAG_EVENT | (flags(bytes, offset) & SERIALIZATION_MASK),
    status: 20,
    idHigh: idHigh(bytes, offset),
    idLow: idLow(bytes, offset),
  };
  return encodeFrame(header, bytes.subarray(offset + HEADER_BYTES, bodyEnd));
}

/** "No new calls on this connection": clients choose another address and let calls in flight end. Hessian2 or fastjson2. */
export function encodeReadonly(serialization = HESSIAN2): Buffer {
  return encodeLetter(READONLY, serialization);
}

/** Takes {@link encodeReadonly} back; understood by 3.x only. */
export function encodeWriteable(serialization = HESSIAN2): Buffer {
  return encodeLetter(WRITEABLE, serialization);
}

function encodeLetter(letter: number, serialization: number): Buffer {
  const body = serialization === FASTJSON2 ? [0, 0, 0, 2, 0x4a, letter] : [1, letter];
  const id = serialization === FASTJSON2 ? FASTJSON2 : HESSIAN2;
  return encodeFrame({ flags: FLAG_REQUEST | FLAG_EVENT | id, status: 0, idHigh: 0, idLow: 0 }, Uint8Array.from(body));
}

function letterKind(letter: number): EventKind {
  return letter === READONLY ? "readonly" : letter === WRITEABLE ? "writeable" : "unknown";
}

/** Null in hessian2 and fastjson2; nothing in the others, which is what Dubbo sends where a serializer cannot write null. */
function nullBody(serialization: number): Uint8Array {
  if (serialization === HESSIAN2) return Uint8Array.of(0x4e);
  if (serialization === FASTJSON2) return Uint8Array.of(0, 0, 0, 1, 0xaf);
  return new Uint8Array(0);
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
