/**
 * Small Hessian2 values read where they stand, without a reader: what a request's head and attachments are made of.
 * Reference: hessian2/constants.ts for the tags.
 */
import { sliceUnits } from "../hessian2/strings.ts";

/** The text of string bytes (tag and length left off) that have been walked over before, so that they are known to be well-formed. */
export function decodeText(bytes: Buffer, start: number, end: number): string {
  let units = 0;
  // Every unit has one byte that is no continuation byte.
  for (let at = start; at < end; at++) if ((bytes[at]! & 0xc0) !== 0x80) units++;
  return sliceUnits(bytes, start, end, units);
}

/** Whether the bytes are this text; `start` under 0 is no text at all. */
export function equalsAscii(bytes: Buffer, start: number, end: number, text: string): boolean {
  if (start < 0) return false;
  const length = text.length;
  if (end - start !== length)
    return end - start > length && !isAsciiText(text) && decodeText(bytes, start, end) === text;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** As {@link equalsAscii}, with ASCII letters in any case. */
export function equalsAsciiIgnoreCase(bytes: Buffer, start: number, end: number, text: string): boolean {
  if (start < 0) return false;
  const length = text.length;
  if (end - start !== length) {
    if (end - start < length || isAsciiText(text)) return false;
    return decodeText(bytes, start, end).toLowerCase() === text.toLowerCase();
  }
  for (let i = 0; i < length; i++) if (lower(bytes[start + i]!) !== lower(text.charCodeAt(i))) return false;
  return true;
}

/** A string as it is; an int, long, double, boolean or date printed; undefined for null, binaries and containers. */
export function printScalar(bytes: Buffer, at: number, end: number): string | undefined {
  const tag = bytes[at]!;
  if (tag <= 0x1f) return decodeText(bytes, at + 1, end);
  if (tag >= 0x30 && tag <= 0x33) return decodeText(bytes, at + 2, end);
  if (tag === 0x52 || tag === 0x53) return joinChunks(bytes, at, end);
  const whole = readWhole(bytes, at);
  if (whole !== undefined) return whole.toString();
  switch (tag) {
    case 0x54:
      return "true";
    case 0x46:
      return "false";
    case 0x4c:
      return bytes.readBigInt64BE(at + 1).toString();
    case 0x5b:
      return "0.0";
    case 0x5c:
      return "1.0";
    case 0x5d:
      return printDouble(bytes.readInt8(at + 1));
    case 0x5e:
      return printDouble(bytes.readInt16BE(at + 1));
    case 0x5f:
      return printDouble(bytes.readInt32BE(at + 1) / 1000);
    case 0x44:
      return printDouble(bytes.readDoubleBE(at + 1));
    case 0x4a:
      return printDate(Number(bytes.readBigInt64BE(at + 1)));
    case 0x4b:
      return printDate(bytes.readInt32BE(at + 1) * 60_000);
    default:
      return undefined;
  }
}

/** A number from 0 to 2^31-1 out of an int, a long, or a short decimal string; -1 for everything else. */
export function smallDecimal(bytes: Buffer, at: number, end: number): number {
  const tag = bytes[at]!;
  if (tag <= 0x1f) {
    if (tag === 0 || tag > 10 || end - at - 1 !== tag) return -1;
    let value = 0;
    for (let i = at + 1; i < end; i++) {
      const digit = bytes[i]! - 0x30;
      if (digit < 0 || digit > 9) return -1;
      value = value * 10 + digit;
    }
    return value > 0x7fffffff ? -1 : value;
  }
  if (tag === 0x4c) {
    const value = bytes.readBigInt64BE(at + 1);
    return value >= 0n && value <= 0x7fffffffn ? Number(value) : -1;
  }
  const value = readWhole(bytes, at);
  return value === undefined || value < 0 ? -1 : value;
}

/** Bytes that an int takes with its tag; 0 where the tag is no int's. */
export function intSize(tag: number): number {
  if (tag >= 0x80 && tag <= 0xbf) return 1;
  if (tag >= 0xc0 && tag <= 0xcf) return 2;
  if (tag >= 0xd0 && tag <= 0xd7) return 3;
  return tag === 0x49 ? 5 : 0;
}

/** An int, or a long of at most 32 bits. */
function readWhole(bytes: Buffer, at: number): number | undefined {
  const tag = bytes[at]!;
  if (tag >= 0x80 && tag <= 0xbf) return tag - 0x90;
  if (tag >= 0xc0 && tag <= 0xcf) return ((tag - 0xc8) << 8) + bytes[at + 1]!;
  if (tag >= 0xd0 && tag <= 0xd7) return ((tag - 0xd4) << 16) + (bytes[at + 1]! << 8) + bytes[at + 2]!;
  if (tag >= 0xd8 && tag <= 0xef) return tag - 0xe0;
  if (tag >= 0xf0) return ((tag - 0xf8) << 8) + bytes[at + 1]!;
  if (tag >= 0x38 && tag <= 0x3f) return ((tag - 0x3c) << 16) + (bytes[at + 1]! << 8) + bytes[at + 2]!;
  if (tag === 0x49 || tag === 0x59) return bytes.readInt32BE(at + 1);
  return undefined;
}

function joinChunks(bytes: Buffer, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; ) {
    const tag = bytes[at]!;
    let units = tag;
    let head = 1;
    if (tag >= 0x52) {
      units = bytes.readUInt16BE(at + 1);
      head = 3;
    } else if (tag >= 0x30) {
      units = ((tag - 0x30) << 8) | bytes[at + 1]!;
      head = 2;
    }
    let stop = at + head;
    for (let left = units; left > 0; left--) stop += bytes[stop]! < 0x80 ? 1 : bytes[stop]! < 0xe0 ? 2 : 3;
    text += sliceUnits(bytes, at + head, stop, units);
    at = stop;
  }
  return text;
}

/** As Java prints a double of ordinary size: 2.0, not 2. */
function printDouble(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e7 ? `${value}.0` : String(value);
}

/** ISO-8601 in UTC; dates outside of what JavaScript can show print as their milliseconds. */
function printDate(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}

function isAsciiText(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

function lower(unit: number): number {
  return unit >= 0x41 && unit <= 0x5a ? unit | 0x20 : unit;
}
