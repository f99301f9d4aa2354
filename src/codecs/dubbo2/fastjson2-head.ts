/**
 * The head of a request's body in fastjson2 (serialization id 23): the parts of head.ts, each a JSONB value behind its length
 * in four bytes. Reference: FastJson2ObjectOutput and DubboCodec of Apache Dubbo 3.2.18.
 */
import { ProtocolError } from "../../base/errors.ts";
import { Fastjson2Reader } from "../fastjson2/reader.ts";
import { scalarText } from "../hessian2/text.ts";
import { isContainer, type MapValue, mapGet, mapValue, type Value } from "../value.ts";
import { MAX_ATTACHMENTS } from "./attachments.ts";
import { asDubbo2, countTypes, GENERIC_DESCRIPTOR, splitTypes } from "./head.ts";
import { type AttachmentTexts, genericTypeAt, type RequestView, typeAt } from "./request-view.ts";

const NO_BYTES = Buffer.alloc(0);

/** One request's head; reused for one after another. The bytes are borrowed until the next `scan`, or `release`. */
export class Fastjson2Head implements RequestView {
  bytes: Buffer = NO_BYTES;
  bodyStart = 0;
  methodEnd = 0;
  service = "";
  version: string | null = null;
  method = "";
  descriptor = "";
  #argsStart = 0;
  #bodyEnd = 0;
  #attachments: Fastjson2Attachments | undefined;
  readonly #reader = new Fastjson2Reader();

  /** Reads the five leading strings of `bytes[bodyStart, bodyEnd)`. */
  scan(bytes: Buffer, bodyStart: number, bodyEnd: number): void {
    this.bytes = bytes;
    this.bodyStart = bodyStart;
    this.#bodyEnd = bodyEnd;
    this.#attachments = undefined;
    this.#part(bodyStart, "protocol version");
    this.service = this.#text("service") ?? "";
    this.version = this.#text("service version");
    this.method = this.#text("method") ?? "";
    this.methodEnd = this.#reader.end;
    this.descriptor = this.#text("parameter types") ?? "";
    this.#argsStart = this.#reader.end;
  }

  /** Lets go of the bytes. */
  release(): void {
    this.bytes = NO_BYTES;
    this.#attachments = undefined;
    this.#reader.release();
  }

  get hasPlainTypes(): boolean {
    return !/[^\u0000-\u007f]/.test(this.descriptor);
  }

  get isGeneric(): boolean {
    return (this.method === "$invoke" || this.method === "$invokeAsync") && this.descriptor === GENERIC_DESCRIPTOR;
  }

  get effectiveMethod(): string {
    const named = this.isGeneric ? this.#argument(0) : undefined;
    return typeof named === "string" ? named : this.method;
  }

  effectiveArgument(n: number): Value | undefined {
    if (!this.isGeneric) return this.#argument(n);
    const values = this.#argument(2) ?? null;
    return isContainer(values) && values.type === "list" ? values.items[n] : undefined;
  }

  effectiveType(n: number): string | undefined {
    return this.isGeneric ? genericTypeAt(this.genericTypes(), n) : typeAt(splitTypes(this.descriptor), n);
  }

  genericTypes(): Value | undefined {
    return this.isGeneric ? this.#argument(1) : undefined;
  }

  /** The arguments as they stand, each a JSONB value of its own behind its length, borrowed. */
  argumentBytes(): Buffer[] {
    const args: Buffer[] = [];
    let at = this.#argsStart;
    for (let n = this.#count(); n > 0; n--) {
      const end = this.#part(at, `argument ${args.length}`);
      args.push(this.bytes.subarray(at, end));
      at = end;
    }
    return args;
  }

  /** Arguments, attachments and whatever is behind them, each without its length, borrowed. */
  *contents(): Generator<Buffer> {
    for (let at = this.#argsStart; at < this.#bodyEnd; ) {
      const end = this.#part(at, "value");
      yield this.bytes.subarray(at + 4, end);
      at = end;
    }
  }

