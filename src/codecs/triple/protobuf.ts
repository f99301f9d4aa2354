/**
 * As much of protobuf's wire format as Triple's own messages need, without descriptors.
 *
 * | wire type | holds |
 * |---|---|
 * | 0 | varint, to 10 bytes |
 * | 1, 5 | 8 bytes, 4 bytes |
 * | 2 | varint length, bytes |
 * | 3, 4 | groups: refused, nothing of Triple's ever had one |
 *
 * Reference: protobuf.dev, "Encoding".
 */
import { isUtf8 } from "node:buffer";
import { ProtocolError } from "../../base/errors.ts";

/** Wire type of a varint. */
export const WIRE_VARINT = 0;
/** Wire type of bytes, strings and messages. */
export const WIRE_BYTES = 2;

/** Walks the fields of one message in place. Everything throws ProtocolError("triple", ...) on what is no protobuf. */
export class FieldCursor {
  readonly bytes: Buffer;
  readonly end: number;
  /** Number of the field that {@link next} found. */
  field = 0;
  /** Its wire type. */
  wire = 0;
  /** Where its content starts (behind the length, of bytes) and ends. */
  start = 0;
  stop = 0;
  #at: number;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.end = end;
    this.#at = start;
  }

  /** Goes to the next field; false behind the last. */
  next(): boolean {
    if (this.#at >= this.end) return false;
    const tag = this.#varint();
    this.wire = tag & 7;
    this.field = Math.floor(tag / 8);
    if (this.field < 1 || this.field > 0x1fff_ffff) throw this.#fault(`field number ${this.field}`);
    this.start = this.#at;
    switch (this.wire) {
      case WIRE_VARINT:
        this.#varint();
        break;
      case 1:
        this.#at += 8;
        break;
      case WIRE_BYTES: {
        const length = this.#varint();
        if (length > this.end - this.#at)
          throw this.#fault(`field ${this.field} of ${length} bytes where ${this.end - this.#at} are left`);
        this.start = this.#at;
        this.#at += length;
        break;
      }
      case 5:
        this.#at += 4;
        break;
      default:
        throw this.#fault(`field ${this.field} of wire type ${this.wire}`);
    }
    if (this.#at > this.end) throw this.#fault(`field ${this.field} is cut off`);
    this.stop = this.#at;
    return true;
  }

  /** Content of a bytes field, borrowed. */
  content(): Buffer {
    return this.bytes.subarray(this.start, this.stop);
  }

  /** Content of a string field. */
  text(): string {
    if (!isUtf8(this.content())) throw this.#fault(`field ${this.field} is not UTF-8`);
    return this.bytes.toString("utf8", this.start, this.stop);
  }

  /** Value of a varint field as an int32. */
  int32(): number {
    let value = 0n;
    for (let at = this.start, shift = 0n; at < this.stop; at++, shift += 7n) {
      value |= BigInt(this.bytes[at]! & 0x7f) << shift;
    }
    return Number(BigInt.asIntN(32, value));
  }

  /** A varint as a number; over 2^53 it is inexact, which only makes it too large for every use here. */
  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.end) throw this.#fault("a number is cut off");
      const byte = this.bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw this.#fault("a number of more than 10 bytes");
  }

  #fault(what: string): ProtocolError {
    return new ProtocolError("triple", `protobuf message: ${what}`, this.#at);
  }
}

/** A field of bytes or text to write: its number (1 to 15) and content. */
export type BytesField = readonly [field: number, content: Uint8Array | string];

/** A message of such fields, in their order, each content copied once. */
export function encodeFields(fields: readonly BytesField[]): Buffer {
  let size = 0;
  const lengths = fields.map(([, content]) => {
    const length = typeof content === "string" ? Buffer.byteLength(content, "utf8") : content.length;
    size += 1 + varintBytes(length) + length;
    return length;
  });
  const out = Buffer.allocUnsafe(size);
  let at = 0;
  for (const [i, [field, content]] of fields.entries()) {
    out[at++] = (field << 3) | WIRE_BYTES;
    let rest = lengths[i]!;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) out[at++] = (rest % 128) | 0x80;
    out[at++] = rest;
    if (typeof content === "string") out.write(content, at, "utf8");
    else out.set(content, at);
    at += lengths[i]!;
  }
  return out;
}

function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) count++;
  return count;
}
