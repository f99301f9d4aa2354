/**
 * What Java means by values of its own classes: which objects are really a text, a number, a date or a list, and how such
 * objects are made so that hessian-lite 3.2 and 4.0 read them. Class names are text here and never more than that.
 *
 * | class | on the wire | meaning here |
 * |---|---|---|
 * | an enum | its class {name} | text |
 * | BigDecimal, UUID, File | their class {value} | text |
 * | URI | java.net.URI {string} | text |
 * | BigInteger | java.math.BigInteger {signum, mag: int[], caches} | text |
 * | Class | java.lang.Class {name} | text |
 * | Locale, Calendar, EnumSet, BitSet | ...hessian.io.*Handle | text, date, list |
 * | java.time | ...hessian.io.java8.*Handle | text |
 * | java.sql.Timestamp, Date, Time | their class {value: date} | date |
 * | Atomic*, Optional | their class {value} | what they hold |
 */
import {
  type DateValue,
  fieldOf,
  isContainer,
  isObject,
  listValue,
  type ObjectValue,
  objectValue,
  type Value,
} from "../value.ts";
import { timeText } from "./java-time.ts";

const IO = "com.alibaba.com.caucho.hessian.io.";
/** The most words of 64 bits that a BitSet may have. */
const MAX_BIT_WORDS = 4096;

/** What an object of a known Java class is: a value to show in its place. `undefined` for every other class. */
export function plainOf(object: ObjectValue): Value | undefined {
  const time = timeText(object);
  if (time !== undefined) return time;
  const { name } = object.shape;
  switch (name) {
    case "java.math.BigDecimal":
    case "java.util.UUID":
    case "java.io.File":
    case "javax.management.ObjectName":
      return textField(object, "value");
    case "java.net.URI":
      return textField(object, "string");
    case "java.lang.Class":
      return textField(object, "name");
    case "java.math.BigInteger":
      return bigIntegerOf(object)?.toString();
    case `${IO}LocaleHandle`:
      return localeTag(textField(object, "value"));
    case "java.sql.Timestamp":
    case "java.sql.Date":
    case "java.sql.Time":
      return dateField(object, "value");
    case `${IO}CalendarHandle`:
      return dateField(object, "date");
    case `${IO}EnumSetHandler`:
      return listField(object, "objects");
    case `${IO}BitSetHandle`:
      return bitsOf(object);
    case "java.util.concurrent.atomic.AtomicBoolean":
      return atomicBoolean(fieldOf(object, "value"));
    case "java.util.concurrent.atomic.AtomicInteger":
    case "java.util.concurrent.atomic.AtomicLong":
    case "java.util.concurrent.atomic.AtomicReference":
    case "java.util.Optional":
      return fieldOf(object, "value");
    case "java.net.InetAddress":
      return addressOf(object);
    default:
      return enumName(object);
  }
}

/**
 * The constant's name when the object looks like an enum: one field, `name`, in capitals. A class of ours with just such a
 * field can't be told from one on the wire, hence the capitals.
 */
export function enumName(object: ObjectValue): string | undefined {
  const { fields, name } = object.shape;
  if (fields.length !== 1 || fields[0] !== "name" || name.startsWith("java.lang.")) return undefined;
  const value = object.values[0];
  return typeof value === "string" && /^[A-Z][A-Z0-9_$]*$/.test(value) ? value : undefined;
}

/**
 * hessian-lite 3.2 writes `List.of(...)`, `Set.of` and `Map.of` as this class without their elements: the bytes do not hold
 * the value, and nobody may take it for an empty one.
 */
export function lostItsElements(object: ObjectValue): boolean {
  return object.shape.name === "java.util.CollSer";
}

/** An AtomicBoolean keeps an int. */
function atomicBoolean(value: Value | undefined): boolean | undefined {
  return value === 0 || value === 1 ? value === 1 : undefined;
}

function textField(object: ObjectValue, field: string): string | undefined {
  const value = fieldOf(object, field);
  return typeof value === "string" ? value : undefined;
}

function dateField(object: ObjectValue, field: string): DateValue | undefined {
  const value = fieldOf(object, field);
  return isDate(value) ? value : undefined;
}

function isDate(value: Value | undefined): value is DateValue {
  return typeof value === "object" && value !== null && "type" in value && value.type === "date";
}

function listField(object: ObjectValue, field: string): Value | undefined {
  const value = fieldOf(object, field);
  return value !== undefined && isContainer(value) && value.type === "list" ? value : undefined;
}

