/** What Java's values are to a reader that wants a number, a text or a date, of whatever class they are. */
import { ProtocolError } from "../../base/errors.ts";
import { dateText, lostItsElements, plainOf } from "../hessian2/java.ts";
import { isContainer, type MapValue, mapGet, type ObjectValue, shortestFloat, type Value } from "../value.ts";
import {
  durationFromText,
  isTimestamp,
  type Seconds,
  secondsOfMillis,
  spanOfMillis,
  timestampFromText,
  timestampText,
} from "./times.ts";

/** What an object of Java's own stands for; throws for one whose elements its sender lost. */
export function plain(value: Value, depth = 0): Value {
  if (isContainer(value) && value.type === "map") return timeOfParts(value) ?? value;
  if (!isContainer(value) || value.type !== "object") return value;
  if (lostItsElements(value)) {
    throw new ProtocolError(
      "protobuf",
      "java.util.CollSer: the sender's hessian-lite 3.2 left out the elements of a List.of",
    );
  }
  const inner = plainOf(value);
  if (inner === undefined) return value;
  // What a holder holds may be such an object itself.
  return depth < MAX_HOLDERS ? plain(inner, depth + 1) : inner;
}

const MAX_HOLDERS = 8;

/**
 * The text of a java.time object that a generic answer has taken to pieces, as 2.6 does with all of them and later lines with Instant;
 * undefined for every other map.
 */
function timeOfParts(map: MapValue): string | undefined {
  const name = mapGet(map, "class");
  if (typeof name !== "string" || !name.startsWith("java.time.")) return undefined;
  const part = (key: string): bigint => {
    const value = mapGet(map, key);
    return typeof value === "number" || typeof value === "bigint" ? BigInt(value) : -1n;
  };
  const digits = (key: string, count: number): string => String(part(key)).padStart(count, "0");
  const day = `${digits("year", 4)}-${digits("monthValue", 2)}-${digits("dayOfMonth", 2)}`;
  const nanos = part("nano") > 0n ? `.${digits("nano", 9)}` : "";
  const clock = `${digits("hour", 2)}:${digits("minute", 2)}:${digits("second", 2)}${nanos}`;
  switch (name) {
    case "java.time.LocalDate":
      return day;
    case "java.time.LocalTime":
      return clock;
    case "java.time.LocalDateTime":
      return `${day}T${clock}`;
    case "java.time.Instant": {
      const point = { seconds: part("epochSecond"), nanos: Number(part("nano")) };
      const isWhole = mapGet(map, "epochSecond") !== undefined && isTimestamp(point);
      return isWhole ? `${timestampText(point)}Z` : undefined;
    }
    default:
      return undefined;
  }
}

/** The items of a list; undefined for any other value. */
export function listItems(value: Value): readonly Value[] | undefined {
  return isContainer(value) && value.type === "list" ? value.items : undefined;
}

/** Properties by name; of what repeats the last counts. */
export function membersOf(value: MapValue | ObjectValue): [string, Value][] {
  if (value.type === "map") {
    return value.entries.filter((entry): entry is [string, Value] => typeof entry[0] === "string");
  }
  return value.shape.fields.map((name, i) => [name, value.values[i]!]);
}

/** Names of the properties, as they stand. */
export function namesOf(value: MapValue | ObjectValue): string[] {
  return membersOf(value).map(([name]) => name);
}

/** Whether this is a map of Java's and not an object as a generic call answers it, which names its class. */
export function isPlainMap(value: MapValue | ObjectValue): boolean {
  return value.type === "map" && typeof mapGet(value, "class") !== "string";
}

/** Whether a value is what Java makes a property of by itself: 0, false, an empty text or collection. */
export function isInitial(value: Value): boolean {
  if (isContainer(value))
    return value.type === "list" ? value.items.length === 0 : value.type === "map" && value.entries.length === 0;
  if (typeof value === "object" && value !== null && "type" in value) {
    return (value.type === "double" || value.type === "float") && value.value === 0;
  }
  return value === 0 || value === 0n || value === false || value === "";
}

/** The whole number that a value is exactly: of a date its milliseconds, of a text its digits; undefined for none. */
export function integerOf(value: Value): bigint | undefined {
  if (typeof value === "number" || typeof value === "bigint") return BigInt(value);
  if (typeof value === "string") return /^-?\d{1,40}$/.test(value) ? BigInt(value) : undefined;
  if (value === null || typeof value !== "object" || !("type" in value)) return undefined;
  if (value.type === "date") return value.ms;
  const isWhole = (value.type === "double" || value.type === "float") && Number.isSafeInteger(value.value);
  return isWhole ? BigInt(value.value) : undefined;
}

/** The number that a value is; undefined for none, and for a long that no double holds. */
export function fractionOf(value: Value): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return BigInt(Number(value)) === value ? Number(value) : undefined;
  if (typeof value === "string") {
    const isNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,9})?$/.test(value) && value.length <= 400;
    return isNumber && Number.isFinite(Number(value)) ? Number(value) : undefined;
  }
  if (value === null || typeof value !== "object" || !("type" in value)) return undefined;
  if (value.type === "double") return value.milli === undefined ? value.value : value.milli / 1000;
  return value.type === "float" ? value.value : undefined;
}

/** A value as text, where it is a text, a number or a date; else undefined. */
export function textOf(value: Value): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (value === null || typeof value !== "object" || !("type" in value)) return undefined;
  switch (value.type) {
    case "char":
      return value.value;
    case "double":
      return String(fractionOf(value));
    case "float":
      return String(shortestFloat(value.value));
    case "date":
      return dateText(value);
    default:
      return undefined;
  }
}

/** The point in time that a date, a text of java.time or a number of milliseconds is; undefined for none. */
export function pointOf(value: Value): Seconds | undefined {
  if (typeof value === "string") return timestampFromText(value);
  const ms = typeof value === "number" || typeof value === "bigint" || isDate(value) ? integerOf(value) : undefined;
  return ms === undefined ? undefined : secondsOfMillis(ms);
}

/** The span that a text of java.time or a number of milliseconds is; undefined for none. */
export function spanOf(value: Value): Seconds | undefined {
  if (typeof value === "string") return durationFromText(value);
  const ms = typeof value === "number" || typeof value === "bigint" ? integerOf(value) : undefined;
  return ms === undefined ? undefined : spanOfMillis(ms);
}

function isDate(value: Value): boolean {
  return typeof value === "object" && value !== null && "type" in value && value.type === "date";
}

/** A value as a message shows it. */
export function shown(value: Value): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return `the string ${JSON.stringify(value.slice(0, 40))}`;
  if (typeof value === "number" || typeof value === "bigint") return `the number ${value}`;
  if (value instanceof Uint8Array) return `bytes of ${value.length}`;
  switch (value.type) {
    case "double":
    case "float":
      return `the number ${value.value}`;
    case "char":
      return `the char ${JSON.stringify(value.value)}`;
    case "date":
      return `the date ${dateText(value) ?? value.ms}`;
    case "object":
      return value.shape.name;
    case "map": {
      const name = mapGet(value, "class");
      return typeof name === "string" ? name : (value.className ?? "a map");
    }
    case "list":
      return value.className ?? "a list";
  }
}
