/**
 * Reads JSONB values into the value tree that hessian2/reader.ts makes of the same objects, as far as the bytes tell: JSONB
 * names no class where the declared type says it, so a field's object may be a map without a class.
 */
import { hexTag } from "../hessian2/cursor.ts";
import { classValue, enumValue } from "../hessian2/java.ts";
import { type ContainerValue, isContainer, type MapEntry, objectValue, type Value } from "../value.ts";
import {
  type Fastjson2Limits,
  fastjson2Error,
  MAX_RECURSION,
  READ_LIMITS,
  TAG_ARRAY,
  TAG_ARRAY_0,
  TAG_BINARY,
  TAG_CHAR,
  TAG_END,
  TAG_NULL,
  TAG_OBJECT,
  TAG_REFERENCE,
  TAG_SYMBOL,
  TAG_TYPED,
} from "./constants.ts";
import { Fastjson2Cursor, isIntTag, isLongTag, isStringTag } from "./cursor.ts";
import { readJavaValue } from "./java.ts";
import { isTarget, keyText, memberAt, parsePath } from "./paths.ts";
import { isMapClass, longName } from "./types.ts";

/**
 * A reader over one value after another; symbols and references are those of one value, as Dubbo writes each on its own.
 * Throws ProtocolError("fastjson2", ...) on anything that is not JSONB or is over a limit (defaults: READ_LIMITS), and nothing
 * else. Nothing returned holds on to the bytes.
 */
export class Fastjson2Reader extends Fastjson2Cursor {
  #symbols = new Map<number, string>();
  /** The containers being read, outermost first, and where in each the reading is. */
  readonly #open: ContainerValue[] = [];
  readonly #at: (string | number | undefined)[] = [];
  #root: ContainerValue | undefined;
  #lastPath = "";
  #values = 0;
  #budget = { steps: 0 };

  constructor(limits: Partial<Fastjson2Limits> = {}) {
    const all = { ...READ_LIMITS, ...limits };
    super({ ...all, maxDepth: Math.min(all.maxDepth, MAX_RECURSION) });
  }

  /** Reads the next value, with everything in it. */
  readValue(): Value {
    this.#symbols = new Map();
    this.#open.length = 0;
    this.#at.length = 0;
    this.#root = undefined;
    this.#lastPath = "";
    this.#values = 0;
    this.#budget = { steps: this.limits.maxReferenceSteps };
    return this.#value();
  }

  /** Told of each class that is named: as the type of a value, and under `@type`, by which beans' readers change their class. */
  protected onClass(_name: string): void {}

