import { expect, test } from "vitest";
import { timeClass, timeFromText, timeText } from "../../../../src/codecs/hessian2/java-time.ts";
import { objectValue } from "../../../../src/codecs/value.ts";

const IO = "com.alibaba.com.caucho.hessian.io.";

test("the classes are told by their handles and, compact, by their names", () => {
  expect(timeClass(objectValue(`${IO}java8.InstantHandle`, []))).toBe("Instant");
  expect(timeClass(objectValue("java.time.LocalDate", []))).toBe("LocalDate");
  expect(timeClass(objectValue("java.time.Clock", []))).toBeUndefined();
  expect(timeClass(objectValue("com.acme.InstantHandle", []))).toBeUndefined();
});

test.each<readonly [name: string, object: ReturnType<typeof objectValue>]>([
  ["a field is missing", objectValue(`${IO}java8.LocalDateHandle`, [["year", 2024]])],
  ["a field is a text", objectValue(`${IO}java8.YearHandle`, [["year", "2024"]])],
  ["the class is not known", objectValue(`${IO}java8.FutureHandle`, [["x", 1]])],
  [
    "a part is of another class",
    objectValue(`${IO}java8.LocalDateTimeHandle`, [
      ["date", timeFromText("LocalTime", "07:05")!],
      ["time", null],
    ]),
  ],
  [
    "the day is out of all years",
    { type: "object", shape: { name: "java.time.LocalDate", fields: [] }, values: [2n ** 62n] },
  ],
  [
    "the time is longer than a day",
    { type: "object", shape: { name: "java.time.LocalTime", fields: [] }, values: [86_400_000_000_000n] },
  ],
  [
    "the instant is out of all years",
    objectValue(`${IO}java8.InstantHandle`, [
      ["seconds", 2n ** 62n],
      ["nanos", 0],
    ]),
  ],
])("an object is shown with its fields when %s", (_name, object) => {
  expect(timeText(object)).toBeUndefined();
});

test.each([
  ["LocalDate", "2024-2-1"],
  ["LocalDate", ""],
  ["LocalTime", "7:05"],
  ["LocalDateTime", "2024-02-29"],
  ["LocalDateTime", "2024-02-29 07:05"],
  ["OffsetTime", "07:05"],
  ["OffsetDateTime", "2024-02-29T07:05"],
  ["ZonedDateTime", "2024-02-29T07:05[Europe/Berlin]"],
  ["ZoneOffset", "8"],
  ["Instant", "2024-02-29"],
  ["Duration", "P"],
  ["Duration", "PT"],
  ["Period", "P"],
  ["Period", "PT1H"],
  ["Year", "20x4"],
  ["YearMonth", "2024"],
  ["MonthDay", "02-29"],
  ["Clock", "x"],
])("no %s is made of %j", (name, text) => {
  expect(timeFromText(name, text)).toBeUndefined();
});

test("a duration of days is one of seconds", () => {
  expect(timeText(timeFromText("Duration", "P1DT1M")!)).toBe("PT24H1M");
  expect(timeText(timeFromText("Duration", "-PT0.5S")!)).toBe("PT-0.5S");
  expect(timeText(timeFromText("Duration", "PT-1M1S")!)).toBe("PT-59S");
});
