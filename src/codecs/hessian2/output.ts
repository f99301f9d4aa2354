/**
 * The growing body of a Hessian2 writer, with the values that need no tables: numbers, strings, binaries, dates.
 */
import {
  hessianError,
  TAG_BINARY,
  TAG_BINARY_CHUNK,
  TAG_DATE_MINUTES,
  TAG_DATE_MS,
  TAG_DOUBLE,
  TAG_DOUBLE_BYTE,
  TAG_DOUBLE_MILLI,
  TAG_DOUBLE_ONE,
  TAG_DOUBLE_SHORT,
  TAG_DOUBLE_ZERO,
  TAG_INT,
  TAG_LONG,
  TAG_LONG_INT,
  TAG_NULL,
  TAG_STRING,
  TAG_STRING_CHUNK,
} from "./constants.ts";
import { writeUnits } from "./strings.ts";

/**
 * `plain` uses what all readers understand alike: doubles avoid form 5f, which Envoy reads as a float, dates are
 * milliseconds. `java` is what hessian-lite itself writes. `exact` repeats the forms that were read where the tree kept them
 * (5f, 4b), and is `plain` for values that were not read.
 */
export type Hessian2Forms = "plain" | "java" | "exact";

const MAX_INT = 0x7fffffff;
const MIN_INT = -0x80000000;
const STRING_CHUNK_UNITS = 0x8000;
const BINARY_CHUNK_BYTES = 0x8000;
const FIRST_BYTES = 256;

