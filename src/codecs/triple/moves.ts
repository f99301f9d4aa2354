/**
 * Arguments and results found in place and moved as bytes, each message built by one allocation: what translating costs where a
 * call is like one before it.
 *
 * | message | layout |
 * |---|---|
 * | request | envelope, `0a` serializeType, `12` each argument, `1a` each type |
 * | answer | envelope, `0a` serializeType, `12` value, `1a` type |
 *
 * Reference: triple_wrapper.proto of Apache Dubbo 3.3, in the order in which Java and Go write it.
 */
import { ProtocolError } from "../../base/errors.ts";
import { HEADER_BYTES, HESSIAN2, writeHeader } from "../dubbo2/frame.ts";
import { OK } from "../dubbo2/status.ts";
import { Skipper } from "../hessian2/skip.ts";
import { MAX_ARGUMENTS } from "./body.ts";
import { ENVELOPE_BYTES } from "./envelope.ts";
import { usesTables } from "./tables.ts";

/** Field 1 of the wrappers that we write. */
const HESSIAN4_FIELD = Buffer.from("\x0a\x08hessian4", "latin1");
const FIELD_2 = 0x12;

/** Where each of a call's arguments stands, found without decoding one. Reused call after call; the bytes are borrowed. */
export class ArgumentWalk {
  /** How many there are. */
  count = 0;
  /** Behind the last one. */
  end = 0;
  readonly #starts = new Int32Array(MAX_ARGUMENTS + 1);
  readonly #ends = new Int32Array(MAX_ARGUMENTS + 1);
  readonly #skipper = new Skipper();
  #bytes: Buffer | undefined;
  #size = 0;

