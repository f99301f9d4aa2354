import { expect, test } from "vitest";
import { appsHashcode, eurekaStatus } from "../../../../src/codecs/eureka/status.ts";

test.each([
  ["UP", "UP"],
  ["up", "UP"],
  [" Out_Of_Service ", "OUT_OF_SERVICE"],
  ["NONSENSE", "UNKNOWN"],
  [undefined, "UNKNOWN"],
  [7, "UNKNOWN"],
] as const)("status %j is read as %s", (text, status) => {
  expect(eurekaStatus(text)).toBe(status);
});

test("the hash counts each status, in order of their names", () => {
  expect(appsHashcode(["UP", "DOWN", "UP", "OUT_OF_SERVICE", "STARTING", "UNKNOWN"])).toBe(
    "DOWN_1_OUT_OF_SERVICE_1_STARTING_1_UNKNOWN_1_UP_2_",
  );
});

test("the hash of nothing is empty, as a server writes it", () => {
  expect(appsHashcode([])).toBe("");
});
