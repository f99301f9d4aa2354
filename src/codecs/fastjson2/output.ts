/** The growing bytes of a JSONB writer, with the scalars. Layout: constants.ts; shortest forms, as fastjson2 writes them. */
import { fastjson2Error, TAG_BINARY } from "./constants.ts";

const FIRST_BYTES = 256;

/** Appends scalars. RangeError for a number that is no int and a bigint that is no long, ProtocolError over maxBytes. */
export class Fastjson2Output {
  readonly #maxBytes: number;
  #out: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** The bytes, which are the caller's; the next value starts new ones. */
  takeOutput(): Buffer {
    const taken = this.#out.subarray(0, this.#length);
    this.#out = Buffer.allocUnsafe(FIRST_BYTES);
    this.#length = 0;
    return taken;
  }

  /** One byte: a tag, or a small part of a value. */
  writeByte(byte: number): this {
    const at = this.#room(1);
    this.#out[at] = byte;
    return this;
  }

  /** Big-endian bytes of a number. */
  writeFixed(value: number, bytes: number): this {
    const at = this.#room(bytes);
    this.#out.writeIntBE(value, at, bytes);
    return this;
  }

  /** 8 big-endian bytes. */
  writeFixed64(value: bigint): this {
    const at = this.#room(8);
    this.#out.writeBigInt64BE(value, at);
    return this;
  }

  /** An int. */
  writeInt(value: number): this {
    if (value !== (value | 0)) throw new RangeError(`${value} is no int of 32 bits`);
    if (value >= -16 && value <= 47) return this.writeByte(value & 0xff);
    if (value >= -2048 && value <= 2047) return this.writeByte(0x38 + (value >> 8)).writeByte(value & 0xff);
    if (value >= -262144 && value <= 262143) {
      return this.writeByte(0x44 + (value >> 16))
        .writeByte((value >> 8) & 0xff)
        .writeByte(value & 0xff);
    }
    return this.writeByte(0x48).writeFixed(value, 4);
  }

  /** A long. */
  writeLong(value: bigint): this {
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} is no long of 64 bits`);
    if (BigInt.asIntN(32, value) !== value) return this.writeByte(0xbe).writeFixed64(value);
    const small = Number(value);
    if (small >= -8 && small <= 15) return this.writeByte(0xe0 + small);
    if (small >= -2048 && small <= 2047) return this.writeByte(0xd0 + (small >> 8)).writeByte(small & 0xff);
    if (small >= -262144 && small <= 262143) {
      return this.writeByte(0xc4 + (small >> 16))
        .writeByte((small >> 8) & 0xff)
        .writeByte(small & 0xff);
    }
    return this.writeByte(0xbf).writeFixed(small, 4);
  }

  /** A double in 8 bytes. */
  writeDouble(value: number): this {
    this.writeByte(0xb5);
    const at = this.#room(8);
    this.#out.writeDoubleBE(value, at);
    return this;
  }

  /** A float in 4 bytes. */
  writeFloat(value: number): this {
    this.writeByte(0xb7);
    const at = this.#room(4);
    this.#out.writeFloatBE(value, at);
    return this;
  }

  /** A string: ASCII, else UTF-8, or UTF-16 where lone surrogates have no UTF-8. */
  writeString(text: string): this {
    if (/[\ud800-\udfff]/.test(text) && LONE_SURROGATE.test(text)) {
      return this.#writeText(0x7c, text, "utf16le", text.length * 2);
    }
    const bytes = Buffer.byteLength(text, "utf8");
    if (bytes !== text.length) return this.#writeText(0x7a, text, "utf8", bytes);
    if (bytes > 47) return this.#writeText(0x79, text, "latin1", bytes);
    const at = this.#room(1 + bytes);
    this.#out[at] = 0x49 + bytes;
    this.#out.write(text, at + 1, "latin1");
    return this;
  }

  /** A binary. */
  writeBytes(bytes: Uint8Array): this {
    this.writeByte(TAG_BINARY).writeInt(bytes.length);
    return this.writeRaw(bytes);
  }

  /** Bytes as they are. */
  writeRaw(bytes: Uint8Array): this {
    const at = this.#room(bytes.length);
    this.#out.set(bytes, at);
    return this;
  }

  #writeText(tag: number, text: string, encoding: BufferEncoding, bytes: number): this {
    this.writeByte(tag).writeInt(bytes);
    const at = this.#room(bytes);
    this.#out.write(text, at, encoding);
    return this;
  }

  /** Makes room for `size` bytes, which are then the value's; gives where they start. */
  #room(size: number): number {
    const at = this.#length;
    const needed = at + size;
    if (needed > this.#maxBytes) throw fastjson2Error(`value is over maxBytes ${this.#maxBytes}`, at);
    if (needed > this.#out.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#out.length * 2));
      this.#out.copy(grown, 0, 0, at);
      this.#out = grown;
    }
    this.#length = needed;
    return at;
  }
}

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
