/** google.protobuf.Timestamp and Duration as text, and from the text that Java's java.time prints. */

/** Seconds with nanoseconds, as Timestamp (since 1970 UTC, nanoseconds forward) and Duration (both of one sign) have them. */
export interface Seconds {
  readonly seconds: bigint;
  readonly nanos: number;
}

const FIRST_SECOND = -62_135_596_800n;
const LAST_SECOND = 253_402_300_799n;
const MAX_DURATION_SECONDS = 315_576_000_000n;
const BILLION = 1_000_000_000n;

/** Whether a Timestamp is one: of the years 1 to 9999. */
export function isTimestamp({ seconds, nanos }: Seconds): boolean {
  return seconds >= FIRST_SECOND && seconds <= LAST_SECOND && nanos >= 0 && nanos < 1e9;
}

/** Whether a Duration is one: 10,000 years at most, its parts of one sign. */
export function isDuration({ seconds, nanos }: Seconds): boolean {
  const sameSign = seconds === 0n || nanos === 0 || seconds > 0n === nanos > 0;
  return sameSign && Math.abs(nanos) < 1e9 && seconds <= MAX_DURATION_SECONDS && seconds >= -MAX_DURATION_SECONDS;
}

/** Milliseconds since 1970, rounded down: all that a java.util.Date holds. */
export function millisOf({ seconds, nanos }: Seconds): bigint {
  return seconds * 1000n + BigInt(Math.floor(nanos / 1e6));
}

/** A point in time of so many milliseconds since 1970. */
export function secondsOfMillis(ms: bigint): Seconds {
  const seconds = ms / 1000n - (ms % 1000n < 0n ? 1n : 0n);
  return { seconds, nanos: Number(ms - seconds * 1000n) * 1_000_000 };
}

/** A span of so many milliseconds, its parts of one sign. */
export function spanOfMillis(ms: bigint): Seconds {
  return { seconds: ms / 1000n, nanos: Number(ms % 1000n) * 1_000_000 };
}

/** A valid Timestamp in ISO-8601 without its offset, which is none: `2026-01-02T03:04:05.5`. */
export function timestampText({ seconds, nanos }: Seconds): string {
  return new Date(Number(seconds) * 1000).toISOString().slice(0, 19) + fraction(nanos);
}

/** A valid Duration as Java prints it, in seconds alone: `PT90.5S`. */
export function durationText({ seconds, nanos }: Seconds): string {
  const negative = seconds < 0n || nanos < 0;
  const whole = seconds < 0n ? -seconds : seconds;
  return `PT${negative ? "-" : ""}${whole}${fraction(Math.abs(nanos))}S`;
}

function fraction(nanos: number): string {
  return nanos === 0 ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;
}

const ISO = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?(?:\[[^\]]{1,64}\])?)?$/;

/** A date, with or without a time, an offset and a zone's name, as java.time prints it; without an offset UTC. Undefined for other text. */
export function timestampFromText(text: string): Seconds | undefined {
  const found = ISO.exec(text);
  if (found === null) return undefined;
  const [, day, clock = "00:00", second = "00", part = "", offset = "Z"] = found;
  const at = offset === "Z" || offset.includes(":") ? offset : `${offset.slice(0, 3)}:${offset.slice(3)}`;
  const ms = Date.parse(`${day}T${clock}:${second}${at}`);
  if (Number.isNaN(ms)) return undefined;
  const point = { seconds: BigInt(ms / 1000), nanos: Number(part.padEnd(9, "0")) };
  return isTimestamp(point) ? point : undefined;
}

const SPAN = /^PT(?:([+-]?\d{1,12})H)?(?:([+-]?\d{1,12})M)?(?:([+-]?)(\d{1,12})(?:\.(\d{1,9}))?S)?$/;

/** A span of time as java.time.Duration prints it; undefined for other text. */
export function durationFromText(text: string): Seconds | undefined {
  const found = SPAN.exec(text);
  if (found === null || text === "PT") return undefined;
  const [, hours = "0", minutes = "0", sign = "", seconds = "0", part = ""] = found;
  const size = BigInt(seconds) * BILLION + BigInt(part.padEnd(9, "0"));
  const nanos = (BigInt(hours) * 3600n + BigInt(minutes) * 60n) * BILLION + (sign === "-" ? -size : size);
  const span = { seconds: nanos / BILLION, nanos: Number(nanos % BILLION) };
  return isDuration(span) ? span : undefined;
}

/** A point as the text of one of java.time's classes; `utc` is that of LocalDateTime. */
export function timeText(utc: string, className: string): string {
  switch (className.slice("java.time.".length)) {
    case "LocalDate":
      return utc.slice(0, 10);
    case "LocalTime":
      return utc.slice(11);
    case "LocalDateTime":
      return utc;
    case "OffsetTime":
      return `${utc.slice(11)}Z`;
    default:
      return `${utc}Z`;
  }
}
