/**
 * Objects of the JDK that Java's generic calls take to pieces: PojoUtils makes of all that is no scalar, date or collection a map of what its
 * getters say, and of what its public fields hold. From those that say enough, as JSON, comes the text that the object has elsewhere.
 *
 * | class | of the getters |
 * |---|---|
 * | UUID | mostSignificantBits, leastSignificantBits |
 * | Locale | language, script, country, variant |
 * | URI | scheme, rawSchemeSpecificPart, rawFragment |
 * | java.time | year, monthValue, hour, nano, offset, ... |
 */
import { timeText } from "./hessian2/java-time.ts";
import { type JsonNode, JsonNumber, type JsonObject } from "./json-text.ts";
import { objectValue, type Value } from "./value.ts";

const HANDLES = "com.alibaba.com.caucho.hessian.io.java8.";

/**
 * The text of an object of this class, whose own pieces are texts already; undefined for a class that is not among them, and where a
 * getter is missing or not what its class says.
 */
export function textOfPieces(className: string, pieces: JsonObject): string | undefined {
  try {
    return MAKERS[className]?.(pieces);
  } catch (error) {
    if (error instanceof Missing) return undefined;
    throw error;
  }
}

/** A getter that is not there. */
class Missing extends Error {}

const MAKERS: Readonly<Record<string, (of: JsonObject) => string | undefined>> = {
  __proto__: null as never,
  "java.util.UUID": (of) => uuid(long(of, "mostSignificantBits"), long(of, "leastSignificantBits")),
  "java.util.Locale": (of) =>
    ["language", "script", "country", "variant"]
      .map((name) => (name === "script" && !of.has(name) ? "" : text(of.get(name))))
      .filter((part) => part !== "")
      .join("-"),
  "java.net.URI": (of) => {
    const [scheme, fragment] = [of.get("scheme") ?? null, of.get("rawFragment") ?? null];
    const start = scheme === null ? "" : `${text(scheme)}:`;
    return start + text(of.get("rawSchemeSpecificPart")) + (fragment === null ? "" : `#${text(fragment)}`);
  },
  "java.time.Instant": (of) => made("Instant", { seconds: long(of, "epochSecond"), nanos: int(of, "nano") }),
  "java.time.Duration": (of) => made("Duration", { seconds: long(of, "seconds"), nanos: int(of, "nano") }),
  "java.time.Period": (of) =>
    made("Period", { years: int(of, "years"), months: int(of, "months"), days: int(of, "days") }),
  "java.time.Year": (of) => made("Year", { year: int(of, "value") }),
  "java.time.YearMonth": (of) => made("YearMonth", { year: int(of, "year"), month: int(of, "monthValue") }),
  "java.time.MonthDay": (of) => made("MonthDay", { month: int(of, "monthValue"), day: int(of, "dayOfMonth") }),
  "java.time.LocalDate": day,
  "java.time.LocalTime": clock,
  "java.time.LocalDateTime": dayAndClock,
  "java.time.OffsetTime": (of) => clock(of) + text(of.get("offset")),
  "java.time.OffsetDateTime": (of) => dayAndClock(of) + text(of.get("offset")),
  "java.time.ZonedDateTime": (of) => {
    const [offset, zone] = [text(of.get("offset")), text(of.get("zone"))];
    return dayAndClock(of) + offset + (zone === offset ? "" : `[${zone}]`);
  },
  "java.time.ZoneOffset": (of) => text(of.get("id")),
  "java.time.ZoneRegion": (of) => text(of.get("id")),
};

function day(of: JsonObject): string {
  return made("LocalDate", { year: int(of, "year"), month: int(of, "monthValue"), day: int(of, "dayOfMonth") });
}

function clock(of: JsonObject): string {
  const [hour, minute, second, nano] = ["hour", "minute", "second", "nano"].map((name) => int(of, name));
  return made("LocalTime", { hour: hour!, minute: minute!, second: second!, nano: nano! });
}

function dayAndClock(of: JsonObject): string {
  return `${day(of)}T${clock(of)}`;
}

function uuid(high: bigint, low: bigint): string {
  const hex = [high, low].map((half) => BigInt.asUintN(64, half).toString(16).padStart(16, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The text of a java.time class with these fields of its handle. */
function made(name: string, fields: Readonly<Record<string, Value>>): string {
  const said = timeText(objectValue(`${HANDLES}${name}Handle`, Object.entries(fields)));
  if (said === undefined) throw new Missing();
  return said;
}

function text(node: JsonNode | undefined): string {
  if (typeof node !== "string") throw new Missing();
  return node;
}

/** A long, which is a text where JSON's readers would round it. */
function long(of: JsonObject, name: string): bigint {
  const node = of.get(name);
  const digits = node instanceof JsonNumber ? node.text : node;
  if (typeof digits !== "string" || !/^-?\d{1,19}$/.test(digits)) throw new Missing();
  return BigInt(digits);
}

function int(of: JsonObject, name: string): number {
  const value = long(of, name);
  if (value !== BigInt.asIntN(32, value)) throw new Missing();
  return Number(value);
}
