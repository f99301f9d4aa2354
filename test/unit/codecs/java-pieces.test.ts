import { expect, test } from "vitest";
import { textOfPieces } from "../../../src/codecs/java-pieces.ts";
import { type JsonObject, parseJson } from "../../../src/codecs/json-text.ts";

const text = (name: string, json: string) => textOfPieces(name, parseJson(json) as JsonObject);
const clock = '"hour":23,"minute":59,"second":58,"nano":123000000';
const date = '"year":2024,"monthValue":2,"month":"FEBRUARY","dayOfMonth":29,"dayOfWeek":"THURSDAY"';

// As PojoUtils of 2.7.23 and 2.6.12 has them.
test.each([
  [
    "java.util.UUID",
    '{"leastSignificantBits":"-7394662338795164768","mostSignificantBits":"1051668740537338868"}',
    "0e984725-c51c-4bf4-9960-e1c80e27aba0",
  ],
  ["java.util.UUID", '{"leastSignificantBits":1,"mostSignificantBits":0}', "00000000-0000-0000-0000-000000000001"],
  ["java.util.Locale", '{"country":"CN","language":"zh","script":"","variant":"","displayName":"Chinese"}', "zh-CN"],
  ["java.util.Locale", '{"country":"TW","language":"zh","script":"Hant","variant":""}', "zh-Hant-TW"],
  ["java.net.URI", '{"scheme":"http","rawSchemeSpecificPart":"//a/b?c=d","rawFragment":null}', "http://a/b?c=d"],
  ["java.net.URI", '{"scheme":null,"rawSchemeSpecificPart":"b","rawFragment":"c"}', "b#c"],
  ["java.time.Instant", '{"epochSecond":1600000000,"nano":5000}', "2020-09-13T12:26:40.000005Z"],
  ["java.time.Duration", '{"nano":5000000,"negative":false,"seconds":3723,"zero":false}', "PT1H2M3.005S"],
  ["java.time.Period", '{"days":3,"months":2,"years":1,"negative":false}', "P1Y2M3D"],
  ["java.time.Year", '{"leap":true,"value":2024}', "2024"],
  ["java.time.YearMonth", '{"monthValue":2,"year":2024}', "2024-02"],
  ["java.time.MonthDay", '{"dayOfMonth":29,"monthValue":2}', "--02-29"],
  ["java.time.LocalDate", `{${date}}`, "2024-02-29"],
  ["java.time.LocalTime", `{${clock}}`, "23:59:58.123"],
  ["java.time.LocalDateTime", `{${date},${clock}}`, "2024-02-29T23:59:58.123"],
  ["java.time.OffsetTime", `{${clock},"offset":"+08:00"}`, "23:59:58.123+08:00"],
  ["java.time.OffsetDateTime", `{${date},${clock},"offset":"Z"}`, "2024-02-29T23:59:58.123Z"],
  [
    "java.time.ZonedDateTime",
    `{${date},${clock},"offset":"+08:00","zone":"Asia/Shanghai"}`,
    "2024-02-29T23:59:58.123+08:00[Asia/Shanghai]",
  ],
  ["java.time.ZonedDateTime", `{${date},${clock},"offset":"Z","zone":"Z"}`, "2024-02-29T23:59:58.123Z"],
  ["java.time.ZoneOffset", '{"id":"+08:00","totalSeconds":28800}', "+08:00"],
  ["java.time.ZoneRegion", '{"id":"Europe/Berlin"}', "Europe/Berlin"],
])("the pieces %s %s are a text", (name, json, expected) => {
  expect(text(name, json)).toBe(expected);
});

test.each([
  ["a class of the user's", "com.acme.Order", '{"id":1}'],
  ["a name of every object's", "constructor", "{}"],
  ["a UUID without its half", "java.util.UUID", '{"leastSignificantBits":1}'],
  ["a UUID of more digits than a long has", "java.util.UUID", `{"leastSignificantBits":"${"9".repeat(20)}"}`],
  ["a Year beyond an int", "java.time.Year", '{"value":2147483648}'],
  ["a Year that is a fraction", "java.time.Year", '{"value":1.5}'],
  ["an Instant that no calendar has", "java.time.Instant", '{"epochSecond":"9223372036854775807","nano":0}'],
  ["an offset that is an object yet", "java.time.OffsetTime", `{${clock},"offset":{}}`],
  ["a Locale whose country is a number", "java.util.Locale", '{"language":"zh","country":1,"variant":""}'],
])("%s stays as it is", (_, name, json) => {
  expect(text(name, json)).toBeUndefined();
});
