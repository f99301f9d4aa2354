import { ProtocolError } from "../../base/errors.ts";

/**
 * Jute, the record encoding of ZooKeeper: fields one after the other, big-endian, without tags.
 *
 *   boolean 1 byte | int 4 | long 8 | ustring, buffer: int length (-1 null) + bytes | vector: int count (-1 null) + elements
 *
 * Reference: BinaryInputArchive and BinaryOutputArchive of Apache ZooKeeper.
 */

/** The name that errors of this codec carry. */
export const PROTOCOL = "zookeeper";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Reads jute fields in order. Every length and count is checked against the bytes that are left before anything is made.
 * Throws `ProtocolError` on a field that does not fit.
 */
export class JuteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offset = offset;
  }

  /** Bytes read so far, from the start of what the reader was given. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  /** A byte; everything but 0 is true. */
  boolean(name: string): boolean {
    return this.#bytes[this.#take(1, name)] !== 0;
  }

  /** A signed 32-bit number. */
  int(name: string): number {
    return this.#view.getInt32(this.#take(4, name));
  }

  /** A signed 64-bit number. */
  long(name: string): bigint {
    return this.#view.getBigInt64(this.#take(8, name));
  }

  /** A buffer, or null; the bytes are a view of what the reader was given. */
  buffer(name: string): Uint8Array | null {
    const length = this.#length(name);
    if (length === -1) return null;
    const start = this.#take(length, name);
    return this.#bytes.subarray(start, start + length);
  }

  /** A string; null reads as empty, since no server or client tells them apart. */
  string(name: string): string {
    const bytes = this.buffer(name);
    return bytes === null || bytes.length === 0 ? "" : decoder.decode(bytes);
  }

  /** A string where null means something of its own. */
  nullableString(name: string): string | null {
    const bytes = this.buffer(name);
    return bytes === null ? null : decoder.decode(bytes);
  }

  /** A vector whose elements take at least `minElementBytes` each; null reads as empty. */
  vector<T>(name: string, minElementBytes: number, element: (reader: JuteReader) => T): T[] {
    const at = this.#offset;
    const count = this.#length(name);
    if (count === -1) return [];
    if (count * minElementBytes > this.left) {
      throw new ProtocolError(
        PROTOCOL,
        `zookeeper ${name} of ${count} elements does not fit into the ${this.left} bytes left`,
        at,
      );
    }
    const elements: T[] = [];
    for (let index = 0; index < count; index++) elements.push(element(this));
    return elements;
  }

  /** A vector of strings; null reads as empty. */
  strings(name: string): string[] {
    return this.vector(name, 4, (reader) => reader.string(name));
  }

  #length(name: string): number {
    const at = this.#offset;
    const length = this.int(name);
    if (length < -1) throw new ProtocolError(PROTOCOL, `zookeeper ${name} has the negative length ${length}`, at);
    return length;
  }

  #take(count: number, name: string): number {
    const start = this.#offset;
    if (count > this.#bytes.length - start) {
      throw new ProtocolError(
        PROTOCOL,
        `zookeeper ${name} of ${count} bytes does not fit into the ${this.#bytes.length - start} bytes left`,
        start,
      );
    }
    this.#offset = start + count;
    return start;
  }
}

/** Writes jute fields in order into a buffer that grows. */
export class JuteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(expectedBytes = 256) {
    this.#bytes = new Uint8Array(expectedBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** One byte, 1 or 0. */
  boolean(value: boolean): this {
    const at = this.#grow(1);
    this.#bytes[at] = value ? 1 : 0;
    return this;
  }

  /** 4 bytes. */
  int(value: number): this {
    const at = this.#grow(4);
    this.#view.setInt32(at, value);
    return this;
  }

  /** 8 bytes. */
  long(value: bigint): this {
    const at = this.#grow(8);
    this.#view.setBigInt64(at, value);
    return this;
  }

  /** Length and bytes; null as length -1. */
  buffer(value: Uint8Array | null): this {
    if (value === null) return this.int(-1);
    this.int(value.length);
    return this.raw(value);
  }

  /** Length and UTF-8. */
  string(value: string): this {
    const lengthAt = this.#grow(4);
    const start = this.#grow(value.length * 3);
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(start));
    this.#view.setInt32(lengthAt, written);
    this.#length = start + written;
    return this;
  }

  /** Count and elements. */
  vector<T>(values: readonly T[], element: (writer: JuteWriter, value: T) => void): this {
    this.int(values.length);
    for (const value of values) element(this, value);
    return this;
  }

  /** Count and strings. */
  strings(values: readonly string[]): this {
    return this.vector(values, (writer, value) => writer.string(value));
  }

  /** Bytes as they are, without a length. */
  raw(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** What was written; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(count: number): number {
    const start = this.#length;
    const needed = start + count;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = needed;
    return start;
  }
}
