/**
 * java.time over the value tree: the text that Java's own `toString` gives, and objects made from such text.
 * hessian-lite carries each class as `com.alibaba.com.caucho.hessian.io.java8.<Class>Handle`; 4.0.4 in compact mode writes
 * LocalDate, LocalTime and LocalDateTime as days since 1970 and nanoseconds of the day under their own names.
 */
import { fieldOf, isObject, type ObjectValue, objectValue, type Value } from "../value.ts";

const HANDLES = "com.alibaba.com.caucho.hessian.io.java8.";
const NANOS_OF_SECOND = 1_000_000_000n;
const DAY_SECONDS = 86_400n;
const MAX_INSTANT_SECONDS = 8_640_000_000_000n;

/** The java.time class of an object, `LocalDate` for example, or undefined. */
export function timeClass(object: ObjectValue): string | undefined {
  const { name } = object.shape;
  if (name.startsWith(HANDLES) && name.endsWith("Handle")) return name.slice(HANDLES.length, -"Handle".length);
  return /^java\.time\.Local(?:Date|Time|DateTime)$/.test(name) ? name.slice("java.time.".length) : undefined;
}

/** The ISO-8601 text of a java.time object as Java prints it; undefined when it is none or a field is missing or out of range. */
export function timeText(object: ObjectValue): string | undefined {
  const name = timeClass(object);
  if (name === undefined) return undefined;
  try {
    if (object.shape.name.startsWith("java.time.")) return compactText(name, object);
    return PRINTERS[name]?.(object);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

/** A field is not what its class says: the object is then shown with its fields, as any other. */
class Malformed extends Error {}

const PRINTERS: Readonly<Record<string, (of: ObjectValue) => string>> = {
  LocalDate: (of) => date(int(of, "year"), int(of, "month"), int(of, "day")),
  LocalTime: (of) => clock(int(of, "hour"), int(of, "minute"), int(of, "second"), int(of, "nano")),
  LocalDateTime: (of) => `${part(of, "date", "LocalDate")}T${part(of, "time", "LocalTime")}`,
  Instant: (of) => instant(long(of, "seconds"), int(of, "nanos")),
  Duration: (of) => duration(long(of, "seconds"), int(of, "nanos")),
  Period: (of) => period(int(of, "years"), int(of, "months"), int(of, "days")),
  Year: (of) => String(int(of, "year")),
  YearMonth: (of) => `${year(int(of, "year"))}-${two(int(of, "month"))}`,
  MonthDay: (of) => `--${two(int(of, "month"))}-${two(int(of, "day"))}`,
  ZoneOffset: (of) => offset(int(of, "seconds")),
  OffsetTime: (of) => part(of, "localTime", "LocalTime") + part(of, "zoneOffset", "ZoneOffset"),
  OffsetDateTime: (of) => part(of, "dateTime", "LocalDateTime") + part(of, "offset", "ZoneOffset"),
  ZonedDateTime: (of) => {
    const zone = text(of, "zoneId");
    const at = part(of, "offset", "ZoneOffset");
    return part(of, "dateTime", "LocalDateTime") + at + (zone === at ? "" : `[${zone}]`);
  },
  ZoneId: (of) => text(of, "zoneId"),
};

function compactText(name: string, object: ObjectValue): string {
  if (name === "LocalDateTime") {
    const [day, nanos] = [fieldOf(object, "date"), fieldOf(object, "time")];
    return `${epochDay(toLong(day))}T${nanoOfDay(toLong(nanos))}`;
  }
  const value = toLong(object.values[0]);
  return name === "LocalDate" ? epochDay(value) : nanoOfDay(value);
}

function toLong(value: Value | undefined): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return BigInt(value);
  throw new Malformed();
}

function long(of: ObjectValue, field: string): bigint {
  return toLong(fieldOf(of, field));
}

function int(of: ObjectValue, field: string): number {
  return Number(toLong(fieldOf(of, field)));
}

function text(of: ObjectValue, field: string): string {
  const value = fieldOf(of, field);
  if (typeof value !== "string") throw new Malformed();
  return value;
}

/** A field that is itself a java.time object, of one class: so that a cycle of hostile objects ends here. */
function part(of: ObjectValue, field: string, name: string): string {
  const value = fieldOf(of, field);
  const shown = value !== undefined && isObject(value) && timeClass(value) === name ? timeText(value) : undefined;
  if (shown === undefined) throw new Malformed();
  return shown;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function year(value: number): string {
  const digits = String(Math.abs(value)).padStart(4, "0");
  if (value < 0) return `-${digits}`;
  return value > 9999 ? `+${digits}` : digits;
}

function date(y: number, month: number, day: number): string {
  return `${year(y)}-${two(month)}-${two(day)}`;
}

/** Seconds only when there are any, as LocalTime.toString has it. */
function clock(hour: number, minute: number, second: number, nano: number): string {
  const short = `${two(hour)}:${two(minute)}`;
  return second === 0 && nano === 0 ? short : `${short}:${two(second)}${fraction(nano)}`;
}

/** Three, six or nine digits, or nothing. */
function fraction(nano: number): string {
  if (nano === 0) return "";
  const digits = String(nano).padStart(9, "0");
  if (nano % 1_000_000 === 0) return "." + digits.slice(0, 3);
  return "." + (nano % 1000 === 0 ? digits.slice(0, 6) : digits);
}

function epochDay(day: bigint): string {
  return isoDate(day * DAY_SECONDS);
}

function isoDate(seconds: bigint): string {
  if (seconds > MAX_INSTANT_SECONDS || seconds < -MAX_INSTANT_SECONDS) throw new Malformed();
  const at = new Date(Number(seconds) * 1000);
  return date(at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate());
}

function nanoOfDay(nanos: bigint): string {
  if (nanos < 0n || nanos >= DAY_SECONDS * NANOS_OF_SECOND) throw new Malformed();
  const second = Number(nanos / NANOS_OF_SECOND);
  return clock(Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60, Number(nanos % NANOS_OF_SECOND));
}

function instant(seconds: bigint, nanos: number): string {
  const day = isoDate(seconds);
  const second = Number(((seconds % DAY_SECONDS) + DAY_SECONDS) % DAY_SECONDS);
  const at = [Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60].map(two).join(":");
  return `${day}T${at}${fraction(nanos)}Z`;
}

function duration(seconds: bigint, nanos: number): string {
  if (seconds === 0n && nanos === 0) return "PT0S";
  const negative = seconds < 0n;
  const whole = negative && nanos > 0 ? seconds + 1n : seconds;
  const hours = whole / 3600n;
  const minutes = (whole % 3600n) / 60n;
  const second = whole % 60n;
  let shown = "PT" + (hours === 0n ? "" : `${hours}H`) + (minutes === 0n ? "" : `${minutes}M`);
  if (second === 0n && nanos === 0) return shown;
  shown += negative && second === 0n && nanos > 0 ? "-0" : String(second);
  if (nanos > 0) {
    const digits = String(negative ? 1_000_000_000 - nanos : nanos).padStart(9, "0");
    shown += "." + digits.replace(/0+$/, "");
  }
  return shown + "S";
}

function period(years: number, months: number, days: number): string {
  if (years === 0 && months === 0 && days === 0) return "P0D";
  return "P" + (years ? `${years}Y` : "") + (months ? `${months}M` : "") + (days ? `${days}D` : "");
}

function offset(total: number): string {
  if (total === 0) return "Z";
  const of = Math.abs(total);
  const seconds = of % 60 === 0 ? "" : `:${two(of % 60)}`;
  return `${total < 0 ? "-" : "+"}${two(Math.floor(of / 3600))}:${two(Math.floor(of / 60) % 60)}${seconds}`;
}

const DATE = /^([+-]?\d{4,9})-(\d\d)-(\d\d)$/;
const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/;
const OFFSET = /^(?:Z|([+-])(\d\d):(\d\d)(?::(\d\d))?)$/;

/**
 * The object that hessian-lite 3.2 and 4.0 read as `java.time.<name>`, from ISO-8601 text.
 * Undefined when the text is not of that class.
 */
export function timeFromText(name: string, source: string): ObjectValue | undefined {
  const m = (pattern: RegExp): RegExpExecArray | null => pattern.exec(source);
  let found: RegExpExecArray | null;
  switch (name) {
    case "LocalDate":
      found = m(DATE);
      return found === null ? undefined : handle(name, { day: +found[3]!, month: +found[2]!, year: +found[1]! });
    case "LocalTime":
      found = m(TIME);
      return found === null ? undefined : localTime(found);
    case "LocalDateTime":
      return joined(name, source.indexOf("T"), 1, source, ["date", "LocalDate"], ["time", "LocalTime"]);
    case "OffsetTime":
      return joined(name, source.search(/[Z+-]/), 0, source, ["localTime", "LocalTime"], ["zoneOffset", "ZoneOffset"]);
    case "OffsetDateTime":
      return joined(name, offsetAt(source), 0, source, ["dateTime", "LocalDateTime"], ["offset", "ZoneOffset"]);
    case "ZonedDateTime":
      return zoned(source);
    case "ZoneOffset":
      found = m(OFFSET);
      return found === null ? undefined : handle(name, { seconds: offsetSeconds(found) });
    case "Year":
      return /^[+-]?\d{1,9}$/.test(source) ? handle(name, { year: +source }) : undefined;
    case "YearMonth":
      found = m(/^([+-]?\d{4,9})-(\d\d)$/);
      return found === null ? undefined : handle(name, { month: +found[2]!, year: +found[1]! });
    case "MonthDay":
      found = m(/^--(\d\d)-(\d\d)$/);
      return found === null ? undefined : handle(name, { day: +found[2]!, month: +found[1]! });
    case "ZoneId":
      return handle(name, { zoneId: source });
    case "Instant":
      return instantFromText(source);
    case "Duration":
      return durationFromText(source);
    case "Period":
      found = m(/^P(?=.)(?:([+-]?\d{1,9})Y)?(?:([+-]?\d{1,9})M)?(?:([+-]?\d{1,9})D)?$/);
      return found === null
        ? undefined
        : handle(name, { days: +(found[3] ?? 0), months: +(found[2] ?? 0), years: +(found[1] ?? 0) });
    default:
      return undefined;
  }
}

function handle(name: string, fields: Readonly<Record<string, Value>>): ObjectValue {
  return objectValue(`${HANDLES}${name}Handle`, Object.entries(fields));
}

function localTime(found: RegExpExecArray): ObjectValue {
  const nano = +(found[4] ?? "").padEnd(9, "0");
  return handle("LocalTime", { nano, second: +(found[3] ?? 0), minute: +found[2]!, hour: +found[1]! });
}

/** An object of two java.time parts whose texts stand before and behind `at`. */
function joined(
  name: string,
  at: number,
  gap: number,
  source: string,
  first: readonly [field: string, name: string],
  second: readonly [field: string, name: string],
): ObjectValue | undefined {
  if (at < 0) return undefined;
  const before = timeFromText(first[1], source.slice(0, at));
  const behind = timeFromText(second[1], source.slice(at + gap));
  return before && behind && handle(name, { [first[0]]: before, [second[0]]: behind });
}

/** Where the offset of a date-time starts: the sign or Z behind its clock. */
function offsetAt(source: string): number {
  const t = source.indexOf("T");
  const at = t < 0 ? -1 : source.slice(t).search(/[Z+-]/);
  return at < 0 ? -1 : t + at;
}

function zoned(source: string): ObjectValue | undefined {
  const found = /^([^[]+)(?:\[([^\]]+)\])?$/.exec(source);
  const at = found === null ? -1 : offsetAt(found[1]!);
  if (found === null || at < 0) return undefined;
  const dateTime = timeFromText("LocalDateTime", found[1]!.slice(0, at));
  const offset = timeFromText("ZoneOffset", found[1]!.slice(at));
  if (dateTime === undefined || offset === undefined) return undefined;
  return handle("ZonedDateTime", { offset, dateTime, zoneId: found[2] ?? found[1]!.slice(at) });
}

function offsetSeconds(found: RegExpExecArray): number {
  if (found[1] === undefined) return 0;
  const seconds = +found[2]! * 3600 + +found[3]! * 60 + +(found[4] ?? 0);
  return found[1] === "-" ? -seconds : seconds;
}

function instantFromText(source: string): ObjectValue | undefined {
  const found = /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(source);
  const ms = found === null ? Number.NaN : Date.parse(found[1]! + found[3]!);
  if (found === null || Number.isNaN(ms)) return undefined;
  return handle("Instant", { nanos: +(found[2] ?? "").padEnd(9, "0"), seconds: BigInt(ms / 1000) });
}

function durationFromText(source: string): ObjectValue | undefined {
  const found =
    /^([+-])?P(?=.)(?:([+-]?\d{1,12})D)?(?:T(?=.)(?:([+-]?\d{1,12})H)?(?:([+-]?\d{1,12})M)?(?:([+-]?)(\d{1,18})(?:\.(\d{1,9}))?S)?)?$/.exec(
      source,
    );
  if (found === null) return undefined;
  const [, sign, days, hours, minutes, secondSign, seconds, rest] = found;
  const fractional = BigInt(seconds ?? 0) * NANOS_OF_SECOND + BigInt((rest ?? "").padEnd(9, "0"));
  let nanos =
    (BigInt(days ?? 0) * DAY_SECONDS + BigInt(hours ?? 0) * 3600n + BigInt(minutes ?? 0) * 60n) * NANOS_OF_SECOND +
    (secondSign === "-" ? -fractional : fractional);
  if (sign === "-") nanos = -nanos;
  const nano = ((nanos % NANOS_OF_SECOND) + NANOS_OF_SECOND) % NANOS_OF_SECOND;
  return handle("Duration", { nanos: Number(nano), seconds: (nanos - nano) / NANOS_OF_SECOND });
}
