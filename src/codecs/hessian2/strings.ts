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

/** From this many bytes on a native ASCII check is cheaper than a loop, the view made for it included (measured). */
const NATIVE_ASCII_BYTES = 192;

/**
 * Walks `units` UTF-16 units from `offset` and returns the offset behind them; the bytes are checked, nothing is built.
 * Throws ProtocolError on bytes that are not of the form above, and when `end` comes first.
 */
export function skipUnits(bytes: Uint8Array, offset: number, units: number, end: number): number {
  if (units > end - offset) throw hessianError(`string of ${units} units is cut off`, offset);
  const stop = offset + units;
  let p = offset;
  if (units >= NATIVE_ASCII_BYTES) {
    if (isAscii(bytes.subarray(offset, stop))) return stop;
  } else {
    const stop4 = stop - 3;
    while (p < stop4 && ((bytes[p]! | bytes[p + 1]! | bytes[p + 2]! | bytes[p + 3]!) & 0x80) === 0) p += 4;
    while (p < stop && bytes[p]! < 0x80) p++;
    if (p === stop) return stop;
  }
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

/** The most bytes that a string can take on the wire, without its length. */
export function maxUnitBytes(text: string): number {
  return text.length * 3;
}

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
