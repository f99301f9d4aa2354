/**
 * A place in a body of Hessian2 values, with the reads that need no tables: tags, ints, strings, types.
 * What the skipper and the reader have in common.
 */
import {
  type Hessian2Limits,
  hessianError,
  TAG_END,
  TAG_INT,
  TAG_MAP,
  TAG_NULL,
  TAG_STRING,
  TAG_STRING_CHUNK,
  TAG_TYPED_MAP,
} from "./constants.ts";
import { skipUnits, sliceUnits } from "./strings.ts";

/** What {@link Hessian2Cursor.readStringRange} found. */
export type StringRange = "null" | "whole" | "chunked";

const NO_BYTES = Buffer.alloc(0);

/**
 * Reads forward over bytes that it does not own. Every method throws ProtocolError("hessian2", ...) on bytes that are
 * not Hessian2, that end too early or that go over a limit; after that only `reset` makes the instance usable again.
 */
export abstract class Hessian2Cursor {
  /** Where the next read starts. A caller may move it, over values whose class definitions are known. */
  offset = 0;
  /** After {@link readStringRange} said "whole": where the string's bytes are, how many, and how many units they are. */
  rangeStart = 0;
  rangeLength = 0;
  rangeUnits = 0;
  protected bytes: Buffer = NO_BYTES;
  protected end = 0;
  protected readonly limits: Hessian2Limits;

  constructor(limits: Hessian2Limits) {
    this.limits = limits;
  }

  /** Takes up another body: bytes `offset` to `end`. Tables and counts of the last one are forgotten; nothing is copied. */
  reset(bytes: Uint8Array, offset = 0, end: number = bytes.length): this {
    if (bytes !== this.bytes) {
      this.bytes = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.offset = offset;
    this.end = Math.min(end, bytes.length);
    return this;
  }

  /** Lets go of the body, so that a kept instance does not hold its memory. */
  release(): void {
    this.reset(NO_BYTES);
  }

  /** Whether all bytes have been read. */
  get done(): boolean {
    return this.offset >= this.end;
  }

  /** The tag that comes next, -1 at the end of the bytes. */
  peek(): number {
    return this.offset < this.end ? this.bytes[this.offset]! : -1;
  }

  /** Whether a string comes next (null is none). */
  isString(): boolean {
    return isStringTag(this.peek());
  }

  /** Walks over one string or null. */
  skipString(): void {
    const p = this.offset;
    const first = p < this.end ? this.bytes[p]! : -1;
    if (first >= 0 && first < 0x20) {
      this.offset = skipUnits(this.bytes, p + 1, first, this.end);
      return;
    }
    const tag = this.stringTag();
    if (tag === TAG_NULL) this.offset += 1;
    else this.offset = this.skipText(tag, this.offset);
  }

  /**
   * Walks over one string or null and says where its bytes are: for "whole" the range fields tell. They are the text in
   * UTF-8 when `rangeLength` equals `rangeUnits` (all ASCII), else in Hessian's form of it. A "chunked" string has no
   * single range; {@link readString} from the old offset gives it.
   */
  readStringRange(): StringRange {
    const p = this.offset;
    const first = p < this.end ? this.bytes[p]! : -1;
    if (first >= 0 && first < 0x20) {
      this.rangeUnits = first;
      this.rangeStart = p + 1;
      this.offset = skipUnits(this.bytes, p + 1, first, this.end);
      this.rangeLength = this.offset - p - 1;
      return "whole";
    }
    const tag = this.stringTag();
    if (tag === TAG_NULL) {
      this.offset = p + 1;
      return "null";
    }
    if (tag === TAG_STRING_CHUNK) {
      this.offset = this.skipText(tag, p);
      return "chunked";
    }
    const head = this.textHead(tag, p);
    this.rangeStart = p + head;
    this.offset = skipUnits(this.bytes, this.rangeStart, this.rangeUnits, this.end);
    this.rangeLength = this.offset - this.rangeStart;
    return "whole";
  }

  /** Reads one string or null. */
  readString(): string | null {
    const start = this.offset;
    const found = this.readStringRange();
    if (found === "null") return null;
    if (found === "whole") {
      return sliceUnits(this.bytes, this.rangeStart, this.offset, this.rangeUnits);
    }
    const end = this.offset;
    let text = "";
    for (let p = start; p < end; p = this.rangeStart) {
      const head = this.textHead(this.bytes[p]!, p);
      this.rangeStart = skipUnits(this.bytes, p + head, this.rangeUnits, end);
      text += sliceUnits(this.bytes, p + head, this.rangeStart, this.rangeUnits);
    }
    return text;
  }

  /** Reads one int in any of its forms. */
  readInt(): number {
    const bytes = this.bytes;
    const p = this.offset;
    const tag = this.peek();
    let size: number;
    let value: number;
    if (tag >= 0x80 && tag <= 0xbf) {
      this.offset = p + 1;
      return tag - 0x90;
    }
    if (tag >= 0xc0 && tag <= 0xcf) {
      size = 2;
      value = ((tag - 0xc8) << 8) + bytes[p + 1]!;
    } else if (tag >= 0xd0 && tag <= 0xd7) {
      size = 3;
      value = ((tag - 0xd4) << 16) + (bytes[p + 1]! << 8) + bytes[p + 2]!;
    } else if (tag === TAG_INT) {
      size = 5;
      value = (bytes[p + 1]! << 24) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 8) | bytes[p + 4]!;
    } else {
      if (tag < 0) throw this.cutOff(p);
      throw hessianError(`expected an int, found tag ${hexTag(tag)}`, p);
    }
    if (p + size > this.end) throw this.cutOff(p);
    this.offset = p + size;
    return value;
  }

