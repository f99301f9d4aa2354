/**
 * Walks Hessian2 values without building them: how the proxy gets past a call's arguments to its attachments, and how a
 * peer is shielded from bodies that would exhaust it. One instance serves many bodies; nothing is allocated per value.
 *
 * Only the field counts of class definitions are kept, over the whole body: an attachment may use a definition that an
 * argument made. References and type names are passed by; their numbers need no table here.
 */
import {
  type Hessian2Limits,
  hessianError,
  isCompactTime,
  SKIP_LIMITS,
  TAG_BINARY,
  TAG_BINARY_CHUNK,
  TAG_CLASS,
  TAG_DATE_MINUTES,
  TAG_DATE_MS,
  TAG_DOUBLE,
  TAG_DOUBLE_BYTE,
  TAG_DOUBLE_MILLI,
  TAG_DOUBLE_ONE,
  TAG_DOUBLE_SHORT,
  TAG_DOUBLE_ZERO,
  TAG_END,
  TAG_FALSE,
  TAG_INT,
  TAG_LIST,
  TAG_LONG,
  TAG_LONG_INT,
  TAG_MAP,
  TAG_NULL,
  TAG_OBJECT,
  TAG_REF,
  TAG_TRUE,
  TAG_TYPED_LIST,
  TAG_TYPED_MAP,
  TAG_TYPED_VARIABLE_LIST,
  TAG_VARIABLE_LIST,
} from "./constants.ts";
import { Hessian2Cursor, hexTag, isStringTag } from "./cursor.ts";
import { skipUnits, sliceUnits } from "./strings.ts";

/** Frames of the walk's stack: over 0 is a count of values still to come, under 0 one of these. */
const UNTIL_END = -1;
const MAP_KEY = -2;
const MAP_VALUE = -3;

/** Bytes behind the tag of scalars of fixed size; under 0 for everything else. */
const FIXED_SIZE = new Int8Array(256).fill(-1);
const SHORT_STRING = -2;
for (let tag = 0x30; tag <= 0x33; tag++) FIXED_SIZE[tag] = SHORT_STRING;
for (let tag = 0x38; tag <= 0x3f; tag++) FIXED_SIZE[tag] = 2;
for (let tag = 0x80; tag <= 0xbf; tag++) FIXED_SIZE[tag] = 0;
for (let tag = 0xc0; tag <= 0xcf; tag++) FIXED_SIZE[tag] = 1;
for (let tag = 0xd0; tag <= 0xd7; tag++) FIXED_SIZE[tag] = 2;
for (let tag = 0xd8; tag <= 0xef; tag++) FIXED_SIZE[tag] = 0;
for (let tag = 0xf0; tag <= 0xff; tag++) FIXED_SIZE[tag] = 1;
for (let tag = 0x20; tag <= 0x2f; tag++) FIXED_SIZE[tag] = tag - 0x20;
for (const tag of [TAG_NULL, TAG_TRUE, TAG_FALSE, TAG_DOUBLE_ZERO, TAG_DOUBLE_ONE]) FIXED_SIZE[tag] = 0;
FIXED_SIZE[TAG_DOUBLE_BYTE] = 1;
FIXED_SIZE[TAG_DOUBLE_SHORT] = 2;
for (const tag of [TAG_INT, TAG_LONG_INT, TAG_DATE_MINUTES, TAG_DOUBLE_MILLI]) FIXED_SIZE[tag] = 4;
for (const tag of [TAG_LONG, TAG_DATE_MS, TAG_DOUBLE]) FIXED_SIZE[tag] = 8;

/**
 * A walker over one body at a time. Every method throws ProtocolError("hessian2", ...) on bytes that are not Hessian2,
 * that end too early or that go over a limit; after an error only {@link reset} makes the instance usable again.
 */
export class Skipper extends Hessian2Cursor {
  readonly #stack: Int32Array;
  #fieldCounts = new Int32Array(64);
  #definitions = 0;
  #values = 0;

