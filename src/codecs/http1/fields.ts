/**
 * Header and trailer lines of HTTP/1.1, found in place.
 *
 * | part | bytes |
 * |---|---|
 * | name | token: letters, digits, `!#$%&'*+-.^_|~` and the back quote |
 * | `:` | directly after the name |
 * | value | optional blanks, then tab, 20-7e, 80-ff, then optional blanks |
 * | end | CR LF; a line without name ends the block |
 *
 * Stricter than RFC 9112 section 5 allows: folded lines and bare LF are errors, since peers differ on where such lines end.
 */
import { Http1Error } from "./limits.ts";

/** 1 for bytes of a token (RFC 9110 section 5.6.2). */
export const TOKEN_BYTES: Uint8Array = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  TOKEN_BYTES[char.charCodeAt(0)] = 1;
}
/** 1 for bytes of a field value: no control bytes but tab. */
export const VALUE_BYTES: Uint8Array = new Uint8Array(256).fill(1, 0x20);
VALUE_BYTES[0x7f] = 0;
VALUE_BYTES[0x09] = 1;

/** What is known about a line by its name. 0 for lines that only the application reads. */
export const CONTENT_LENGTH = 1;
/** See {@link CONTENT_LENGTH}. */
export const TRANSFER_ENCODING = 2;
/** See {@link CONTENT_LENGTH}. */
export const CONNECTION = 3;
/** See {@link CONTENT_LENGTH}. */
export const UPGRADE = 4;
/** See {@link CONTENT_LENGTH}. */
export const EXPECT = 5;
/** Host: end to end, but looked at by the parser. */
export const HOST = 6;
/** Keep-Alive, Proxy-Connection, TE: for the next hop alone. */
export const HOP = 7;
/** X-Forwarded-For: end to end, and each proxy adds to it. */
export const FORWARDED_FOR = 8;
/** X-Forwarded-Proto: end to end. */
export const FORWARDED_PROTO = 9;

const NAMES: readonly (readonly [string, number])[] = [
  ["content-length", CONTENT_LENGTH],
  ["transfer-encoding", TRANSFER_ENCODING],
  ["connection", CONNECTION],
  ["upgrade", UPGRADE],
  ["expect", EXPECT],
  ["host", HOST],
  ["keep-alive", HOP],
  ["proxy-connection", HOP],
  ["te", HOP],
  ["x-forwarded-for", FORWARDED_FOR],
  ["x-forwarded-proto", FORWARDED_PROTO],
];
/** Known names by length; a name is compared only with those of its own length. */
const BY_LENGTH: (readonly (readonly [string, number])[])[] = [];
for (let length = 0; length < 32; length++) BY_LENGTH.push(NAMES.filter(([name]) => name.length === length));

/** Numbers of one line in {@link FieldLines}' table. */
const STRIDE = 5;

/**
 * Header or trailer lines, as places in the bytes that they came in. The bytes are those given to `receive`, or the machine's
 * own copy where the block was cut over chunks: who keeps lines longer than the chunk copies them.
 */
export class FieldLines {
  readonly bytes: Buffer;
  /** Per line: start of name, end of name, start of value, end of value, kind. */
  readonly #table: number[] = [];
  #end = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Lines of the block. */
  get count(): number {
    return this.#table.length / STRIDE;
  }

