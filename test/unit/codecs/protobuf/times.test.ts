import { expect, test } from "vitest";
import {
  durationFromText,
  durationText,
  isDuration,
  isTimestamp,
  millisOf,
  secondsOfMillis,
  spanOfMillis,
  timestampFromText,
  timestampText,
  timeText,
} from "../../../../src/codecs/protobuf/times.ts";

test.each<[text: string, seconds: bigint, nanos: number]>([
  ["1970-01-01T00:00:00", 0n, 0],
  ["2026-11-21T19:30:00.5", 1795289400n, 500_000_000],
  ["1969-12-31T23:59:59.999999999", -1n, 999_999_999],
  ["0001-01-01T00:00:00", -62_135_596_800n, 0],
  ["9999-12-31T23:59:59", 253_402_300_799n, 0],
])("%s is printed and read", (text, seconds, nanos) => {
  expect(timestampText({ seconds, nanos })).toBe(text);
  expect(timestampFromText(text)).toEqual({ seconds, nanos });
});

test.each<[text: string, seconds: bigint | undefined]>([
  ["2026-11-21", 1795219200n],
  ["2026-11-21T19:30", 1795289400n],
  ["2026-11-21T19:30:00Z", 1795289400n],
  ["2026-11-21T20:30:00+01:00", 1795289400n],
  ["2026-11-21T20:30:00+0100", 1795289400n],
  ["2026-11-22T03:30+08:00[Asia/Shanghai]", 1795289400n],
  ["2026-13-21", undefined],
  ["0000-01-01", undefined],
  ["19:30", undefined],
  ["", undefined],
])("%s", (text, seconds) => {
  expect(timestampFromText(text)?.seconds).toBe(seconds);
});

test.each<[text: string, seconds: bigint, nanos: number]>([
  ["PT0S", 0n, 0],
  ["PT1.5S", 1n, 500_000_000],
  ["PT-1.5S", -1n, -500_000_000],
  ["PT-0.25S", 0n, -250_000_000],
  ["PT7200S", 7200n, 0],
])("%s is printed and read", (text, seconds, nanos) => {
  expect(durationText({ seconds, nanos })).toBe(text);
  expect(durationFromText(text)).toEqual({ seconds, nanos });
});

test.each<[text: string, seconds: bigint | undefined]>([
  ["PT1H30M1S", 5401n],
  ["PT-1H", -3600n],
  ["PT", undefined],
  ["P1D", undefined],
  ["PT999999999999H", undefined],
])("%s as a span", (text, seconds) => {
  expect(durationFromText(text)?.seconds).toBe(seconds);
});

test.each<[ms: bigint, seconds: bigint, nanos: number]>([
  [0n, 0n, 0],
  [1500n, 1n, 500_000_000],
  [-1n, -1n, 999_000_000],
  [-1000n, -1n, 0],
])("%d ms", (ms, seconds, nanos) => {
  expect(secondsOfMillis(ms)).toEqual({ seconds, nanos });
  expect(millisOf({ seconds, nanos })).toBe(ms);
});

test("a span keeps one sign", () => {
  expect(spanOfMillis(-1500n)).toEqual({ seconds: -1n, nanos: -500_000_000 });
  expect(isDuration({ seconds: -1n, nanos: 5 })).toBe(false);
  expect(isDuration({ seconds: 315_576_000_001n, nanos: 0 })).toBe(false);
  expect(isTimestamp({ seconds: 0n, nanos: -1 })).toBe(false);
  expect(isTimestamp({ seconds: 253_402_300_800n, nanos: 0 })).toBe(false);
});

test.each([
  ["java.time.LocalDate", "2026-11-21"],
  ["java.time.LocalTime", "19:30:00.5"],
  ["java.time.LocalDateTime", "2026-11-21T19:30:00.5"],
  ["java.time.OffsetTime", "19:30:00.5Z"],
  ["java.time.Instant", "2026-11-21T19:30:00.5Z"],
])("a point as the text of %s is %s", (className, text) => {
  expect(timeText("2026-11-21T19:30:00.5", className)).toBe(text);
});
