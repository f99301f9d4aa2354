/**
 * DER, as far as X.509 needs it (X.690 sections 8 and 10):
 *
 * | part | bytes |
 * |---|---|
 * | tag | one byte; tag numbers over 30 are not used by X.509 |
 * | length | below 128 one byte, else 0x80 + count and that many bytes, big-endian, the shortest form |
 * | contents | as many bytes; of a constructed type (bit 0x20) more of the same |
 */
import { ProtocolError } from "../../base/errors.ts";

/** The tags that X.509 uses; `context` ones are made by {@link contextTag}. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Tag of a field that the standard numbers: `[number]`, constructed unless told. */
export function contextTag(number: number, constructed = true): number {
  return 0x80 | (constructed ? 0x20 : 0) | number;
}

/** One value with its contents joined from `parts`. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([encodeHead(tag, length), ...parts]);
}

function encodeHead(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.from([tag, length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 0xff);
  return Buffer.from([tag, 0x80 | bytes.length, ...bytes]);
}

/** A SEQUENCE of values. */
export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(TAG.sequence, ...parts);
}

/** An INTEGER that is not negative, from its bytes, big-endian. */
export function unsigned(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const shortest = bytes.subarray(start);
  const sign = shortest.length === 0 || shortest[0]! >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0);
  return der(TAG.integer, sign, shortest);
}

/** A BIT STRING of whole bytes. */
export function bitString(bytes: Uint8Array): Buffer {
  return der(TAG.bitString, Buffer.from([0]), bytes);
}

/** `true`; `false` is a default in X.509 and so is never written. */
export const TRUE: Uint8Array = der(TAG.boolean, Buffer.from([0xff]));

/** An OBJECT IDENTIFIER from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift(0x80 | (left & 0x7f));
    bytes.push(...groups);
  }
  return der(TAG.oid, Buffer.from(bytes));
}

/** A time as X.509 asks for it (RFC 5280 4.1.2.5): UTCTime before 2050, GeneralizedTime from then on; whole seconds. */
export function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\.\d+/, "").replace(/[-:T]/g, "");
  return ms < Date.UTC(2050, 0)
    ? der(TAG.utcTime, Buffer.from(digits.slice(2)))
    : der(TAG.generalizedTime, Buffer.from(digits));
}

/** One value as it stands in its bytes; both views are of the buffer that was read. */
export interface DerValue {
  readonly tag: number;
  readonly contents: Uint8Array;
  /** Tag and length included. */
  readonly whole: Uint8Array;
}

/** Reads the values of one buffer one after the other. Throws a `ProtocolError` for what is no DER; never goes past the end. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Tag of the next value; undefined at the end. */
  get tag(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** The next value, which must have `tag` where one is given. */
  read(tag?: number): DerValue {
    const start = this.#at;
    const found = this.#byte(start);
    if (tag !== undefined && found !== tag)
      throw fault(`der tag 0x${found.toString(16)} stands where 0x${tag.toString(16)} must`, start);
    let length = this.#byte(start + 1);
    let at = start + 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 3) throw fault(`der length of ${count} bytes is not 1 to 3`, start);
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + this.#byte(at + i);
      if (length < 0x80 || length < 2 ** (8 * (count - 1)))
        throw fault("der length is not in its shortest form", start);
      at += count;
    }
    if (length > this.#bytes.length - at)
      throw fault(`der value of ${length} bytes is longer than the ${this.#bytes.length - at} that are there`, start);
    this.#at = at + length;
    return { tag: found, contents: this.#bytes.subarray(at, this.#at), whole: this.#bytes.subarray(start, this.#at) };
  }

  /** The next value if it has `tag`. */
  readIf(tag: number): DerValue | undefined {
    return this.tag === tag ? this.read() : undefined;
  }

  /** A reader of what the next value, which must have `tag`, is made of. */
  enter(tag: number = TAG.sequence): DerReader {
    return new DerReader(this.read(tag).contents);
  }

  /** Refuses bytes behind the last value that was read. */
  end(): void {
    if (!this.atEnd) throw fault(`der has ${this.#bytes.length - this.#at} bytes too many`, this.#at);
  }

  #byte(at: number): number {
    const byte = this.#bytes[at];
    if (byte === undefined) throw fault("der ends within a value", at);
    return byte;
  }
}

/** The dotted form of an OBJECT IDENTIFIER's contents. */
export function printOid(contents: Uint8Array): string {
  if (contents.length === 0 || contents.length > 64)
    throw fault(`der oid of ${contents.length} bytes is not 1 to 64`, 0);
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of contents) {
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 256) throw fault("der oid has a number that is too large", 0);
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const first = arcs.shift() ?? 0;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...arcs].join(".");
}

/** The bytes of a BIT STRING's contents, which must be whole ones. */
export function wholeBits(contents: Uint8Array): Uint8Array {
  if (contents[0] !== 0) throw fault("der bit string is not of whole bytes", 0);
  return contents.subarray(1);
}

function fault(message: string, offset: number): ProtocolError {
  return new ProtocolError("x509", message, offset);
}
