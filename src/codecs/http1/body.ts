/**
 * Bodies of HTTP/1.1 messages, cut out of the stream in place.
 *
 * | body | bytes |
 * |---|---|
 * | by length | as many as Content-Length said |
 * | chunked | (hex size [`;` extension] CR LF, that many bytes, CR LF)..., `0` CR LF, trailer lines, CR LF |
 * | until close | all that come |
 *
 * Reference: RFC 9112 sections 6 and 7. A chunk's size is 1 to 8 hex digits directly followed by CR or `;`.
 */
import { CONTENT_LENGTH, FieldLines, HOST, hex, TRANSFER_ENCODING, VALUE_BYTES } from "./fields.ts";
import { Http1Error, type Http1Limits } from "./limits.ts";

const DONE = 0;
const LENGTH = 1;
const UNTIL_CLOSE = 2;
const SIZE = 3;
const EXTENSION = 4;
const SIZE_LF = 5;
const CHUNK = 6;
const CHUNK_CR = 7;
const CHUNK_LF = 8;
const TRAILERS = 9;
const MAX_SIZE_DIGITS = 8;

/**
 * Collects a block of lines that is cut over chunks, up to and with its empty line. Its bytes grow with what came, never over
 * `maxBytes`; the buffer of a finished block is not used again.
 */
export class BlockCollector {
  readonly #maxBytes: number;
  #held: Buffer = Buffer.alloc(0);
  #length = 0;
  #lineStart = 0;
  #blanks: number;

  /** `leadingBlanks`: empty lines that are passed over before the first line. */
  constructor(maxBytes: number, leadingBlanks: number) {
    this.#maxBytes = maxBytes;
    this.#blanks = leadingBlanks;
  }

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }

  /** The block as far as it came. */
  get bytes(): Buffer {
    return this.#held.subarray(0, this.#length);
  }

  /** True when the empty line is in. */
  done = false;

  /** Takes bytes up to the end of the block; returns the place after them. Throws {@link Http1Error} on a bare LF and over the limit. */
  take(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && !this.done) {
      const feed = bytes.indexOf(10, at);
      const next = feed === -1 || feed >= end ? end : feed + 1;
      this.#append(bytes, at, next);
      at = next;
      if (this.#held[this.#length - 1] === 10) this.#endLine();
    }
    return at;
  }

  #endLine(): void {
    const length = this.#length;
    if (length < 2 || this.#held[length - 2] !== 13) {
      throw new Http1Error(400, "line feed without carriage return", length - 1);
    }
    if (length - 2 === this.#lineStart) {
      if (length === 2 && this.#blanks > 0) {
        this.#blanks--;
        this.#length = 0;
      } else {
        this.done = true;
      }
      return;
    }
    this.#lineStart = length;
  }

  #append(bytes: Buffer, from: number, to: number): void {
    const length = this.#length + to - from;
    if (length > this.#maxBytes) {
      throw new Http1Error(431, `lines are over the limit of ${this.#maxBytes} bytes`, this.#maxBytes);
    }
    if (length > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#maxBytes, Math.max(512, length, this.#held.length * 2)));
      this.#held.copy(grown, 0, 0, this.#length);
      this.#held = grown;
    }
    bytes.copy(this.#held, this.#length, from, to);
    this.#length = length;
  }
}

/** Follows one body after the other through the stream. */
export class BodyReader {
  readonly #limits: Http1Limits;
  #state = DONE;
  #left = 0;
  #digits = 0;
  #total = 0;
  #extensions = 0;
  #collector: BlockCollector | undefined;
  /** Body bytes that the last `read` passed are at `[dataStart, dataEnd)` of its bytes. */
  dataStart = 0;
  /** See `dataStart`. */
  dataEnd = 0;
  /** Trailer lines of the body that ended last; undefined for none. */
  trailers: FieldLines | undefined;

  constructor(limits: Http1Limits) {
    this.#limits = limits;
  }

  /** True before a body and after its last byte. */
  get done(): boolean {
    return this.#state === DONE;
  }

  /** True while a body goes on until the peer closes. */
  get untilClose(): boolean {
    return this.#state === UNTIL_CLOSE;
  }

  /** Expects a body of that many bytes; none for 0. */
  startLength(length: number): void {
    this.trailers = undefined;
    this.#left = length;
    this.#state = length === 0 ? DONE : LENGTH;
  }

  /** Expects chunks. */
  startChunked(): void {
    this.trailers = undefined;
    this.#total = 0;
    this.#extensions = 0;
    this.#startSize();
  }

