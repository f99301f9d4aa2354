/**
 * Hessian's strings: a length in UTF-16 units, then each unit by itself in one to three bytes. A character outside the
 * basic plane is two units of three bytes (ED Ax xx ED Bx xx), never four bytes: hessian-lite throws "bad utf-8
 * encoding" on those. Java writes U+0000 as one byte 00 and also reads C0 80.
 *
 * | unit | bytes |
 * |---|---|
 * | 0000-007f | 0xxxxxxx |
 * | 0080-07ff | 110xxxxx 10xxxxxx |
 * | 0800-ffff | 1110xxxx 10xxxxxx 10xxxxxx (surrogates as well) |
 */
import { isAscii } from "node:buffer";
import { hessianError } from "./constants.ts";

/**
 * How an ASCII run is found: under 16 bytes one by one, then four words of four bytes at a time, then by the native check
 * (measured on Node 20, ns for 31, 128, 512 and 4,096 bytes: bytes 24, 78, 292, 2313; words 15, 22, 72, 540; native with the
 * view that it needs 80, 81, 87, 116).
 */
const WORD_BYTES = 16;
const NATIVE_BYTES = 640;

/** A body larger than this gets no view that would keep it in memory. */
const MAX_VIEWED_BYTES = 1024 * 1024;

/** The words of the bytes that were looked at last: many strings of one chunk share it. */
let viewed: Uint8Array = new Uint8Array(0);
let words = new DataView(viewed.buffer);

function skipAscii(bytes: Uint8Array, start: number, stop: number): number {
  let p = start;
  if (stop - start >= WORD_BYTES) {
    if (stop - start >= NATIVE_BYTES || bytes.length > MAX_VIEWED_BYTES) {
      if (isAscii(bytes.subarray(start, stop))) return stop;
      return start;
    }
    if (bytes !== viewed) {
      viewed = bytes;
      words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    const view = words;
    for (const last = stop - 16; p <= last; p += 16) {
      const all = view.getInt32(p) | view.getInt32(p + 4) | view.getInt32(p + 8) | view.getInt32(p + 12);
      if ((all & 0x80808080) !== 0) break;
    }
    for (const last = stop - 4; p <= last && (view.getInt32(p) & 0x80808080) === 0; p += 4);
  }
  while (p < stop && bytes[p]! < 0x80) p++;
  return p;
}

/**
 * Walks `units` UTF-16 units from `offset` and returns the offset behind them; the bytes are checked, nothing is built.
 * Throws ProtocolError on bytes that are not of the form above, and when `end` comes first.
 */
export function skipUnits(bytes: Uint8Array, offset: number, units: number, end: number): number {
  if (units > end - offset) throw hessianError(`string of ${units} units is cut off`, offset);
  const stop = offset + units;
  const p = skipAscii(bytes, offset, stop);
  if (p === stop) return stop;
  return skipMixedUnits(bytes, p, stop - p, end);
}

function skipMixedUnits(bytes: Uint8Array, offset: number, units: number, end: number): number {
  let p = offset;
  let left = units;
  const safe = end - 2;
  while (left > 0) {
    if (p >= end) throw hessianError("string is cut off", p);
    const lead = bytes[p]!;
    if (lead < 0x80) {
      p += 1;
    } else if (lead >= 0xe0) {
      if (p >= safe) throw hessianError("string is cut off", p);
      const second = bytes[p + 1]!;
      if (lead >= 0xf0 || ((second ^ 0x80) | (bytes[p + 2]! ^ 0x80)) > 0x3f || (lead === 0xe0 && second < 0xa0)) {
        throw badUtf8(p);
      }
      p += 3;
    } else {
      if (p + 2 > end) throw hessianError("string is cut off", p);
      if (lead < 0xc0 || (bytes[p + 1]! & 0xc0) !== 0x80 || (lead < 0xc2 && !isLongNul(bytes, p))) throw badUtf8(p);
      p += 2;
    }
    left -= 1;
  }
  return p;
}

/** C0 80: U+0000 in two bytes, the one overlong form that Java's readers are given by Java's own modified UTF-8. */
function isLongNul(bytes: Uint8Array, p: number): boolean {
  return bytes[p] === 0xc0 && bytes[p + 1] === 0x80;
}

function badUtf8(offset: number): Error {
  return hessianError("string holds bytes that are not UTF-8 in units of at most three bytes", offset);
}

/** The string of bytes that {@link skipUnits} has passed: `units` is how many units it counted from `start` to `end`. */
export function sliceUnits(bytes: Buffer, start: number, end: number, units: number): string {
  if (end - start === units) {
    if (units > 16) return bytes.toString("latin1", start, end);
    let text = "";
    for (let p = start; p < end; p++) text += String.fromCharCode(bytes[p]!);
    return text;
  }
  const out = Buffer.allocUnsafe(units * 2);
  let p = start;
  for (let at = 0; at < out.length; at += 2) {
    const lead = bytes[p]!;
    let unit = lead;
    if (lead < 0x80) {
      p += 1;
    } else if (lead < 0xe0) {
      unit = ((lead & 0x1f) << 6) | (bytes[p + 1]! & 0x3f);
      p += 2;
    } else {
      unit = ((lead & 0x0f) << 12) | ((bytes[p + 1]! & 0x3f) << 6) | (bytes[p + 2]! & 0x3f);
      p += 3;
    }
    out[at] = unit & 0xff;
    out[at + 1] = unit >> 8;
  }
  return out.toString("utf16le");
}

const SURROGATE = /[\ud800-\udfff]/;

/**
 * Writes units `from` to `to` of the text at `offset` and returns the offset behind them.
 * The caller has made room for three bytes a unit.
 */
export function writeUnits(bytes: Buffer, offset: number, text: string, from: number, to: number): number {
  let p = offset;
  if (to - from > 24) {
    const part = from === 0 && to === text.length ? text : text.slice(from, to);
    if (!SURROGATE.test(part)) return p + bytes.write(part, p, "utf8");
  }
  for (let i = from; i < to; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      bytes[p++] = unit;
    } else if (unit < 0x800) {
      bytes[p++] = 0xc0 | (unit >> 6);
      bytes[p++] = 0x80 | (unit & 0x3f);
    } else {
      bytes[p++] = 0xe0 | (unit >> 12);
      bytes[p++] = 0x80 | ((unit >> 6) & 0x3f);
      bytes[p++] = 0x80 | (unit & 0x3f);
    }
  }
  return p;
}