  #seeType(key: Value, value: Value): void {
    if (key === "@type" && typeof value === "string") this.onClass(longName(value));
  }

  #value(): Value {
    const tag = this.peek();
    if (tag < 0) throw this.cutOff(this.offset);
    if (tag === TAG_TYPED) return this.#typed();
    return this.#untyped(tag, null);
  }

  #untyped(tag: number, className: string | null): Value {
    const at = this.offset;
    if (++this.#values > this.limits.maxValues) {
      throw fastjson2Error(`more values than maxValues ${this.limits.maxValues}`, at);
    }
    if (isStringTag(tag)) return this.readString();
    if (isIntTag(tag)) return this.readInt();
    if (isLongTag(tag)) return this.readLong();
    if (tag >= TAG_ARRAY_0 && tag < TAG_ARRAY) {
      this.offset++;
      return this.#list(className, tag - TAG_ARRAY_0);
    }
    this.offset++;
    switch (tag) {
      case TAG_NULL:
        return null;
      case 0xb0:
      case 0xb1:
        return tag === 0xb1;
      case TAG_OBJECT:
        return this.#object(className);
      case TAG_ARRAY:
        return this.#list(className, this.readCount("array"));
      case TAG_SYMBOL:
        return this.#name();
      case TAG_REFERENCE:
        return this.#reference(this.readString(), at);
      case TAG_BINARY: {
        const length = this.readCount("binary");
        const start = this.take(length);
        return new Uint8Array(this.bytes.subarray(start, start + length));
      }
      case TAG_CHAR:
        return { type: "char", value: String.fromCharCode(this.readInt() & 0xffff) };
      case 0xb2:
      case 0xb3:
        return { type: "double", value: tag - 0xb2 };
      case 0xb4:
        return { type: "double", value: Number(this.readLong()) };
      case 0xb5:
        return { type: "double", value: this.bytes.readDoubleBE(this.take(8)) };
      case 0xb6:
        return { type: "float", value: Math.fround(this.readInt()) };
      case 0xb7:
        return { type: "float", value: this.bytes.readFloatBE(this.take(4)) };
      case 0xab:
        return { type: "date", ms: this.bytes.readBigInt64BE(this.take(8)) };
      case 0xac:
        return { type: "date", ms: BigInt(this.bytes.readInt32BE(this.take(4))) * 1000n };
      case 0xad:
        return { type: "date", ms: BigInt(this.bytes.readInt32BE(this.take(4))) * 60_000n };
      case 0xa7:
      case 0xa8:
      case 0xa9:
      case 0xaa:
      case 0xae:
      case 0xb8:
      case 0xb9:
      case 0xba:
      case 0xbb:
        return readJavaValue(this, tag);
      case TAG_END:
        throw fastjson2Error("end of an object outside one", at);
      default:
        throw fastjson2Error(`unknown tag ${hexTag(tag)}`, at);
    }
  }

  #typed(): Value {
    this.offset++;
    const className = longName(this.#name());
    this.onClass(className);
    const tag = this.peek();
    if (tag < 0) throw this.cutOff(this.offset);
    if (tag === TAG_TYPED) throw fastjson2Error("type of a type", this.offset);
    const value = this.#untyped(tag, className);
    if (typeof value === "string" && tag !== TAG_SYMBOL) {
      if (className === "java.lang.Class") return classValue(value);
      return className === "[char" || className === "java.lang.String" ? value : enumValue(className, value);
    }
    const isAtomic = className.startsWith("java.util.concurrent.atomic.");
    return isAtomic && value !== null && !isContainer(value) ? objectValue(className, [["value", value]]) : value;
  }

  /** Text that is given a number here, or the text of a number. */
  #name(): string {
    const at = this.offset;
    const text = isStringTag(this.peek()) ? this.readString() : undefined;
    const symbol = this.readInt();
    if (text === undefined) {
      const known = this.#symbols.get(symbol);
      if (known === undefined) throw fastjson2Error(`symbol ${symbol} is not known`, at);
      return known;
    }
    if (this.#symbols.size >= this.limits.maxSymbols && !this.#symbols.has(symbol)) {
      throw fastjson2Error(`more symbols than maxSymbols ${this.limits.maxSymbols}`, at);
    }
    this.#symbols.set(symbol, text);
    return text;
  }

  #enter(container: ContainerValue): number {
    const depth = this.#open.length;
    if (depth >= this.limits.maxDepth) {
      throw fastjson2Error(`values nested deeper than maxDepth ${this.limits.maxDepth}`, this.offset);
    }
    this.#root ??= container;
    this.#open.push(container);
    this.#at.push(undefined);
    return depth;
  }

  #leave<T extends ContainerValue>(container: T): T {
    this.#open.pop();
    this.#at.pop();
    return container;
  }

  #list(className: string | null, count: number): Value {
    if (count > this.end - this.offset) {
      throw fastjson2Error(`array of length ${count} is cut off`, this.offset);
    }
    const items: Value[] = [];
    const list = { type: "list", className, items } as const;
    const depth = this.#enter(list);
    for (let i = 0; i < count; i++) {
      this.#at[depth] = i;
      items.push(this.#value());
    }
    return this.#leave(list);
  }

  /**
   * Names of fields are symbols, keys of maps are not; Java's own map classes never have fields. fastjson2 2.0.52 writes
   * null once more behind some fields that are references (fixtures/wire, "Node shared"): Java keeps the reference.
   */
  #object(className: string | null): Value {
    const isMap =
      className === null || isMapClass(className) || !(this.peek() === TAG_SYMBOL || this.peek() === TAG_END);
    if (isMap) return this.#map(className);
    const fields: string[] = [];
    const values: Value[] = [];
    const object = { type: "object", shape: { name: className, fields }, values } as const;
    const depth = this.#enter(object);
    while (this.#more()) {
      const at = this.offset;
      const name = this.#value();
      if (typeof name !== "string") throw fastjson2Error("field name is no text", at);
      this.#at[depth] = name;
      const value = this.#value();
      this.#seeType(name, value);
      if (value === null && fields.at(-1) === name) continue;
      fields.push(name);
      values.push(value);
    }
    return this.#leave(object);
  }

  #map(className: string | null): Value {
    const entries: MapEntry[] = [];
    const map = { type: "map", className, entries } as const;
    const depth = this.#enter(map);
    while (this.#more()) {
      this.#at[depth] = undefined;
      const key = this.#value();
      this.#at[depth] = keyText(key);
      const value = this.#value();
      this.#seeType(key, value);
      if (value === null && typeof key === "string" && entries.at(-1)?.[0] === key) continue;
      entries.push([key, value]);
    }
    return this.#leave(map);
  }

  /** Whether the object goes on; its end is stepped over. */
  #more(): boolean {
    if (this.peek() !== TAG_END) return true;
    this.offset++;
    return false;
  }

  #reference(text: string, at: number): ContainerValue {
    const path = text === "#-1" ? this.#lastPath : text;
    this.#lastPath = path;
    // "#-1" says a long path again in four bytes: what it costs to follow is its length's.
    this.#budget.steps -= path.length >> 2;
    const target = path === ".." ? this.#open.at(-1) : this.#follow(parsePath(path));
    if (this.#budget.steps <= 0) {
      throw fastjson2Error(
        `references look at more than maxReferenceSteps ${this.limits.maxReferenceSteps} members`,
        at,
      );
    }
    if (!isTarget(target)) throw fastjson2Error(`reference ${text.slice(0, 80)} leads nowhere`, at);
    return target;
  }

  #follow(steps: readonly (string | number)[] | undefined): Value | undefined {
    if (steps === undefined || this.#budget.steps <= 0) return undefined;
    let value: Value | undefined = this.#root;
    this.#budget.steps -= steps.length + 1;
    for (let depth = 0; depth < steps.length && value !== undefined; depth++) {
      const step: string | number = steps[depth]!;
      // A container that is still being read is in no other one yet.
      const isOpen: boolean = value === this.#open[depth] && this.#open[depth + 1] !== undefined;
      value =
        isOpen && String(this.#at[depth]) === String(step)
          ? this.#open[depth + 1]
          : memberAt(value, step, this.#budget);
    }
    return value;
  }
}

/** One value that fills the bytes. Throws as {@link Fastjson2Reader}, and where bytes are left. */
export function decodeFastjson2(bytes: Uint8Array, limits?: Partial<Fastjson2Limits>): Value {
  const reader = new Fastjson2Reader(limits).reset(bytes);
  const value = reader.readValue();
  if (!reader.done) throw fastjson2Error(`${reader.end - reader.offset} bytes behind the value`, reader.offset);
  return value;
}