  attachments(): Fastjson2Attachments {
    this.#attachments ??= new Fastjson2Attachments(this.#readAttachments());
    return this.#attachments;
  }

  #argument(n: number): Value | undefined {
    if (n < 0 || n >= this.#count()) return undefined;
    this.#seek(n);
    return this.#value();
  }

  #readAttachments(): MapValue {
    const end = this.#seek(this.#count());
    if (end) return mapValue([]);
    const value = this.#value();
    if (value === null || value === "") return mapValue([]);
    if (!isContainer(value) || value.type !== "map") {
      throw new ProtocolError("dubbo2", "request's attachments are no map", this.#reader.offset);
    }
    if (value.entries.length > MAX_ATTACHMENTS) {
      throw new ProtocolError("dubbo2", `more than ${MAX_ATTACHMENTS} attachments`, this.#reader.offset);
    }
    return value;
  }

  #count(): number {
    const types = Buffer.from(this.descriptor, "utf8");
    return countTypes(types, 0, types.length);
  }

  /** Goes to part `n` behind the descriptor; whether the body ends before it. */
  #seek(n: number): boolean {
    let at = this.#argsStart;
    for (let i = 0; i < n; i++) at = this.#part(at, `argument ${i}`);
    if (at === this.#bodyEnd) return true;
    this.#part(at, n === this.#count() ? "attachments" : `argument ${n}`);
    return false;
  }

  /** Puts the reader on the part at `at`; gives the part's end. */
  #part(at: number, what: string): number {
    if (at + 4 > this.#bodyEnd) throw new ProtocolError("dubbo2", `request ends before its ${what}`, at);
    const length = this.bytes.readUInt32BE(at);
    if (length > this.#bodyEnd - at - 4) {
      throw new ProtocolError("dubbo2", `request's ${what} of ${length} bytes is cut off`, at);
    }
    this.#reader.reset(this.bytes, at + 4, at + 4 + length);
    return at + 4 + length;
  }

  #text(what: string): string | null {
    this.#part(this.#reader.end, what);
    const value = this.#value();
    if (value === null || typeof value === "string") return value;
    throw new ProtocolError("dubbo2", `request's ${what} is no string`, this.#reader.offset);
  }

  #value(): Value {
    try {
      return this.#reader.readValue();
    } catch (error) {
      throw asDubbo2(error);
    }
  }
}

/** The attachments of one request in fastjson2. */
export class Fastjson2Attachments implements AttachmentTexts {
  readonly #map: MapValue;

  constructor(map: MapValue) {
    this.#map = map;
  }

  /** All of them, as they came. */
  get entries(): readonly (readonly [string, Value])[] {
    return this.#map.entries.filter((entry): entry is [string, Value] => typeof entry[0] === "string");
  }

  get(name: string): string | undefined {
    return scalarText(mapGet(this.#map, name) ?? null);
  }

  getIgnoreCase(name: string): string | undefined {
    const wanted = name.toLowerCase();
    const found = this.#map.entries.findLast(([key]) => typeof key === "string" && key.toLowerCase() === wanted);
    return found === undefined ? undefined : scalarText(found[1]);
  }

  toRecord(): Record<string, string> {
    const record: Record<string, string> = Object.create(null);
    for (const [name, value] of this.entries) {
      const text = scalarText(value);
      if (text !== undefined) record[name] = text;
    }
    return record;
  }

  differs(name: string, text: string): boolean {
    const said = this.get(name);
    return said !== undefined && said !== text;
  }

  countCases(name: string): 0 | 1 | 2 {
    const wanted = name.toLowerCase();
    const { size } = new Set(this.entries.map(([key]) => key).filter((key) => key.toLowerCase() === wanted));
    return size > 1 ? 2 : size === 1 ? 1 : 0;
  }

  getNumber(name: string): number {
    const text = this.get(name) ?? "";
    const value = /^\d{1,10}$/.test(text) ? Number(text) : -1;
    return value <= 0x7fffffff ? value : -1;
  }
}
