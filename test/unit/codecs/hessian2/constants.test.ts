import { expect, test } from "vitest";
import { hessianError, isCompactTime, READ_LIMITS, SKIP_LIMITS } from "../../../../src/codecs/hessian2/constants.ts";

test.each([
  ["java.time.LocalDate", true],
  ["java.time.LocalTime", true],
  ["java.time.LocalDateTime", false],
  ["com.acme.LocalDate", false],
])("%s: one long behind a definition without fields is %s", (className, compact) => {
  expect(isCompactTime(className)).toBe(compact);
});

test("errors name the protocol and the byte", () => {
  expect(hessianError("list of -1 values", 7)).toMatchObject({
    protocol: "hessian2",
    message: "hessian2: list of -1 values (at byte 7)",
    offset: 7,
  });
});

test("what is read is bounded no wider than what is walked", () => {
  for (const [name, limit] of Object.entries(READ_LIMITS)) {
    expect(limit).toBeLessThanOrEqual(SKIP_LIMITS[name as keyof typeof SKIP_LIMITS]);
  }
});
