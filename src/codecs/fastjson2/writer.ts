/**
 * Writes the value tree as JSONB, as Dubbo 3.2 has fastjson2 write it: class names, field names as symbols, references to what
 * was written before. Classes that JSONB has forms of its own for are written in them; a text where fastjson2 writes a text.
 */
import { bigIntegerOf, enumName, plainOf } from "../hessian2/java.ts";
import { timeClass, timeText } from "../hessian2/java-time.ts";
import { type ContainerValue, isContainer, type MapValue, type ObjectValue, type Value } from "../value.ts";
import {
  fastjson2Error,
  MAX_RECURSION,
  READ_LIMITS,
  TAG_ARRAY,
  TAG_ARRAY_0,
  TAG_CHAR,
  TAG_END,
  TAG_NULL,
  TAG_OBJECT,
  TAG_REFERENCE,
  TAG_SYMBOL,
  TAG_TYPED,
} from "./constants.ts";
import { Fastjson2Output } from "./output.ts";
import { keyText, printPath } from "./paths.ts";
import { shortName } from "./types.ts";

/** How values are written. */
export interface Fastjson2WriterOptions {
  /** Containers inside containers; default 256, at most 1,024. */
  readonly maxDepth?: number;
  /** Bytes of one value; default 64 MiB. */
  readonly maxBytes?: number;
}

/** Where a container was written: under which step of which other one. */
interface Place {
  readonly parent: Place | undefined;
  readonly step: string | number;
}

const ROOT: Place = { parent: undefined, step: "" };

/** A writer of one value at a time. */
class Fastjson2Writer extends Fastjson2Output {
  readonly #maxDepth: number;
  readonly #places = new Map<ContainerValue, Place>();
  readonly #symbols = new Map<string, number>();
  #depth = 0;

  constructor(options: Fastjson2WriterOptions) {
    super(options.maxBytes ?? 64 * 1024 * 1024);
    this.#maxDepth = Math.min(options.maxDepth ?? READ_LIMITS.maxDepth, MAX_RECURSION);
  }

  /** Appends a value; `place` is undefined where no path leads to it. */
  write(value: Value, place: Place | undefined): void {
    switch (typeof value) {
      case "string":
        this.writeString(value);
        return;
      case "number":
        this.writeInt(value);
        return;
      case "bigint":
        this.writeLong(value);
        return;
      case "boolean":
        this.writeByte(value ? 0xb1 : 0xb0);
        return;
      default:
        if (value === null) this.writeByte(TAG_NULL);
        else if (value instanceof Uint8Array) this.writeBytes(value);
        else if (isContainer(value)) this.#container(value, place);
        else if (value.type === "double") this.writeDouble(value.value);
        else if (value.type === "float") this.writeFloat(value.value);
        else if (value.type === "char") this.writeByte(TAG_CHAR).writeInt(value.value.charCodeAt(0) || 0);
        else this.writeByte(0xab).writeFixed64(value.ms);
    }
  }