  constructor(limits: Partial<Hessian2Limits> = {}) {
    super({ ...SKIP_LIMITS, ...limits });
    this.#stack = new Int32Array(this.limits.maxDepth + 1);
  }

  override reset(bytes: Uint8Array, offset = 0, end: number = bytes.length): this {
    this.#definitions = 0;
    this.#values = 0;
    return super.reset(bytes, offset, end);
  }

  /** Walks over `count` values, with everything in them. */
  skipValues(count: number): void {
    const bytes = this.bytes;
    const end = this.end;
    const stack = this.#stack;
    const maxDepth = this.limits.maxDepth;
    let p = this.offset;
    let values = this.#values;
    let depth = 0;
    let frame = count;
    for (;;) {
      while (frame === 0) {
        if (depth === 0) {
          this.offset = p;
          this.#values = values;
          return;
        }
        frame = stack[--depth]!;
      }
      if (p >= end) throw this.cutOff(p);
      const tag = bytes[p]!;
      if (frame < 0) {
        if (tag === TAG_END && frame !== MAP_VALUE) {
          p += 1;
          frame = 0;
          continue;
        }
      }
      if (tag === TAG_CLASS) {
        p = this.#skipDefinition(p + 1);
        // A definition stands before a value and is none: its slot stays open, and no end may follow in its place.
        if (p < end && bytes[p] === TAG_END) throw hessianError("class definition without a value behind it", p);
        continue;
      }
      if (++values > this.limits.maxValues) throw this.tooManyValues(p);
      if (frame > 0) frame -= 1;
      else if (frame === MAP_KEY) frame = MAP_VALUE;
      else if (frame === MAP_VALUE) frame = MAP_KEY;

      const size = FIXED_SIZE[tag]!;
      if (size >= 0) {
        p += 1 + size;
        if (p > end) throw this.cutOff(p - 1 - size);
        continue;
      }
      if (tag < 0x20) {
        p = skipUnits(bytes, p + 1, tag, end);
        continue;
      }
      if (size === SHORT_STRING && p + 1 < end) {
        p = skipUnits(bytes, p + 2, ((tag - 0x30) << 8) | bytes[p + 1]!, end);
        continue;
      }
      let next: number;
      if (tag >= 0x60 && tag <= 0x7f) {
        if (tag >= 0x78) {
          next = tag - 0x78;
          p += 1;
          if (next > end - p) throw this.tooShort(next, p);
        } else if (tag >= 0x70) {
          next = tag - 0x70;
          p = this.skipType(p + 1);
          if (next > end - p) throw this.tooShort(next, p);
        } else {
          next = this.#fieldCount(tag - 0x60, p);
          p += 1;
        }
      } else {
        switch (tag) {
          case TAG_OBJECT:
            this.offset = p + 1;
            next = this.#fieldCount(this.readInt(), p);
            p = this.offset;
            break;
          case TAG_MAP:
            p += 1;
            next = MAP_KEY;
            break;
          case TAG_TYPED_MAP:
            p = this.skipType(p + 1);
            next = MAP_KEY;
            break;
          case TAG_VARIABLE_LIST:
            p += 1;
            next = UNTIL_END;
            break;
          case TAG_TYPED_VARIABLE_LIST:
            p = this.skipType(p + 1);
            next = UNTIL_END;
            break;
          case TAG_LIST:
          case TAG_TYPED_LIST: {
            p = tag === TAG_LIST ? p + 1 : this.skipType(p + 1);
            this.offset = p;
            next = this.readInt();
            if (next < 0) throw hessianError(`list of ${next} values`, p);
            p = this.offset;
            if (next > end - p) throw this.tooShort(next, p);
            break;
          }
          case TAG_REF:
            this.offset = p + 1;
            if (this.readInt() < 0) throw hessianError("reference under 0", p);
            p = this.offset;
            continue;
          default:
            p = this.#skipLongForm(tag, p);
            continue;
        }
      }
      if (next === 0) continue;
      if (depth >= maxDepth) throw hessianError(`values nested deeper than maxDepth ${maxDepth}`, p);
      stack[depth++] = frame;
      frame = next;
    }
  }

