/**
 * HTTP/2 frames (RFC 9113 sections 4 and 6).
 *
 * | octets | field |
 * |---|---|
 * | 0-2 | length of the payload |
 * | 3 | type |
 * | 4 | flags |
 * | 5-8 | one reserved bit, then the stream's number |
 */
import { ProtocolError } from "../../base/errors.ts";

/** Octets before each payload. */
export const HEAD_BYTES = 9;
/** What a client says first, before its SETTINGS. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
/** The window of the connection and of each stream before anything is said. */
export const DEFAULT_WINDOW = 65_535;
/** The largest window. */
export const MAX_WINDOW = 0x7fffffff;

/** Frame types. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags; 1 is the end of the stream for DATA and HEADERS, the acknowledgement for SETTINGS and PING. */
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** Numbers of SETTINGS. */
export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** Error codes of RST_STREAM and GOAWAY (RFC 9113 section 7). */
export const ERROR = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSize: 6,
  refused: 7,
  cancel: 8,
  compression: 9,
  connect: 10,
  calm: 11,
  security: 12,
  http11: 13,
} as const;

/** Unsent bytes of one connection in one buffer; what was taken is never written again. */
export class Output {
  /** Where the next byte goes; only valid after `reserve`. */
  buffer: Buffer;
  at = 0;
  #start = 0;

  constructor() {
    this.buffer = Buffer.alloc(0);
  }

  /** Bytes not taken yet. */
  get length(): number {
    return this.at - this.#start;
  }

  /** Makes room for `bytes` more at `at`. */
  reserve(bytes: number): void {
    if (this.buffer.length - this.at >= bytes) return;
    const kept = this.at - this.#start;
    const room = kept + bytes <= 8192 ? 16_384 : (kept + bytes) * 2;
    const larger = Buffer.allocUnsafeSlow(room);
    this.buffer.copy(larger, 0, this.#start, this.at);
    this.buffer = larger;
    this.at = kept;
    this.#start = 0;
  }

  /** Writes a frame's head, with room for its payload made. */
  head(length: number, type: number, flags: number, stream: number): void {
    this.reserve(HEAD_BYTES + length);
    writeHead(this.buffer, this.at, length, type, flags, stream);
    this.at += HEAD_BYTES;
  }

  /** A 32-bit number; room must have been made. */
  uint32(value: number): void {
    this.at = this.buffer.writeUInt32BE(value >>> 0, this.at);
  }

  /** Copies bytes; room must have been made. */
  bytes(bytes: Uint8Array, start: number, end: number): void {
    this.buffer.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.at);
    this.at += end - start;
  }

  /** The offset of `at` from the first unsent byte: stays true when the buffer moves. */
  mark(): number {
    return this.at - this.#start;
  }

  /** The place of a mark in `buffer`. */
  place(mark: number): number {
    return this.#start + mark;
  }

  /** All unsent bytes; the caller owns them. */
  take(): Buffer {
    const taken = this.buffer.subarray(this.#start, this.at);
    this.#start = this.at;
    return taken;
  }
}

/** Writes nine octets. */
export function writeHead(
  buffer: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): void {
  buffer[at] = length >>> 16;
  buffer[at + 1] = length >>> 8;
  buffer[at + 2] = length;
  buffer[at + 3] = type;
  buffer[at + 4] = flags;
  buffer[at + 5] = stream >>> 24;
  buffer[at + 6] = stream >>> 16;
  buffer[at + 7] = stream >>> 8;
  buffer[at + 8] = stream;
}

/** Gets each whole frame: its payload is `bytes[start, end)`, valid until the next `push`. */
export type OnFrame = (bytes: Buffer, start: number, end: number, type: number, flags: number, stream: number) => void;

/** Finds frames in a stream of chunks; only a frame that a chunk cuts off is copied. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  readonly #maxFrameBytes: number;
  #held: Buffer = Buffer.alloc(0);
  #spare: Buffer = Buffer.alloc(0);
  #heldBytes = 0;

  /** `maxFrameBytes` bounds payloads, as our SETTINGS_MAX_FRAME_SIZE says. */
  constructor(onFrame: OnFrame, maxFrameBytes: number) {
    this.#onFrame = onFrame;
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Whether a frame has begun and not ended. */
  get inFrame(): boolean {
    return this.#heldBytes > 0;
  }

  /** Reports the frames that `chunk` completes. Throws `ProtocolError` for a payload over the limit. */
  push(chunk: Buffer): void {
    let at = this.#heldBytes > 0 ? this.#complete(chunk) : 0;
    while (chunk.length - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + this.#payloadBytes(chunk, at);
      if (end > chunk.length) break;
      this.#report(chunk, at, end);
      at = end;
    }
    if (at < chunk.length) this.#hold(chunk, at, chunk.length);
  }

  /** Fills up the held frame; returns how much of the chunk that took. */
  #complete(chunk: Buffer): number {
    let at = 0;
    if (this.#heldBytes < HEAD_BYTES) {
      at = Math.min(HEAD_BYTES - this.#heldBytes, chunk.length);
      this.#hold(chunk, 0, at);
      if (this.#heldBytes < HEAD_BYTES) return at;
    }
    const whole = HEAD_BYTES + this.#payloadBytes(this.#held, 0);
    const take = Math.min(whole - this.#heldBytes, chunk.length - at);
    this.#hold(chunk, at, at + take);
    if (this.#heldBytes < whole) return at + take;
    // The payload stays readable while the next cut-off frame is held: two buffers take turns.
    const full = this.#held;
    this.#held = this.#spare;
    this.#spare = full;
    this.#heldBytes = 0;
    this.#report(full, 0, whole);
    return at + take;
  }

  #hold(chunk: Buffer, start: number, end: number): void {
    const needed = this.#heldBytes + end - start;
    if (needed > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(256, needed * 2), HEAD_BYTES + this.#maxFrameBytes));
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    chunk.copy(this.#held, this.#heldBytes, start, end);
    this.#heldBytes = needed;
  }

  #payloadBytes(bytes: Buffer, at: number): number {
    const length = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
    if (length > this.#maxFrameBytes) {
      const text = `frame of ${length} bytes is over maxFrameBytes ${this.#maxFrameBytes}`;
      throw new Http2Error(ERROR.frameSize, text);
    }
    return length;
  }

  #report(bytes: Buffer, at: number, end: number): void {
    const stream = bytes.readUInt32BE(at + 5) & 0x7fffffff;
    this.#onFrame(bytes, at + HEAD_BYTES, end, bytes[at + 3], bytes[at + 4], stream);
  }
}

/** The peer broke a rule of HTTP/2; `code` is what GOAWAY says. */
export class Http2Error extends ProtocolError {
  /** One of {@link ERROR}. */
  readonly code: number;

  constructor(code: number, message: string) {
    super("http2", message);
    this.code = code;
  }
}