  /** The name of line `index` as it was sent. */
  name(index: number): string {
    return this.bytes.latin1Slice(this.#table[index * STRIDE], this.#table[index * STRIDE + 1]);
  }

  /** The value of line `index` without blanks around it; bytes above 7f one character each (ISO 8859-1). */
  value(index: number): string {
    return this.bytes.latin1Slice(this.#table[index * STRIDE + 2], this.#table[index * STRIDE + 3]);
  }

  /** Where the value of line `index` starts in the bytes. */
  valueStart(index: number): number {
    return this.#table[index * STRIDE + 2]!;
  }

  /** Where the value of line `index` ends in the bytes. */
  valueEnd(index: number): number {
    return this.#table[index * STRIDE + 3]!;
  }

  /** One of {@link CONTENT_LENGTH} and its like, or 0. */
  kind(index: number): number {
    return this.#table[index * STRIDE + 4]!;
  }

  /** Whether line `index` has this name, which is given in lower case. */
  isNamed(index: number, name: string): boolean {
    const start = this.#table[index * STRIDE]!;
    return this.#table[index * STRIDE + 1]! - start === name.length && sameName(this.bytes, start, name);
  }

  /** The value of the first line with this name (lower case); undefined for none. */
  get(name: string): string | undefined {
    for (let i = 0; i < this.count; i++) if (this.isNamed(i, name)) return this.value(i);
    return undefined;
  }

  /** Values of all lines with this name (lower case), in order. */
  all(name: string): string[] {
    const values: string[] = [];
    for (let i = 0; i < this.count; i++) if (this.isNamed(i, name)) values.push(this.value(i));
    return values;
  }

  /** Where the raw bytes of line `index` start. */
  lineStart(index: number): number {
    return this.#table[index * STRIDE]!;
  }

  /** Where the raw bytes of line `index` end, after its CR LF. */
  lineEnd(index: number): number {
    return index + 1 < this.count ? this.lineStart(index + 1) : this.#end;
  }

  /**
   * Reads lines from `start` to the empty line; returns the place after that, or -1 when `end` comes first (the lines are then
   * of no use). Throws {@link Http1Error} on a wrong byte and over `maxLines`.
   */
  parse(start: number, end: number, maxLines: number): number {
    const { bytes } = this;
    const table = this.#table;
    let at = start;
    for (let lines = 0; ; lines++) {
      const lineStart = at;
      while (at < end && TOKEN_BYTES[bytes[at]!] === 1) at++;
      if (at === end) return -1;
      if (bytes[at] !== 58) {
        if (at > lineStart || bytes[at] !== 13) throw wrongName(bytes, lineStart, at);
        if (at + 1 === end) return -1;
        if (bytes[at + 1] !== 10) throw new Http1Error(400, "carriage return without line feed", at);
        this.#end = at;
        return at + 2;
      }
      if (at === lineStart) throw new Http1Error(400, "header line has no name", at);
      if (lines === maxLines) throw new Http1Error(431, `more than maxHeaders ${maxLines} header lines`, at);
      const nameEnd = at++;
      while (at < end && (bytes[at] === 32 || bytes[at] === 9)) at++;
      const valueStart = at;
      while (at < end && VALUE_BYTES[bytes[at]!] === 1) at++;
      if (at === end) return -1;
      if (bytes[at] !== 13) throw wrongValue(bytes[at]!, at);
      if (at + 1 === end) return -1;
      if (bytes[at + 1] !== 10) throw new Http1Error(400, "carriage return without line feed", at);
      let valueEnd = at;
      while (valueEnd > valueStart && (bytes[valueEnd - 1] === 32 || bytes[valueEnd - 1] === 9)) valueEnd--;
      table.push(lineStart, nameEnd, valueStart, valueEnd, kindOf(bytes, lineStart, nameEnd - lineStart));
      at += 2;
    }
  }
}

function kindOf(bytes: Buffer, start: number, length: number): number {
  if (length >= BY_LENGTH.length) return 0;
  const known = BY_LENGTH[length]!;
  for (let i = 0; i < known.length; i++) {
    const entry = known[i]!;
    if (sameName(bytes, start, entry[0])) return entry[1];
  }
  return 0;
}

/** Token bytes against a lower-case name: setting bit 20 maps letters alone onto letters. */
function sameName(bytes: Buffer, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    if (bytes[start + i] !== name.charCodeAt(i) && (bytes[start + i]! | 0x20) !== name.charCodeAt(i)) return false;
  }
  return true;
}

function wrongName(bytes: Buffer, lineStart: number, at: number): Http1Error {
  const byte = bytes[at]!;
  const blank = byte === 32 || byte === 9;
  if (blank && at === lineStart) return new Http1Error(400, "folded header line", at);
  if (blank) return new Http1Error(400, "blank between header name and colon", at);
  if (byte === 10) return new Http1Error(400, "line feed without carriage return", at);
  return new Http1Error(400, `byte ${hex(byte)} in a header name`, at);
}

function wrongValue(byte: number, at: number): Http1Error {
  if (byte === 10) return new Http1Error(400, "line feed without carriage return", at);
  return new Http1Error(400, `byte ${hex(byte)} in a header value`, at);
}

/** A byte as two hex digits, for messages. */
export function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