  /**
   * Enters a map, typed or not: true when keys and values follow until {@link endMap}, false for null.
   * Anything else is an error. The map itself is counted by nothing: its caller walks it.
   */
  beginMap(): boolean {
    const tag = this.peek();
    if (tag === TAG_MAP) this.offset += 1;
    else if (tag === TAG_TYPED_MAP) this.offset = this.skipType(this.offset + 1);
    else if (tag === TAG_NULL) this.offset += 1;
    else if (tag < 0) throw this.cutOff(this.offset);
    else throw hessianError(`expected a map, found tag ${hexTag(tag)}`, this.offset);
    return tag !== TAG_NULL;
  }

  /** In key position of a map: whether the map ends here. Steps over the end when it does. */
  endMap(): boolean {
    const tag = this.peek();
    if (tag < 0) throw this.cutOff(this.offset);
    if (tag === TAG_END) this.offset += 1;
    return tag === TAG_END;
  }

  protected stringTag(): number {
    const tag = this.peek();
    if (tag === TAG_NULL || isStringTag(tag)) return tag;
    if (tag < 0) throw this.cutOff(this.offset);
    throw hessianError(`expected a string, found tag ${hexTag(tag)}`, this.offset);
  }

  /** Bytes of a string's tag and length; sets rangeUnits. */
  protected textHead(tag: number, p: number): number {
    const bytes = this.bytes;
    if (tag < 0x20) {
      this.rangeUnits = tag;
      return 1;
    }
    const size = tag <= 0x33 ? 2 : 3;
    if (p + size > this.end) throw this.cutOff(p);
    this.rangeUnits = size === 2 ? ((tag - 0x30) << 8) | bytes[p + 1]! : (bytes[p + 1]! << 8) | bytes[p + 2]!;
    return size;
  }

  /** Walks over a string with all its chunks; `p` is at its tag. */
  protected skipText(first: number, start: number): number {
    let tag = first;
    let p = start;
    let units = 0;
    for (let chunks = 1; ; chunks++) {
      const head = this.textHead(tag, p);
      units += this.rangeUnits;
      if (units > this.limits.maxStringUnits) {
        throw hessianError(`string is over maxStringUnits ${this.limits.maxStringUnits}`, p);
      }
      p = skipUnits(this.bytes, p + head, this.rangeUnits, this.end);
      if (tag !== TAG_STRING_CHUNK) return p;
      if (chunks >= this.limits.maxChunks) throw this.tooManyChunks(p);
      if (p >= this.end) throw this.cutOff(p);
      tag = this.bytes[p]!;
      if (!isStringTag(tag)) throw hessianError(`expected the next chunk of a string, found tag ${hexTag(tag)}`, p);
    }
  }

  /** A type is its name, or the number of a name that came before. */
  protected skipType(p: number): number {
    this.offset = p;
    if (this.isString()) return this.skipText(this.bytes[p]!, p);
    if (this.readInt() < 0) throw hessianError("type number under 0", p);
    return this.offset;
  }

  protected cutOff(p: number): Error {
    return hessianError("value is cut off", Math.min(p, this.end));
  }

  protected tooShort(count: number, p: number): Error {
    return hessianError(`${count} values announced with ${Math.max(0, this.end - p)} bytes left`, p);
  }

  protected tooManyValues(p: number): Error {
    return hessianError(`more values than maxValues ${this.limits.maxValues}`, p);
  }

  protected tooManyChunks(p: number): Error {
    return hessianError(`more chunks than maxChunks ${this.limits.maxChunks}`, p);
  }
}

/** Whether a value with this tag is a string. */
export function isStringTag(tag: number): boolean {
  return (tag >= 0 && tag <= 0x1f) || (tag >= 0x30 && tag <= 0x33) || tag === TAG_STRING || tag === TAG_STRING_CHUNK;
}

/** A tag as the specification writes it. */
export function hexTag(tag: number): string {
  return "0x" + tag.toString(16).padStart(2, "0");
}
