/**
 * Cuts a stream's bytes into gRPC messages.
 *
 * | bytes | meaning |
 * |---|---|
 * | 1 | flags: 01 compressed; 02 end of a Connect stream, 80 trailers of gRPC-Web |
 * | 4 | length of the message, unsigned, big-endian |
 * | length | the message |
 *
 * Reference: gRPC over HTTP/2, length-prefixed messages; the Connect protocol, enveloped messages.
 */
import { CallError } from "../../base/errors.ts";

/** Bytes before each message. */
export const ENVELOPE_BYTES = 5;
/** The message is compressed as the head's `grpc-encoding` says. */
export const FLAG_COMPRESSED = 0x01;
/** The message is the end of a Connect stream: JSON with the error and the trailers. */
export const FLAG_END_STREAM = 0x02;
/** The message is the trailers of gRPC-Web. */
export const FLAG_WEB_TRAILERS = 0x80;

/** Pieces from this size on are held as they came; smaller ones could keep memory alive that is many times their size. */
const SMALL_PIECE_BYTES = 4096;
const BLOCK_BYTES = 16 * 1024;

/** Takes one message, `bytes[start, end)`: borrowed from the chunk that was pushed, or joined once and the taker's own. */
export type MessageSink = (bytes: Buffer, start: number, end: number, flags: number) => void;

/** Bounds of an {@link EnvelopeSplitter}. */
export interface EnvelopeLimits {
  /** A message that claims more ends the call before a byte of it is held. */
  readonly maxMessageBytes: number;
  /** The flag bits that may be set; {@link FLAG_COMPRESSED} only where an encoding was agreed. */
  readonly allowedFlags: number;
  /** Told of each message over the limit, which is then stepped over; where it is not given, such a message ends the call. */
  readonly onOversized?: (length: number) => void;
}

/**
 * Finds messages in the DATA of one direction of one call. A message that lies whole in a chunk is handed on in place; one
 * cut over chunks is joined once, out of what came: its claimed length is never allocated ahead.
 */
export class EnvelopeSplitter {
  readonly #sink: MessageSink;
  readonly #limits: EnvelopeLimits;
  readonly #head = Buffer.alloc(ENVELOPE_BYTES);
  #headBytes = 0;
  #pieces: Buffer[] = [];
  #have = 0;
  /** Free room at the end of the last piece, when that is a block of ours. */
  #room = 0;
  /** Bytes still to come of a message that is stepped over. */
  #over = 0;

  constructor(sink: MessageSink, limits: EnvelopeLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** Bytes held of a message that is not whole yet, its envelope's included. */
  get heldBytes(): number {
    return this.#headBytes + this.#have;
  }

  /** Buffers in which they are held. */
  get heldPieces(): number {
    return this.#pieces.length;
  }

  /**
   * Takes the next bytes, `chunk[start, end)`. Throws CallError `resource_exhausted` for a message over the limit, where nobody
   * is told of those, and `internal` for flags that may not be set; the splitter is of no use after that.
   */
  push(chunk: Buffer, start = 0, end = chunk.length): void {
    let at = start;
    while (at < end) {
      if (this.#over > 0) {
        const step = Math.min(this.#over, end - at);
        this.#over -= step;
        at += step;
        continue;
      }
      if (this.#headBytes === 0 && end - at >= ENVELOPE_BYTES) {
        const next = at + ENVELOPE_BYTES + this.#check(chunk, at);
        if (this.#over > 0) {
          at += ENVELOPE_BYTES;
          continue;
        }
        if (next <= end) {
          this.#sink(chunk, at + ENVELOPE_BYTES, next, chunk[at]!);
          at = next;
          continue;
        }
      }
      at = this.#headBytes < ENVELOPE_BYTES ? this.#collectHead(chunk, at, end) : this.#collect(chunk, at, end);
    }
  }

  /** The direction has ended. Throws CallError `internal` when that cuts a message off. */
  finish(): void {
    if (this.heldBytes === 0 && this.#over === 0) return;
    const held = this.heldBytes;
    throw new CallError("internal", "undecodable", `grpc message is cut off: its stream ended ${held} bytes into it`);
  }

  #collectHead(chunk: Buffer, at: number, end: number): number {
    const step = Math.min(ENVELOPE_BYTES - this.#headBytes, end - at);
    chunk.copy(this.#head, this.#headBytes, at, at + step);
    this.#headBytes += step;
    if (this.#headBytes < ENVELOPE_BYTES) return at + step;
    const length = this.#check(this.#head, 0);
    if (this.#over > 0) this.#headBytes = 0;
    else if (length === 0) this.#emit(this.#head.subarray(0, 0));
    return at + step;
  }

  #collect(chunk: Buffer, at: number, end: number): number {
    const length = this.#head.readUInt32BE(1);
    const step = Math.min(length - this.#have, end - at);
    this.#keep(chunk, at, at + step, length - this.#have);
    this.#have += step;
    if (this.#have === length) this.#emit(Buffer.concat(this.#trimmed(), length));
    return at + step;
  }

  #emit(message: Buffer): void {
    this.#pieces = [];
    this.#have = 0;
    this.#room = 0;
    this.#headBytes = 0;
    this.#sink(message, 0, message.length, this.#head[0]!);
  }

  #keep(chunk: Buffer, start: number, end: number, missing: number): void {
    if (end - start >= SMALL_PIECE_BYTES) {
      this.#pieces = this.#trimmed();
      this.#room = 0;
      this.#pieces.push(chunk.subarray(start, end));
      return;
    }
    for (let at = start; at < end; ) {
      if (this.#room === 0) {
        this.#room = Math.min(BLOCK_BYTES, missing - (at - start));
        this.#pieces.push(Buffer.allocUnsafeSlow(this.#room));
      }
      const block = this.#pieces.at(-1)!;
      const copied = chunk.copy(block, block.length - this.#room, at, end);
      this.#room -= copied;
      at += copied;
    }
  }

  /** The pieces without the free room of the last one. */
  #trimmed(): Buffer[] {
    const last = this.#pieces.at(-1);
    if (this.#room > 0 && last !== undefined)
      this.#pieces[this.#pieces.length - 1] = last.subarray(0, last.length - this.#room);
    return this.#pieces;
  }

  #check(bytes: Buffer, at: number): number {
    const flags = bytes[at]!;
    const { allowedFlags, maxMessageBytes } = this.#limits;
    if ((flags & ~allowedFlags) !== 0) {
      const text = `grpc message has flags 0x${flags.toString(16).padStart(2, "0")}, of which 0x${allowedFlags.toString(16).padStart(2, "0")} may be set`;
      throw new CallError("internal", "undecodable", text);
    }
    const length = bytes.readUInt32BE(at + 1);
    if (length <= maxMessageBytes) return length;
    if (this.#limits.onOversized !== undefined) {
      this.#over = length;
      this.#limits.onOversized(length);
      return 0;
    }
    const text = `grpc message of ${length} bytes is over maxMessageBytes ${maxMessageBytes}`;
    throw new CallError("resource_exhausted", "over_limit", text);
  }
}

/** The five bytes that go before a message of `length` bytes (below 2^32), for a sender that does not want to copy it. */
export function encodeEnvelope(length: number, flags = 0): Buffer {
  const head = Buffer.allocUnsafe(ENVELOPE_BYTES);
  head[0] = flags;
  head.writeUInt32BE(length, 1);
  return head;
}