  #container(value: ContainerValue, place: Place | undefined): void {
    const known = this.#places.get(value);
    if (known !== undefined) {
      this.writeByte(TAG_REFERENCE).writeString(printPath(stepsOf(known)));
      return;
    }
    if (++this.#depth > this.#maxDepth) {
      throw fastjson2Error(`values nested deeper than maxDepth ${this.#maxDepth}`, this.length);
    }
    if (value.type !== "object") {
      if (place !== undefined) this.#places.set(value, place);
      if (
        value.className !== null &&
        value.className !== "java.util.ArrayList" &&
        value.className !== "java.util.HashMap"
      ) {
        this.#type(value.className);
      }
      if (value.type === "map") this.#map(value, place);
      else this.#list(value.items, place);
    } else if (!this.#plain(value)) {
      this.#object(value, place);
    }
    this.#depth--;
  }

  #list(items: readonly Value[], place: Place | undefined): void {
    if (items.length <= 15) this.writeByte(TAG_ARRAY_0 + items.length);
    else this.writeByte(TAG_ARRAY).writeInt(items.length);
    for (const [i, item] of items.entries()) this.write(item, under(place, i));
  }

  #map(map: MapValue, place: Place | undefined): void {
    this.writeByte(TAG_OBJECT);
    for (const [key, value] of map.entries) {
      this.write(key, undefined);
      this.write(value, under(place, keyText(key)));
    }
    this.writeByte(TAG_END);
  }

  #object(object: ObjectValue, place: Place | undefined): void {
    const { shape, values } = object;
    if (values.length !== shape.fields.length) {
      throw new RangeError(`${shape.name} has ${shape.fields.length} fields and ${values.length} values`);
    }
    if (place !== undefined) this.#places.set(object, place);
    this.#type(shape.name);
    this.writeByte(TAG_OBJECT);
    for (const [i, field] of shape.fields.entries()) {
      // An exception without a cause is its own in Java; fastjson2 leaves that out, and its reader expects so.
      if (field === "cause" && values[i] === object) continue;
      this.writeByte(TAG_SYMBOL);
      this.#name(field);
      this.write(values[i]!, under(place, field));
    }
    this.writeByte(TAG_END);
  }

  #type(className: string): void {
    this.writeByte(TAG_TYPED);
    this.#name(shortName(className));
  }

  #name(text: string): void {
    const known = this.#symbols.get(text);
    if (known === undefined) {
      this.writeString(text).writeInt(this.#symbols.size);
      this.#symbols.set(text, this.#symbols.size);
    } else {
      this.writeInt(known);
    }
  }

  /** Writes an object that is really a scalar; whether it is one. */
  #plain(object: ObjectValue): boolean {
    const { name } = object.shape;
    const time = timeClass(object);
    const text = time === undefined ? undefined : timeText(object);
    if (time !== undefined && text !== undefined) {
      if (!this.#time(time, text)) this.writeString(text);
      return true;
    }
    if (name === "java.math.BigInteger") {
      const value = bigIntegerOf(object);
      if (value !== undefined) this.writeByte(0xbb).#integer(value);
      return value !== undefined;
    }
    const plain = plainOf(object);
    if (plain === undefined) return false;
    if (name === "java.math.BigDecimal" && typeof plain === "string") return this.#decimal(plain);
    const keepsClass =
      name === "java.lang.Class" || enumName(object) !== undefined || /\.Atomic(?:Integer|Long)$/.test(name);
    if (keepsClass) this.#type(name);
    this.write(plain, undefined);
    return true;
  }

  #decimal(text: string): boolean {
    const parts = /^(-?)(\d{1,20000})(?:\.(\d{1,20000}))?(?:E([+-]?\d{1,10}))?$/.exec(text);
    if (parts === null) return false;
    const [, sign, whole = "", fraction = "", exponent = "0"] = parts;
    const scale = fraction.length - Number(exponent);
    if (scale !== (scale | 0)) return false;
    const unscaled = BigInt(whole + fraction);
    this.writeByte(0xb9)
      .writeInt(scale)
      .writeByte(0xbb)
      .#integer(sign === "-" ? -unscaled : unscaled);
    return true;
  }

  /** A BigInteger's bytes, the fewest of two's complement, behind their number. */
  #integer(value: bigint): void {
    const magnitude = value < 0n ? -value - 1n : value;
    const bytes = Math.floor(magnitude === 0n ? 0 : magnitude.toString(2).length / 8) + 1;
    const hex = BigInt.asUintN(bytes * 8, value)
      .toString(16)
      .padStart(bytes * 2, "0");
    this.writeInt(bytes).writeRaw(Buffer.from(hex, "hex"));
  }

  /** A java.time class in its own form; whether it has one. */
  #time(name: string, text: string): boolean {
    const parts = /^(?:([+-]?\d+)-(\d\d)-(\d\d))?T?(?:(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(.*)$/.exec(text);
    if (parts === null || parts[8] === undefined) return false;
    const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0));
    if (Math.abs(year!) > 32_767) return false;
    const nanos = Number((parts[7] ?? "").padEnd(9, "0"));
    const date = (): this => this.writeFixed(year!, 2).writeByte(month!).writeByte(day!);
    const time = (): this => this.writeByte(hour!).writeByte(minute!).writeByte(second!).writeInt(nanos);
    switch (name) {
      case "LocalDate":
        this.writeByte(0xa9);
        date();
        return true;
      case "LocalTime":
        this.writeByte(0xa7);
        time();
        return true;
      case "LocalDateTime":
        this.writeByte(0xa8);
        date();
        time();
        return true;
      case "OffsetDateTime":
      case "ZonedDateTime":
        this.writeByte(0xaa);
        date();
        time();
        this.writeString(/\[(.+)\]$/.exec(parts[8])?.[1] ?? parts[8]);
        return true;
      case "Instant": {
        const ms = Date.parse(text.replace(/\.\d+Z$/, "Z"));
        if (Number.isNaN(ms)) return false;
        this.writeByte(0xae)
          .writeLong(BigInt(ms / 1000))
          .writeInt(nanos);
        return true;
      }
      default:
        return false;
    }
  }
}

function under(parent: Place | undefined, step: string | number | undefined): Place | undefined {
  return parent === undefined || step === undefined ? undefined : { parent, step };
}

function stepsOf(place: Place): (string | number)[] {
  const steps: (string | number)[] = [];
  for (let at = place; at.parent !== undefined; at = at.parent) steps.push(at.step);
  return steps.reverse();
}

/**
 * One value as JSONB. Throws ProtocolError when it is nested over maxDepth or grows over maxBytes, RangeError for a number
 * that is no Java int and a bigint that is no Java long.
 */
export function encodeFastjson2(value: Value, options: Fastjson2WriterOptions = {}): Buffer {
  const writer = new Fastjson2Writer(options);
  writer.write(value, ROOT);
  return writer.takeOutput();
}