  /** Walks over a string or binary that does not have a direct form; `p` is at its tag. */
  #skipLongForm(tag: number, start: number): number {
    if (isStringTag(tag)) return this.skipText(tag, start);
    const bytes = this.bytes;
    let at = tag;
    let p = start;
    for (let chunks = 1; ; chunks++) {
      let length: number;
      let head = 3;
      if (at === TAG_BINARY || at === TAG_BINARY_CHUNK) {
        length = (bytes[p + 1]! << 8) | bytes[p + 2]!;
      } else if (at >= 0x34 && at <= 0x37) {
        length = ((at - 0x34) << 8) | bytes[p + 1]!;
        head = 2;
      } else if (at >= 0x20 && at <= 0x2f && chunks > 1) {
        length = at - 0x20;
        head = 1;
      } else if (chunks > 1) {
        throw hessianError(`expected the next chunk of a binary, found tag ${hexTag(at)}`, p);
      } else {
        throw hessianError(at === TAG_END ? "end of a list or map outside one" : `unknown tag ${hexTag(at)}`, p);
      }
      if (p + head > this.end) throw this.cutOff(p);
      if (length > this.end - p - head) throw hessianError(`binary of ${length} bytes is cut off`, p);
      p += head + length;
      if (at !== TAG_BINARY_CHUNK) return p;
      if (chunks >= this.limits.maxChunks) throw this.tooManyChunks(p);
      if (p >= this.end) throw this.cutOff(p);
      at = bytes[p]!;
    }
  }

  #skipDefinition(p: number): number {
    const limits = this.limits;
    if (this.#definitions >= limits.maxDefinitions) {
      throw hessianError(`more class definitions than maxDefinitions ${limits.maxDefinitions}`, p);
    }
    this.offset = p;
    if (!this.isString()) throw hessianError("class definition without a name", p);
    const kind = this.readStringRange();
    this.onClass(p, kind === "whole");
    const nameStart = this.rangeStart;
    const nameLength = this.rangeLength;
    const countAt = this.offset;
    const fields = this.readInt();
    if (fields < 0 || fields > limits.maxFields) {
      throw hessianError(`class definition of ${fields} fields is over maxFields ${limits.maxFields}`, countAt);
    }
    if (fields > this.end - this.offset) throw this.tooShort(fields, countAt);
    let at = this.offset;
    for (let i = 0; i < fields; i++) {
      if (at >= this.end) throw this.cutOff(at);
      const tag = this.bytes[at]!;
      if (!isStringTag(tag)) throw hessianError(`expected a field's name, found tag ${hexTag(tag)}`, at);
      at = tag < 0x20 ? skipUnits(this.bytes, at + 1, tag, this.end) : this.skipText(tag, at);
    }
    if (this.#definitions === this.#fieldCounts.length) this.#growDefinitions();
    const compact = fields === 0 && kind === "whole" && this.#isCompactTime(nameStart, nameLength);
    this.#fieldCounts[this.#definitions++] = compact ? 1 : fields;
    return at;
  }

  /** A class definition's name was passed: it begins at `at`, and the range fields tell where it is if it is `whole`. To be overridden. */
  protected onClass(_at: number, _whole: boolean): void {}

  #growDefinitions(): void {
    const grown = new Int32Array(Math.min(this.#fieldCounts.length * 4, this.limits.maxDefinitions));
    grown.set(this.#fieldCounts);
    this.#fieldCounts = grown;
  }

  #isCompactTime(start: number, length: number): boolean {
    return length === 19 && isCompactTime(sliceUnits(this.bytes, start, start + length, length));
  }

  #fieldCount(index: number, p: number): number {
    if (index < 0 || index >= this.#definitions) {
      throw hessianError(`object of class definition ${index}, of which there are ${this.#definitions}`, p);
    }
    const count = this.#fieldCounts[index]!;
    if (count > this.end - p - 1) throw this.tooShort(count, p);
    return count;
  }
}
