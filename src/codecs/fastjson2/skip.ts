/**
 * Walks JSONB values without building them: the same bytes are taken as by the reader, with nothing kept but a stack.
 * Symbols are passed by, their numbers are not looked up; paths of references are not followed.
 */
import { hexTag } from "../hessian2/cursor.ts";
import { type Fastjson2Limits, fastjson2Error, SKIP_LIMITS, TAG_END, TAG_SYMBOL, TAG_TYPED } from "./constants.ts";
import { Fastjson2Cursor, isIntTag, isLongTag, isStringTag } from "./cursor.ts";

/** In the walk's stack: over 0 a count of values still to come, else one of these. */
const KEY = -1;
const MEMBER = -2;

/** Bytes behind the tag of scalars of fixed size; -1 for everything else. */
const FIXED_SIZE = new Int8Array(256).fill(-1);
for (const [tag, size] of [
  [0xb0, 0],
  [0xb1, 0],
  [0xaf, 0],
  [0xb2, 0],
  [0xb3, 0],
  [0xb5, 8],
  [0xb7, 4],
  [0xa9, 4],
  [0xab, 8],
  [0xac, 4],
  [0xad, 4],
] as const) {
  FIXED_SIZE[tag] = size;
}

/** A walker over one value after another; after an error only `reset` makes it usable again. */
export class Fastjson2Skipper extends Fastjson2Cursor {
  readonly #stack: Int32Array;

  constructor(limits: Partial<Fastjson2Limits> = {}) {
    super({ ...SKIP_LIMITS, ...limits });
    this.#stack = new Int32Array(this.limits.maxDepth + 1);
  }

  /** Walks over one value, with everything in it. */
  skipValue(): void {
    const { maxDepth, maxValues } = this.limits;
    let depth = 0;
    let frame = 1;
    let typed = false;
    for (let values = 1; ; ) {
      while (frame === 0) {
        if (depth === 0) return;
        frame = this.#stack[--depth]!;
      }
      const at = this.offset;
      const tag = this.peek();
      if (tag < 0) throw this.cutOff(at);
      if (frame === KEY && tag === TAG_END) {
        this.offset++;
        frame = 0;
        continue;
      }
      if (tag === TAG_TYPED) {
        if (typed) throw fastjson2Error("type of a type", at);
        this.offset++;
        this.#skipName();
        typed = true;
        continue;
      }
      typed = false;
      if (++values > maxValues) throw fastjson2Error(`more values than maxValues ${maxValues}`, at);
      if (frame > 0) frame--;
      else frame = frame === KEY ? MEMBER : KEY;
      const next = this.#skipOne(tag);
      if (next === 0) continue;
      if (depth >= maxDepth) throw fastjson2Error(`values nested deeper than maxDepth ${maxDepth}`, at);
      this.#stack[depth++] = frame;
      frame = next;
    }
  }

  /** Text and its number, or its number. */
  #skipName(): void {
    if (isStringTag(this.peek())) this.skipString();
    this.readInt();
  }

  /** Steps over a scalar, or over a container's beginning: then the frame that its values are walked under. */
  #skipOne(tag: number): number {
    const size = FIXED_SIZE[tag]!;
    if (size >= 0) this.take(1 + size);
    else if (isStringTag(tag)) this.skipString();
    else if (isIntTag(tag) || isLongTag(tag)) this.readLong();
    else if (tag >= 0x94 && tag <= 0xa3) {
      this.offset++;
      const count = tag - 0x94;
      if (count > this.end - this.offset) throw fastjson2Error(`array of length ${count} is cut off`, this.offset - 1);
      return count;
    } else return this.#skipLongForm(tag);
    return 0;
  }

  #skipLongForm(tag: number): number {
    const at = this.offset++;
    switch (tag) {
      case 0xa6:
        return KEY;
      case 0xa4:
        return this.readCount("array");
      case TAG_SYMBOL:
        this.#skipName();
        return 0;
      case 0x93:
        this.skipString();
        return 0;
      case 0x91:
        this.take(this.readCount("binary"));
        return 0;
      case 0xbb:
        this.take(this.readCount("number"));
        return 0;
      case 0xb9:
        this.readInt();
        if (this.peek() !== 0xbb) this.readLong();
        else this.#skipLongForm(0xbb);
        return 0;
      case 0x90:
      case 0xb6:
        this.readInt();
        return 0;
      case 0xb4:
      case 0xb8:
      case 0xba:
        this.readLong();
        return 0;
      case 0xae:
        this.readLong();
        this.readInt();
        return 0;
      case 0xa7:
        this.take(3);
        this.readInt();
        return 0;
      case 0xa8:
        this.take(7);
        this.readInt();
        return 0;
      case 0xaa:
        this.take(7);
        this.readInt();
        this.skipString();
        return 0;
      case TAG_END:
        throw fastjson2Error("end of an object outside one", at);
      default:
        throw fastjson2Error(`unknown tag ${hexTag(tag)}`, at);
    }
  }
}
