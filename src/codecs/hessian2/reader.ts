/**
 * Reads Hessian2 values into the value tree: every form of constants.ts, class definitions anywhere, references to
 * anything that has begun. One reader serves one body: definitions, types and references are numbered over all of it.
 */
import type { ClassShape, ContainerValue, ListValue, MapValue, ObjectValue, Value } from "../value.ts";
import {
  type Hessian2Limits,
  hessianError,
  isCompactTime,
  MAX_RECURSION,
  READ_LIMITS,
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

/**
 * A reader over one body at a time. Throws ProtocolError("hessian2", ...) on anything that is not Hessian2 or is over a
 * limit (defaults: READ_LIMITS), and nothing else; after an error only `reset` makes it usable again.
 * Bytes of strings and binaries are copied: nothing returned holds on to the body.
 */
export class Hessian2Reader extends Hessian2Cursor {
  #definitions: ClassShape[] = [];
  /** Values that an instance of each definition has on the wire: one for a compact java.time class, else one a field. */
  #arities: number[] = [];
  #types: string[] = [];
  #refs: ContainerValue[] = [];
  #values = 0;
  #depth = 0;

  constructor(limits: Partial<Hessian2Limits> = {}) {
    const all = { ...READ_LIMITS, ...limits };
    super({ ...all, maxDepth: Math.min(all.maxDepth, MAX_RECURSION) });
  }

  override reset(bytes: Uint8Array, offset = 0, end: number = bytes.length): this {
    this.#definitions = [];
    this.#arities = [];
    this.#types = [];
    this.#refs = [];
    this.#values = 0;
    this.#depth = 0;
    return super.reset(bytes, offset, end);
  }

  /** Reads `count` values. */
  readValues(count: number): Value[] {
    const values: Value[] = [];
    for (let i = 0; i < count; i++) values.push(this.readValue());
    return values;
  }

  /** Reads the next value, with everything in it. */
  readValue(): Value {
    let tag = this.peek();
    while (tag === TAG_CLASS) {
      this.#readDefinition();
      tag = this.peek();
    }
    const start = this.offset;
    if (tag < 0) throw this.cutOff(start);
    if (++this.#values > this.limits.maxValues) throw this.tooManyValues(start);
    if (isStringTag(tag)) return this.readString();
    if (tag >= 0x80) return this.#readNumber(tag);
    if (tag >= 0x60) return this.#readCompact(tag);
    if ((tag >= 0x20 && tag <= 0x37) || tag === TAG_BINARY || tag === TAG_BINARY_CHUNK) return this.#readBinary();
    if (tag >= 0x38 && tag <= 0x3f) return BigInt(((tag - 0x3c) << 16) + this.#take(3).readUInt16BE(start + 1));
    switch (tag) {
      case TAG_NULL:
        this.offset += 1;
        return null;
      case TAG_TRUE:
      case TAG_FALSE:
        this.offset += 1;
        return tag === TAG_TRUE;
      case TAG_INT:
        return this.readInt();
      case TAG_LONG_INT:
        return BigInt(this.#take(5).readInt32BE(start + 1));
      case TAG_LONG:
        return this.#take(9).readBigInt64BE(start + 1);
      case TAG_DATE_MS:
        return { type: "date", ms: this.#take(9).readBigInt64BE(start + 1) };
      case TAG_DATE_MINUTES:
        return { type: "date", ms: BigInt(this.#take(5).readInt32BE(start + 1)) * 60_000n, minutes: true };
      case TAG_DOUBLE_ZERO:
      case TAG_DOUBLE_ONE:
        this.offset += 1;
        return { type: "double", value: tag - TAG_DOUBLE_ZERO };
      case TAG_DOUBLE_BYTE:
        return { type: "double", value: this.#take(2).readInt8(start + 1) };
      case TAG_DOUBLE_SHORT:
        return { type: "double", value: this.#take(3).readInt16BE(start + 1) };
      case TAG_DOUBLE_MILLI: {
        // Java multiplies, which is not always the nearest double to the thousandths; its writers check that this product is the value.
        const milli = this.#take(5).readInt32BE(start + 1);
        return { type: "double", value: 0.001 * milli, milli };
      }
      case TAG_DOUBLE:
        return { type: "double", value: this.#take(9).readDoubleBE(start + 1) };
      case TAG_REF:
        return this.#readRef();
      case TAG_MAP:
      case TAG_TYPED_MAP:
        this.offset += 1;
        return this.#readMap(tag === TAG_MAP ? null : this.#readType());
      case TAG_LIST:
      case TAG_TYPED_LIST: {
        this.offset += 1;
        const className = tag === TAG_LIST ? null : this.#readType();
        return this.#readList(className, this.readInt());
      }
      case TAG_VARIABLE_LIST:
      case TAG_TYPED_VARIABLE_LIST:
        this.offset += 1;
        return this.#readVariableList(tag === TAG_VARIABLE_LIST ? null : this.#readType());
      case TAG_OBJECT:
        this.offset += 1;
        return this.#readObject(this.readInt(), start);
      case TAG_END:
        throw hessianError("end of a list or map outside one", start);
      default:
        throw hessianError(`unknown tag ${hexTag(tag)}`, start);
    }
  }

  /** Steps over `size` bytes, tag included, that must be there; returns the whole body to read them from. */
  #take(size: number): Buffer {
    if (size > this.end - this.offset) throw this.cutOff(this.offset);
    this.offset += size;
    return this.bytes;
  }

  #readNumber(tag: number): number | bigint {
    if (tag <= 0xd7) return this.readInt();
    if (tag <= 0xef) {
      this.offset += 1;
      return BigInt(tag - 0xe0);
    }
    const at = this.offset + 1;
    return BigInt(((tag - 0xf8) << 8) + this.#take(2)[at]!);
  }

  /** Tags 60 to 7f: objects and lists whose number stands in the tag. */
  #readCompact(tag: number): Value {
    const start = this.offset;
    this.offset += 1;
    if (tag <= 0x6f) return this.#readObject(tag - 0x60, start);
    if (tag <= 0x77) return this.#readList(this.#readType(), tag - 0x70);
    return this.#readList(null, tag - 0x78);
  }

  #readBinary(): Uint8Array {
    const bytes = this.bytes;
    const parts: Buffer[] = [];
    for (;;) {
      const p = this.offset;
      const tag = this.peek();
      let head = 3;
      if (tag < 0) throw this.cutOff(p);
      if (tag >= 0x20 && tag <= 0x2f) head = 1;
      else if (tag >= 0x34 && tag <= 0x37) head = 2;
      else if (tag !== TAG_BINARY && tag !== TAG_BINARY_CHUNK) {
        throw hessianError(`expected the next chunk of a binary, found tag ${hexTag(tag)}`, p);
      }
      if (head > this.end - p) throw this.cutOff(p);
      const length =
        head === 1 ? tag - 0x20 : head === 2 ? ((tag - 0x34) << 8) | bytes[p + 1]! : bytes.readUInt16BE(p + 1);
      if (length > this.end - p - head) throw hessianError(`binary of ${length} bytes is cut off`, p);
      this.offset = p + head + length;
      if (parts.length >= this.limits.maxChunks) throw this.tooManyChunks(p);
      parts.push(bytes.subarray(p + head, this.offset));
      if (tag !== TAG_BINARY_CHUNK) return new Uint8Array(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
    }
  }

  #readType(): string {
    const p = this.offset;
    if (this.isString()) {
      const name = this.readString() ?? "";
      this.#types.push(name);
      return name;
    }
    const index = this.readInt();
    const name = this.#types[index];
    if (name === undefined) throw hessianError(`type ${index}, of which there are ${this.#types.length}`, p);
    return name;
  }

  #readRef(): ContainerValue {
    const p = this.offset;
    this.offset += 1;
    const index = this.readInt();
    const target = this.#refs[index];
    if (target === undefined) throw hessianError(`reference ${index}, of which there are ${this.#refs.length}`, p);
    return target;
  }

  #enter<T extends ContainerValue>(container: T): T {
    if (++this.#depth > this.limits.maxDepth) {
      throw hessianError(`values nested deeper than maxDepth ${this.limits.maxDepth}`, this.offset);
    }
    this.#refs.push(container);
    return container;
  }

  #readList(className: string | null, count: number): ListValue {
    if (count < 0) throw hessianError(`list of ${count} values`, this.offset);
    if (count > this.end - this.offset) throw this.tooShort(count, this.offset);
    const list = this.#enter<ListValue>({ type: "list", className, items: [] });
    for (let i = 0; i < count; i++) list.items.push(this.readValue());
    this.#depth -= 1;
    return list;
  }

  #readVariableList(className: string | null): ListValue {
    const list = this.#enter<ListValue>({ type: "list", className, items: [], variable: true });
    while (!this.endMap()) list.items.push(this.readValue());
    this.#depth -= 1;
    return list;
  }

  #readMap(className: string | null): MapValue {
    const map = this.#enter<MapValue>({ type: "map", className, entries: [] });
    while (!this.endMap()) {
      const key = this.readValue();
      map.entries.push([key, this.readValue()]);
    }
    this.#depth -= 1;
    return map;
  }

  #readObject(index: number, start: number): ObjectValue {
    const shape = this.#definitions[index];
    if (shape === undefined) {
      throw hessianError(`object of class definition ${index}, of which there are ${this.#definitions.length}`, start);
    }
    const arity = this.#arities[index]!;
    if (arity > this.end - this.offset) throw this.tooShort(arity, this.offset);
    const object = this.#enter<ObjectValue>({ type: "object", shape, values: [] });
    for (let i = 0; i < arity; i++) object.values.push(this.readValue());
    this.#depth -= 1;
    return object;
  }

  #readDefinition(): void {
    const { maxDefinitions, maxFields } = this.limits;
    if (this.#definitions.length >= maxDefinitions) {
      throw hessianError(`more class definitions than maxDefinitions ${maxDefinitions}`, this.offset);
    }
    this.offset += 1;
    const name = this.#readName("class definition without a name");
    const countAt = this.offset;
    const count = this.readInt();
    if (count < 0 || count > maxFields) {
      throw hessianError(`class definition of ${count} fields is over maxFields ${maxFields}`, countAt);
    }
    if (count > this.end - this.offset) throw this.tooShort(count, countAt);
    const fields: string[] = [];
    for (let i = 0; i < count; i++) fields.push(this.#readName("class definition with a field without a name"));
    this.#values += count;
    this.#definitions.push({ name, fields });
    this.#arities.push(count === 0 && isCompactTime(name) ? 1 : count);
  }

  #readName(fault: string): string {
    if (!this.isString()) {
      if (this.done) throw this.cutOff(this.offset);
      throw hessianError(fault, this.offset);
    }
    return this.readString() ?? "";
  }
}

/** Reads a body that is one value and nothing behind it. */
export function decodeHessian2(bytes: Uint8Array, limits?: Partial<Hessian2Limits>): Value {
  const reader = new Hessian2Reader(limits).reset(bytes);
  const value = reader.readValue();
  if (!reader.done) throw hessianError(`${bytes.length - reader.offset} bytes behind the value`, reader.offset);
  return value;
}