/** Appends scalars to a body. */
export abstract class Hessian2Output {
  protected readonly forms: Hessian2Forms;
  readonly #maxBytes: number;
  #out: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  constructor(forms: Hessian2Forms, maxBytes: number) {
    this.forms = forms;
    this.#maxBytes = maxBytes;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** The body; the next value starts a new one, with empty tables. The bytes are the caller's. ProtocolError over maxBytes. */
  takeOutput(): Buffer {
    if (this.#length > this.#maxBytes) throw this.#tooLong();
    const taken = this.#out.subarray(0, this.#length);
    this.#out = Buffer.allocUnsafe(FIRST_BYTES);
    this.#length = 0;
    return taken;
  }

  /** Appends an int; RangeError when the number is not one. */
  writeInt(value: number): this {
    if (!Number.isInteger(value) || value > MAX_INT || value < MIN_INT) {
      throw new RangeError(`${value} is no int of 32 bits; a fraction is written as a double`);
    }
    const p = this.#room(5);
    const out = this.#out;
    if (value >= -16 && value <= 47) {
      out[p] = 0x90 + value;
      this.#length = p + 1;
    } else if (value >= -2048 && value <= 2047) {
      out.writeUInt16BE((0xc8 << 8) + value, p);
      this.#length = p + 2;
    } else if (value >= -262144 && value <= 262143) {
      out.writeUIntBE((0xd4 << 16) + value, p, 3);
      this.#length = p + 3;
    } else {
      out[p] = TAG_INT;
      this.#length = out.writeInt32BE(value, p + 1);
    }
    return this;
  }

  /** Appends a long; RangeError over 64 bits. */
  writeLong(value: bigint): this {
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} is no long of 64 bits`);
    const p = this.#room(9);
    const out = this.#out;
    if (value < -2147483648n || value > 2147483647n) {
      out[p] = TAG_LONG;
      this.#length = out.writeBigInt64BE(value, p + 1);
      return this;
    }
    const small = Number(value);
    if (small >= -8 && small <= 15) {
      out[p] = 0xe0 + small;
      this.#length = p + 1;
    } else if (small >= -2048 && small <= 2047) {
      out.writeUInt16BE((0xf8 << 8) + small, p);
      this.#length = p + 2;
    } else if (small >= -262144 && small <= 262143) {
      out.writeUIntBE((0x3c << 16) + small, p, 3);
      this.#length = p + 3;
    } else {
      out[p] = TAG_LONG_INT;
      this.#length = out.writeInt32BE(small, p + 1);
    }
    return this;
  }

  /** Appends a double in the shortest form that keeps it; -0 keeps its sign, which hessian-lite's own writer loses. */
  writeDouble(value: number): this {
    const p = this.#room(9);
    const out = this.#out;
    if (value === (value << 16) >> 16 && !(Object.is(value, -0) && this.forms !== "java")) {
      if (value === 0 || value === 1) return this.writeTag(value === 0 ? TAG_DOUBLE_ZERO : TAG_DOUBLE_ONE);
      if (value >= -128 && value <= 127) {
        out[p] = TAG_DOUBLE_BYTE;
        this.#length = out.writeInt8(value, p + 1);
      } else {
        out[p] = TAG_DOUBLE_SHORT;
        this.#length = out.writeInt16BE(value, p + 1);
      }
      return this;
    }
    if (this.forms === "java") {
      const milli = Math.trunc(value * 1000);
      if (milli <= MAX_INT && milli >= MIN_INT && 0.001 * milli === value) return this.writeMilli(milli);
    }
    out[p] = TAG_DOUBLE;
    this.#length = out.writeDoubleBE(value, p + 1);
    return this;
  }

  /** Appends a string or null, in chunks of at most 32,768 units that never part a surrogate pair. */
  writeString(text: string | null): this {
    if (text === null) return this.writeTag(TAG_NULL);
    let from = 0;
    while (text.length - from > STRING_CHUNK_UNITS) {
      let to = from + STRING_CHUNK_UNITS;
      if ((text.charCodeAt(to - 1) & 0xfc00) === 0xd800) to -= 1;
      const p = this.#room(3 + (to - from) * 3);
      this.#out[p] = TAG_STRING_CHUNK;
      this.#out.writeUInt16BE(to - from, p + 1);
      this.#length = writeUnits(this.#out, p + 3, text, from, to);
      from = to;
    }
    const units = text.length - from;
    let p = this.#room(3 + units * 3);
    if (units <= 31) {
      this.#out[p++] = units;
    } else if (units <= 1023) {
      p = this.#out.writeUInt16BE(0x3000 + units, p);
    } else {
      this.#out[p] = TAG_STRING;
      p = this.#out.writeUInt16BE(units, p + 1);
    }
    this.#length = writeUnits(this.#out, p, text, from, text.length);
    return this;
  }

  /** Appends a byte[], in chunks of at most 32,768 bytes. */
  writeBytes(bytes: Uint8Array): this {
    let from = 0;
    for (; bytes.length - from > BINARY_CHUNK_BYTES; from += BINARY_CHUNK_BYTES) {
      const p = this.#room(3 + BINARY_CHUNK_BYTES);
      this.#out[p] = TAG_BINARY_CHUNK;
      this.#out.writeUInt16BE(BINARY_CHUNK_BYTES, p + 1);
      this.#out.set(bytes.subarray(from, from + BINARY_CHUNK_BYTES), p + 3);
      this.#length = p + 3 + BINARY_CHUNK_BYTES;
    }
    const size = bytes.length - from;
    let p = this.#room(3 + size);
    if (size <= 15) {
      this.#out[p++] = 0x20 + size;
    } else if (size <= 1023) {
      p = this.#out.writeUInt16BE(0x3400 + size, p);
    } else {
      this.#out[p] = TAG_BINARY;
      p = this.#out.writeUInt16BE(size, p + 1);
    }
    this.#out.set(from === 0 ? bytes : bytes.subarray(from), p);
    this.#length = p + size;
    return this;
  }

  protected writeTag(tag: number): this {
    const p = this.#room(1);
    this.#out[p] = tag;
    this.#length = p + 1;
    return this;
  }

  protected writeMilli(milli: number): this {
    const p = this.#room(5);
    this.#out[p] = TAG_DOUBLE_MILLI;
    this.#length = this.#out.writeInt32BE(milli, p + 1);
    return this;
  }

  protected writeDate(ms: bigint, asMinutes: boolean): this {
    const p = this.#room(9);
    const minutes = ms / 60_000n;
    const whole = minutes * 60_000n === ms && minutes >= -2147483648n && minutes <= 2147483647n;
    if (whole && (this.forms === "java" || (this.forms === "exact" && asMinutes))) {
      this.#out[p] = TAG_DATE_MINUTES;
      this.#length = this.#out.writeInt32BE(Number(minutes), p + 1);
      return this;
    }
    this.#out[p] = TAG_DATE_MS;
    this.#length = this.#out.writeBigInt64BE(BigInt.asIntN(64, ms), p + 1);
    return this;
  }

  /** Makes room for `size` more bytes and returns where they start. */
  #room(size: number): number {
    const needed = this.#length + size;
    if (this.#length > this.#maxBytes) throw this.#tooLong();
    if (needed > this.#out.length) this.#grow(needed);
    return this.#length;
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#out.length * 2));
    this.#out.copy(grown, 0, 0, this.#length);
    this.#out = grown;
  }

  #tooLong(): Error {
    return hessianError(`body grows over maxBytes ${this.#maxBytes}`, this.#length);
  }
}
