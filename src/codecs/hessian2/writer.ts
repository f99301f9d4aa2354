/**
 * Writes the value tree as Hessian2 in the forms that hessian-lite 3.2 and 4.0 write: the shortest one for ints, longs,
 * strings and lists, one definition for a class with the same fields, type names once. An object met again becomes a
 * reference; equal ones that are not the same object are written again, as Java accepts.
 */
import {
  type ClassShape,
  type ContainerValue,
  type ListValue,
  type MapValue,
  type ObjectValue,
  shortestFloat,
  type Value,
} from "../value.ts";
import {
  hessianError,
  isCompactTime,
  MAX_RECURSION,
  READ_LIMITS,
  TAG_CLASS,
  TAG_END,
  TAG_FALSE,
  TAG_LIST,
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
import { type Hessian2Forms, Hessian2Output } from "./output.ts";

/** How a body is written. */
export interface Hessian2WriterOptions {
  /** How numbers and dates are written; default `plain`. */
  readonly forms?: Hessian2Forms;
  /** Containers inside containers; default 256, at most 1,024. */
  readonly maxDepth?: number;
  /** Bytes of the whole body; default 64 MiB. */
  readonly maxBytes?: number;
}

/** A writer of one body at a time; values are appended in the order of the calls. */
export class Hessian2Writer extends Hessian2Output {
  readonly #maxDepth: number;
  #depth = 0;
  #refs = new Map<ContainerValue, number>();
  #types = new Map<string, number>();
  #shapes = new Map<ClassShape | string, number>();
  #definitions = 0;

  constructor(options: Hessian2WriterOptions = {}) {
    super(options.forms ?? "plain", options.maxBytes ?? 64 * 1024 * 1024);
    this.#maxDepth = Math.min(options.maxDepth ?? READ_LIMITS.maxDepth, MAX_RECURSION);
  }

  override takeOutput(): Buffer {
    const taken = super.takeOutput();
    this.#depth = 0;
    this.#refs = new Map();
    this.#types = new Map();
    this.#shapes = new Map();
    this.#definitions = 0;
    return taken;
  }

  /**
   * Appends a value. Throws ProtocolError when it is nested over maxDepth or the body grows over maxBytes, RangeError
   * for a number that is no Java int and a bigint that is no Java long.
   */
  writeValue(value: Value): this {
    switch (typeof value) {
      case "string":
        return this.writeString(value);
      case "number":
        return this.writeInt(value);
      case "bigint":
        return this.writeLong(value);
      case "boolean":
        return this.writeTag(value ? TAG_TRUE : TAG_FALSE);
      default:
        if (value === null) return this.writeTag(TAG_NULL);
        if (value instanceof Uint8Array) return this.writeBytes(value);
    }
    switch (value.type) {
      case "double":
        if (value.milli !== undefined && this.forms !== "plain") return this.writeMilli(value.milli);
        return this.writeDouble(value.value);
      case "float":
        return this.writeDouble(shortestFloat(value.value));
      case "char":
        return this.writeString(value.value);
      case "date":
        return this.writeDate(value.ms, value.minutes === true);
      case "list":
      case "map":
      case "object":
        return this.#writeContainer(value);
      default:
        value satisfies never;
        throw new TypeError("not a value: " + String(value));
    }
  }

  #writeContainer(value: ContainerValue): this {
    const index = this.#refs.get(value);
    if (index !== undefined) return this.writeTag(TAG_REF).writeInt(index);
    if (++this.#depth > this.#maxDepth) {
      throw hessianError(`values nested deeper than maxDepth ${this.#maxDepth}`, this.length);
    }
    if (value.type === "object") this.#writeObject(value);
    else {
      this.#refs.set(value, this.#refs.size);
      if (value.type === "list") this.#writeList(value);
      else this.#writeMap(value);
    }
    this.#depth -= 1;
    return this;
  }

  #writeList(list: ListValue): void {
    const { className, items } = list;
    if (list.variable) {
      this.writeTag(className === null ? TAG_VARIABLE_LIST : TAG_TYPED_VARIABLE_LIST);
      if (className !== null) this.#writeType(className);
      for (const item of items) this.writeValue(item);
      this.writeTag(TAG_END);
      return;
    }
    if (items.length <= 7) {
      this.writeTag((className === null ? 0x78 : 0x70) + items.length);
      if (className !== null) this.#writeType(className);
    } else {
      this.writeTag(className === null ? TAG_LIST : TAG_TYPED_LIST);
      if (className !== null) this.#writeType(className);
      this.writeInt(items.length);
    }
    for (const item of items) this.writeValue(item);
  }

  #writeMap(map: MapValue): void {
    this.writeTag(map.className === null ? TAG_MAP : TAG_TYPED_MAP);
    if (map.className !== null) this.#writeType(map.className);
    for (const [key, value] of map.entries) this.writeValue(key).writeValue(value);
    this.writeTag(TAG_END);
  }

  #writeObject(object: ObjectValue): void {
    const { shape, values } = object;
    const compact = shape.fields.length === 0 && isCompactTime(shape.name);
    if (values.length !== (compact ? 1 : shape.fields.length)) {
      throw new RangeError(`${shape.name} has ${shape.fields.length} fields and ${values.length} values`);
    }
    const index = this.#define(shape);
    this.#refs.set(object, this.#refs.size);
    if (index <= 15) this.writeTag(0x60 + index);
    else this.writeTag(TAG_OBJECT).writeInt(index);
    for (const value of values) this.writeValue(value);
  }

  /** The number of a definition, written first when it is new. `exact` keeps two equal definitions apart as they were read. */
  #define(shape: ClassShape): number {
    const known = this.#shapes.get(shape);
    if (known !== undefined) return known;
    const key = this.forms === "exact" ? shape : JSON.stringify([shape.name, ...shape.fields]);
    let index = this.#shapes.get(key);
    if (index === undefined) {
      index = this.#definitions++;
      this.writeTag(TAG_CLASS).writeString(shape.name).writeInt(shape.fields.length);
      for (const field of shape.fields) this.writeString(field);
      this.#shapes.set(key, index);
    }
    this.#shapes.set(shape, index);
    return index;
  }

  #writeType(name: string): void {
    const index = this.#types.get(name);
    if (index !== undefined) {
      this.writeInt(index);
      return;
    }
    this.#types.set(name, this.#types.size);
    this.writeString(name);
  }
}

/** One value as a body of its own. */
export function encodeHessian2(value: Value, options?: Hessian2WriterOptions): Buffer {
  return new Hessian2Writer(options).writeValue(value).takeOutput();
}
