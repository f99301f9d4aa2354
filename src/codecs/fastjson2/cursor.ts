/** A place in JSONB bytes, with what reading and walking have in common: ints, longs, strings. Layout: constants.ts. */

import type { ProtocolError } from "../../base/errors.ts";
import { hexTag } from "../hessian2/cursor.ts";
import { type Fastjson2Limits, fastjson2Error } from "./constants.ts";

const NO_BYTES = Buffer.alloc(0);
const GB18030 = new TextDecoder("gb18030");

/** Bytes behind the tag of an int form, -1 where the tag is none. */
const INT_BYTES = new Int8Array(256).fill(-1);
INT_BYTES.fill(0, 0x00, 0x30).fill(1, 0x30, 0x40).fill(2, 0x40, 0x48).fill(0, 0xf0);
INT_BYTES[0x48] = 4;
INT_BYTES[0xbd] = 1;
INT_BYTES[0xbc] = 2;

/** Whether a tag begins a string. */
export function isStringTag(tag: number): boolean {
  return tag >= 0x49 && tag <= 0x7e;
}

/** Whether a tag begins an int. */
export function isIntTag(tag: number): boolean {
  return tag >= 0 && INT_BYTES[tag]! >= 0;
}

/** Whether a tag begins a long that is no int. */
export function isLongTag(tag: number): boolean {
  return (tag >= 0xc0 && tag <= 0xef) || tag === 0xbe || tag === 0xbf;
}

/** The base of reader and walker. Every method throws ProtocolError("fastjson2", ...) and nothing else. */
export class Fastjson2Cursor {
  bytes: Buffer = NO_BYTES;
  offset = 0;
  end = 0;
  readonly limits: Fastjson2Limits;

  constructor(limits: Fastjson2Limits) {
    this.limits = limits;
  }

  /** Starts at `offset`, with nothing known of earlier values. The bytes are borrowed. */
  reset(bytes: Uint8Array, offset = 0, end: number = bytes.length): this {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = offset;
    this.end = end;
    return this;
  }

  /** Lets go of the bytes. */
  release(): void {
    this.reset(NO_BYTES);
  }

  /** Whether all bytes have been read. */
  get done(): boolean {
    return this.offset >= this.end;
  }

  /** The next tag, -1 at the end. */
  peek(): number {
    return this.offset < this.end ? this.bytes[this.offset]! : -1;
  }

  /** The error for a value that goes on behind the end. */
  cutOff(at: number): ProtocolError {
    return fastjson2Error("value is cut off", at);
  }

  /** Steps over `size` bytes that must be there; gives where they start. */
  take(size: number): number {
    const at = this.offset;
    if (size > this.end - at) throw this.cutOff(at);
    this.offset = at + size;
    return at;
  }

  /** An int in any of its forms. */
  readInt(): number {
    const tag = this.peek();
    if (tag < 0) throw this.cutOff(this.offset);
    const size = INT_BYTES[tag]!;
    if (size < 0) throw fastjson2Error(`expected an int, found tag ${hexTag(tag)}`, this.offset);
    const at = this.take(1 + size) + 1;
    const { bytes } = this;
    if (tag <= 0x2f) return tag;
    if (tag >= 0xf0) return tag - 0x100;
    if (tag <= 0x3f) return ((tag - 0x38) << 8) + bytes[at]!;
    if (tag <= 0x47) return ((tag - 0x44) << 16) + bytes.readUInt16BE(at);
    if (tag === 0x48) return bytes.readInt32BE(at);
    return tag === 0xbd ? bytes.readInt8(at) : bytes.readInt16BE(at);
  }

  /** A long, or an int that stands for one. */
  readLong(): bigint {
    const tag = this.peek();
    const { bytes } = this;
    if (tag >= 0xd8 && tag <= 0xef) {
      this.offset++;
      return BigInt(tag - 0xe0);
    }
    if (tag >= 0xc8 && tag <= 0xd7) return BigInt(((tag - 0xd0) << 8) + bytes[this.take(2) + 1]!);
    if (tag >= 0xc0 && tag <= 0xc7) return BigInt(((tag - 0xc4) << 16) + bytes.readUInt16BE(this.take(3) + 1));
    if (tag === 0xbf) return BigInt(bytes.readInt32BE(this.take(5) + 1));
    if (tag === 0xbe) return bytes.readBigInt64BE(this.take(9) + 1);
    return BigInt(this.readInt());
  }

  /** An int that counts bytes or values, which must all be there. */
  readCount(what: string): number {
    const at = this.offset;
    const count = this.readInt();
    if (count < 0) throw fastjson2Error(`${what} of length ${count}`, at);
    if (count > this.end - this.offset) throw fastjson2Error(`${what} of length ${count} is cut off`, at);
    return count;
  }

  /** Steps over a string; gives its length in bytes, which end at the offset. */
  skipString(): number {
    const at = this.offset;
    const tag = this.peek();
    if (tag < 0) throw this.cutOff(at);
    if (!isStringTag(tag)) throw fastjson2Error(`expected a string, found tag ${hexTag(tag)}`, at);
    this.offset++;
    const length = tag <= 0x78 ? tag - 0x49 : this.readCount("string");
    if (length > this.limits.maxStringBytes) {
      throw fastjson2Error(`string of ${length} bytes is over maxStringBytes ${this.limits.maxStringBytes}`, at);
    }
    if (tag >= 0x7b && tag <= 0x7d && length % 2 !== 0) {
      throw fastjson2Error(`UTF-16 string of ${length} bytes`, at);
    }
    this.take(length);
    return length;
  }

  /** A string in any of its encodings. */
  readString(): string {
    const tag = this.peek();
    const length = this.skipString();
    const start = this.offset - length;
    const { bytes } = this;
    if (tag <= 0x79) return bytes.latin1Slice(start, this.offset);
    if (tag === 0x7a) return bytes.utf8Slice(start, this.offset);
    if (tag === 0x7c) return bytes.ucs2Slice(start, this.offset);
    if (tag === 0x7e) return GB18030.decode(bytes.subarray(start, this.offset));
    // UTF-16 of no said order has a mark or is big-endian.
    if (tag === 0x7b && length >= 2 && bytes.readUInt16BE(start) === 0xfffe)
      return bytes.ucs2Slice(start + 2, this.offset);
    const marked = tag === 0x7b && length >= 2 && bytes.readUInt16BE(start) === 0xfeff;
    return Buffer.from(bytes.subarray(marked ? start + 2 : start, this.offset))
      .swap16()
      .toString("utf16le");
  }
}