/** A java.math.BigInteger's number, from its sign and its magnitude in words of 32 bits, the highest first. */
export function bigIntegerOf(object: ObjectValue): bigint | undefined {
  const sign = fieldOf(object, "signum");
  const mag = listField(object, "mag");
  if (typeof sign !== "number" || !isContainer(mag ?? null)) return undefined;
  let hex = "";
  for (const word of (mag as { items: Value[] }).items) {
    if (typeof word !== "number") return undefined;
    hex += (word >>> 0).toString(16).padStart(8, "0");
  }
  if (hex.length > 65_536) return undefined;
  const size = BigInt("0x0" + hex);
  return sign < 0 ? -size : size;
}

/** BCP 47 for the common form of a Java locale: `zh_CN` is zh-CN. */
function localeTag(name: string | undefined): string | undefined {
  return name?.replace(/_/g, "-");
}

function bitsOf(object: ObjectValue): Value | undefined {
  const words = listField(object, "words");
  if (words === undefined || !isContainer(words) || words.type !== "list" || words.items.length > MAX_BIT_WORDS)
    return undefined;
  const bits: Value[] = [];
  for (const [at, word] of words.items.entries()) {
    if (typeof word !== "bigint") return undefined;
    const unsigned = BigInt.asUintN(64, word);
    for (let bit = 0; bit < 64; bit++) if ((unsigned >> BigInt(bit)) & 1n) bits.push(at * 64 + bit);
  }
  return listValue(bits);
}

/** hessian-lite 4.0's InetAddress, of IPv4; 3.2 writes the class without its address. */
function addressOf(object: ObjectValue): string | undefined {
  const holder = fieldOf(object, "holder");
  if (holder === undefined || !isObject(holder)) return undefined;
  const address = fieldOf(holder, "address");
  if (typeof address !== "number") return undefined;
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}

/** A java.math.BigDecimal of this decimal text. */
export function bigDecimalValue(text: string): ObjectValue {
  return objectValue("java.math.BigDecimal", [["value", text]]);
}

/** A java.math.BigInteger; Java fills in the counts that it keeps beside sign and magnitude. */
export function bigIntegerValue(value: bigint): ObjectValue {
  const hex = (value < 0n ? -value : value).toString(16);
  const padded = hex.padStart(Math.ceil(hex.length / 8) * 8, "0");
  const words: Value[] = [];
  if (value !== 0n)
    for (let at = 0; at < padded.length; at += 8) words.push(Number.parseInt(padded.slice(at, at + 8), 16) | 0);
  return objectValue("java.math.BigInteger", [
    ["mag", listValue(words, "[int")],
    ["signum", value === 0n ? 0 : value < 0n ? -1 : 1],
  ]);
}

/** An enum constant. */
export function enumValue(className: string, name: string): ObjectValue {
  return objectValue(className, [["name", name]]);
}

/** A java.lang.Class. */
export function classValue(name: string): ObjectValue {
  return objectValue("java.lang.Class", [["name", name]]);
}

/** A java.util.Locale from `zh_CN` or `zh-CN`. */
export function localeValue(tag: string): ObjectValue {
  return objectValue(`${IO}LocaleHandle`, [["value", tag.replace(/-/g, "_")]]);
}

/** A java.util.Calendar at a date: a GregorianCalendar of its reader's own time zone. */
export function calendarValue(date: DateValue): ObjectValue {
  return objectValue(`${IO}CalendarHandle`, [
    ["type", null],
    ["date", date],
  ]);
}

/** A java.util.EnumSet of these constants of an enum. */
export function enumSetValue(className: string, constants: readonly string[]): ObjectValue {
  const objects = constants.map((name) => enumValue(className, name));
  return objectValue(`${IO}EnumSetHandler`, [
    ["type", classValue(className)],
    ["objects", listValue(objects, "[object")],
  ]);
}

/** A java.util.BitSet of these bits, each below 262,144. Throws RangeError for another. */
export function bitSetValue(bits: readonly number[]): ObjectValue {
  const words: bigint[] = [];
  for (const bit of bits) {
    if (!Number.isInteger(bit) || bit < 0 || bit >= MAX_BIT_WORDS * 64) throw new RangeError(`no bit: ${bit}`);
    const at = Math.floor(bit / 64);
    while (words.length <= at) words.push(0n);
    words[at]! |= 1n << BigInt(bit % 64);
  }
  const signed = words.map((word) => BigInt.asIntN(64, word));
  return objectValue(`${IO}BitSetHandle`, [["words", listValue(signed, "[long")]]);
}

/** ISO-8601 in UTC with milliseconds; undefined beyond the years that JavaScript's dates reach (271821 BC to 275760). */
export function dateText(date: DateValue): string | undefined {
  if (date.ms > 8_640_000_000_000_000n || date.ms < -8_640_000_000_000_000n) return undefined;
  return new Date(Number(date.ms)).toISOString().replace(/^\+0*(?=\d{5})/, "+");
}