  /** Expects bytes until the peer closes. */
  startUntilClose(): void {
    this.trailers = undefined;
    this.#total = 0;
    this.#state = UNTIL_CLOSE;
  }

  /** Walks on by one step; returns the place after it. Throws {@link Http1Error}. */
  read(bytes: Buffer, start: number, end: number): number {
    this.dataStart = this.dataEnd = start;
    switch (this.#state) {
      case LENGTH: {
        const next = this.#pass(start, end);
        if (this.#left === 0) this.#state = DONE;
        return next;
      }
      case UNTIL_CLOSE:
        this.#count(end - start);
        this.dataEnd = end;
        return end;
      case SIZE:
        return this.#size(bytes, start, end);
      case EXTENSION:
        return this.#extension(bytes, start, end);
      case SIZE_LF:
        expectByte(bytes[start]!, 10, start);
        if (this.#left > 0) this.#state = CHUNK;
        else {
          this.#state = TRAILERS;
          this.#collector = undefined;
        }
        return start + 1;
      case CHUNK: {
        const next = this.#pass(start, end);
        if (this.#left === 0) this.#state = CHUNK_CR;
        return next;
      }
      case CHUNK_CR:
        expectByte(bytes[start]!, 13, start);
        this.#state = CHUNK_LF;
        return start + 1;
      case CHUNK_LF:
        expectByte(bytes[start]!, 10, start);
        this.#startSize();
        return start + 1;
      case TRAILERS:
        return this.#trailers(bytes, start, end);
      default:
        return start;
    }
  }

  #startSize(): void {
    this.#state = SIZE;
    this.#left = 0;
    this.#digits = 0;
  }

  #pass(start: number, end: number): number {
    const next = Math.min(end, start + this.#left);
    this.#left -= next - start;
    this.dataEnd = next;
    return next;
  }

  #count(bytes: number): void {
    this.#total += bytes;
    if (this.#total > this.#limits.maxBodyBytes) {
      throw new Http1Error(413, `body is over maxBodyBytes ${this.#limits.maxBodyBytes}`);
    }
  }

  #size(bytes: Buffer, start: number, end: number): number {
    let at = start;
    for (; at < end; at++) {
      const value = hexValue(bytes[at]!);
      if (value === -1) break;
      if (++this.#digits > MAX_SIZE_DIGITS) {
        throw new Http1Error(400, `chunk size has more than ${MAX_SIZE_DIGITS} digits`, at);
      }
      this.#left = this.#left * 16 + value;
    }
    if (at === end) return at;
    const byte = bytes[at]!;
    if (this.#digits === 0 || (byte !== 13 && byte !== 59)) {
      throw new Http1Error(400, `byte ${hex(byte)} in a chunk size`, at);
    }
    this.#count(this.#left);
    this.#state = byte === 13 ? SIZE_LF : EXTENSION;
    return at + 1;
  }

  #extension(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && VALUE_BYTES[bytes[at]!] === 1) at++;
    this.#extensions += at - start;
    const limit = this.#limits.maxChunkExtensionBytes;
    if (this.#extensions > limit) {
      throw new Http1Error(400, `chunk extensions are over maxChunkExtensionBytes ${limit}`, at);
    }
    if (at === end) return at;
    expectByte(bytes[at]!, 13, at);
    this.#state = SIZE_LF;
    return at + 1;
  }

  #trailers(bytes: Buffer, start: number, end: number): number {
    if (this.#collector === undefined) {
      // Almost all chunked bodies end without trailers.
      if (end - start >= 2 && bytes[start] === 13 && bytes[start + 1] === 10) {
        this.#state = DONE;
        return start + 2;
      }
      this.#collector = new BlockCollector(this.#limits.maxTrailerBytes, 0);
    }
    const collector = this.#collector;
    const next = collector.take(bytes, start, end);
    if (!collector.done) return next;
    this.#collector = undefined;
    this.#state = DONE;
    if (collector.length === 2) return next;
    const lines = new FieldLines(collector.bytes);
    lines.parse(0, collector.length, this.#limits.maxHeaders);
    for (let i = 0; i < lines.count; i++) {
      const kind = lines.kind(i);
      if (kind === CONTENT_LENGTH || kind === TRANSFER_ENCODING || kind === HOST) {
        throw new Http1Error(400, `${lines.name(i).toLowerCase()} in trailers`);
      }
    }
    this.trailers = lines;
    return next;
  }
}

function expectByte(byte: number, expected: number, at: number): void {
  if (byte !== expected) throw new Http1Error(400, `byte ${hex(byte)} where ${hex(expected)} ends a chunk's line`, at);
}

function hexValue(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 0x20;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