  /**
   * Finds `count` values that stand one behind the other in `bytes[start, end)`. False where they cannot be moved as they are: they
   * are not Hessian2, or more than one is a list, map or object.
   */
  inBody(bytes: Buffer, start: number, end: number, count: number): boolean {
    this.#bytes = bytes;
    this.count = count;
    let containers = 0;
    let at = start;
    const skipper = this.#skipper.reset(bytes, start, end);
    try {
      for (let n = 0; n < count; n++) {
        skipper.skipValues(1);
        if (usesTables(bytes[at]!)) containers++;
        this.#starts[n] = at;
        at = skipper.offset;
        this.#ends[n] = at;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return false;
    }
    this.end = at;
    this.#size = at - start;
    return containers <= 1;
  }

  /**
   * Finds the arguments of a wrapper, fields 2 one behind the other from `start` on. False where they cannot be moved: see
   * {@link inBody}; an argument that is not exactly one value is such a case too.
   */
  inWrapper(bytes: Buffer, start: number, end: number): boolean {
    this.#bytes = bytes;
    this.count = 0;
    this.#size = 0;
    let containers = 0;
    let at = start;
    const skipper = this.#skipper;
    try {
      while (at < end && bytes[at] === FIELD_2) {
        let length = 0;
        let shift = 0;
        for (at++; at < end && bytes[at]! >= 0x80 && shift < 21; at++, shift += 7)
          length |= (bytes[at]! & 0x7f) << shift;
        if (at >= end || bytes[at]! >= 0x80) return false;
        length |= bytes[at++]! << shift;
        if (length > end - at || length === 0 || this.count === MAX_ARGUMENTS) return false;
        skipper.reset(bytes, at, at + length).skipValues(1);
        if (!skipper.done) return false;
        if (usesTables(bytes[at]!)) containers++;
        this.#starts[this.count] = at;
        this.#size += length;
        at += length;
        this.#ends[this.count++] = at;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return false;
    }
    this.end = at;
    return containers <= 1;
  }

  /** The found arguments as a message in its envelope; `types` are the wrapper's fields 3. */
  encodeWrapper(types: Buffer): Buffer {
    let length = HESSIAN4_FIELD.length + types.length + this.#size + this.count;
    for (let n = 0; n < this.count; n++) length += varintBytes(this.#ends[n]! - this.#starts[n]!);
    const out = Buffer.allocUnsafe(ENVELOPE_BYTES + length);
    let at = putHead(out, length);
    for (let n = 0; n < this.count; n++) {
      const start = this.#starts[n]!;
      const end = this.#ends[n]!;
      out[at] = FIELD_2;
      at = putVarint(out, at + 1, end - start);
      at += copy(this.#bytes!, out, at, start, end);
    }
    copy(types, out, at, 0, types.length);
    return out;
  }

  /** `front`, the found arguments, `back`: a request frame whose body's length is set. */
  encodeFrame(front: Buffer, back: Buffer, headerBytes: number): Buffer {
    const length = front.length + this.#size + back.length;
    const out = Buffer.allocUnsafe(length);
    let at = copy(front, out, 0, 0, front.length);
    for (let n = 0; n < this.count; n++) at += copy(this.#bytes!, out, at, this.#starts[n]!, this.#ends[n]!);
    copy(back, out, at, 0, back.length);
    out.writeInt32BE(length - headerBytes, headerBytes - 4);
    return out;
  }

  /** Lets go of the bytes. */
  release(): void {
    this.#bytes = undefined;
    this.#skipper.release();
  }
}

/** An answer's value `bytes[start, end)` as a message in its envelope; `type` is the wrapper's field 3. */
export function encodeMovedValue(bytes: Buffer, start: number, end: number, type: Buffer): Buffer {
  const size = end - start;
  const length = HESSIAN4_FIELD.length + 1 + varintBytes(size) + size + type.length;
  const out = Buffer.allocUnsafe(ENVELOPE_BYTES + length);
  let at = putHead(out, length);
  out[at] = FIELD_2;
  at = putVarint(out, at + 1, size);
  at += copy(bytes, out, at, start, end);
  copy(type, out, at, 0, type.length);
  return out;
}

/** A Dubbo2 answer frame of status 20: the kind, then `data` unless the kind has no value, then `tail`. */
export function encodeMovedResult(idHigh: number, idLow: number, kind: number, data: Uint8Array, tail: Buffer): Buffer {
  const size = kind % 3 === 2 ? 0 : data.length;
  const bodyLength = 1 + size + tail.length;
  const out = Buffer.allocUnsafe(HEADER_BYTES + bodyLength);
  writeHeader(out, 0, { flags: HESSIAN2, status: OK, idHigh, idLow, bodyLength });
  out[HEADER_BYTES] = 0x90 + kind;
  const at = HEADER_BYTES + 1;
  copy(data, out, at, 0, size);
  copy(tail, out, at + size, 0, tail.length);
  return out;
}

/** Whether `bytes` has all of `part` at `at`. */
export function hasAt(bytes: Buffer, at: number, part: Buffer): boolean {
  const { length } = part;
  if (bytes.length - at < length) return false;
  if (length > 96) return bytes.compare(part, 0, length, at, at + length) === 0;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== part[i]) return false;
  return true;
}

function putHead(out: Buffer, length: number): number {
  out[0] = 0;
  out.writeInt32BE(length, 1);
  copy(HESSIAN4_FIELD, out, ENVELOPE_BYTES, 0, HESSIAN4_FIELD.length);
  return ENVELOPE_BYTES + HESSIAN4_FIELD.length;
}

function putVarint(out: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) out[at++] = (rest & 0x7f) | 0x80;
  out[at++] = rest;
  return at;
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

/** Copies a range and returns its length; few bytes by hand, since a call out of the engine costs as much as many of them. */
function copy(from: Uint8Array, to: Buffer, at: number, start: number, end: number): number {
  if (end - start > 64) to.set(start === 0 && end === from.length ? from : from.subarray(start, end), at);
  else for (let i = start, k = at; i < end; i++, k++) to[k] = from[i]!;
  return end - start;
}
