/**
 * JSONB's own forms of Java's classes as the values that Hessian's reader makes of the same objects, so that rules and JSON see
 * no difference: BigDecimal, BigInteger, java.time.
 */
import { bigDecimalValue, bigIntegerValue } from "../hessian2/java.ts";
import { timeFromText } from "../hessian2/java-time.ts";
import type { Value } from "../value.ts";
import { fastjson2Error, MAX_NUMBER_BYTES } from "./constants.ts";
import type { Fastjson2Cursor } from "./cursor.ts";

/** What stands behind tags b8 to bb and a7 to aa and ae; the cursor is behind the tag. */
export function readJavaValue(cursor: Fastjson2Cursor, tag: number): Value {
  const at = cursor.offset - 1;
  switch (tag) {
    case 0xb8:
      return bigDecimalValue(cursor.readLong().toString());
    case 0xb9: {
      const scale = cursor.readInt();
      return bigDecimalValue(decimalText(readInteger(cursor), scale));
    }
    case 0xba:
      return bigIntegerValue(cursor.readLong());
    case 0xbb:
      return bigIntegerValue(readBytes(cursor));
    case 0xa7:
      return time("LocalTime", readTime(cursor), at);
    case 0xa8:
      return time("LocalDateTime", `${readDate(cursor)}T${readTime(cursor)}`, at);
    case 0xa9:
      return time("LocalDate", readDate(cursor), at);
    case 0xaa: {
      const local = `${readDate(cursor)}T${readTime(cursor)}`;
      const zone = cursor.readString();
      // A region's offset stands nowhere: the value is its text then.
      return /^(?:Z|[+-][\d:]+)$/.test(zone) ? time("ZonedDateTime", local + zone, at) : `${local}[${zone}]`;
    }
    default:
      return readInstant(cursor);
  }
}

/** A BigDecimal's text as Java prints it, from its digits and their scale. */
export function decimalText(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? "-" : "";
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString();
  if (scale === 0) return sign + digits;
  const adjusted = digits.length - 1 - scale;
  if (scale > 0 && adjusted >= -6) {
    const padded = digits.padStart(scale + 1, "0");
    return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
  }
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
  return `${sign}${digits[0]}${fraction}E${adjusted > 0 ? "+" : ""}${adjusted}`;
}

function readInteger(cursor: Fastjson2Cursor): bigint {
  if (cursor.peek() !== 0xbb) return cursor.readLong();
  cursor.offset++;
  return readBytes(cursor);
}

function readBytes(cursor: Fastjson2Cursor): bigint {
  const at = cursor.offset;
  const length = cursor.readCount("number");
  if (length === 0 || length > MAX_NUMBER_BYTES) {
    throw fastjson2Error(`number of ${length} bytes, of at most ${MAX_NUMBER_BYTES}`, at);
  }
  const start = cursor.take(length);
  return BigInt.asIntN(length * 8, BigInt(`0x${cursor.bytes.toString("hex", start, start + length)}`));
}

function readDate(cursor: Fastjson2Cursor): string {
  const at = cursor.take(4);
  const year = cursor.bytes.readInt16BE(at);
  const sign = year < 0 ? "-" : year > 9999 ? "+" : "";
  return `${sign}${String(Math.abs(year)).padStart(4, "0")}-${two(cursor.bytes[at + 2]!)}-${two(cursor.bytes[at + 3]!)}`;
}

function readTime(cursor: Fastjson2Cursor): string {
  const at = cursor.take(3);
  const { bytes } = cursor;
  const nanos = cursor.readInt();
  if (nanos < 0 || nanos > 999_999_999) throw fastjson2Error(`time of ${nanos} ns`, at);
  return `${two(bytes[at]!)}:${two(bytes[at + 1]!)}:${two(bytes[at + 2]!)}${fraction(nanos)}`;
}

function readInstant(cursor: Fastjson2Cursor): Value {
  const at = cursor.offset - 1;
  const seconds = cursor.readLong();
  const nanos = cursor.readInt();
  if (seconds > 8_640_000_000_000n || seconds < -8_640_000_000_000n || nanos < 0 || nanos > 999_999_999) {
    throw fastjson2Error(`instant of ${seconds} s and ${nanos} ns`, at);
  }
  const whole = new Date(Number(seconds) * 1000).toISOString().replace(/\.000Z$/, "");
  return time("Instant", `${whole}${fraction(nanos)}Z`, at);
}

function time(name: string, text: string, at: number): Value {
  const value = timeFromText(name, text);
  if (value === undefined) throw fastjson2Error(`${name} of ${text}`, at);
  return value;
}

function fraction(nanos: number): string {
  return nanos === 0 ? "" : `.${String(nanos).padStart(9, "0")}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
