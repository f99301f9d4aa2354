import { expect, test } from "vitest";
import { EUREKA_QUERY, eurekaIntervalMs, eurekaQueryFault } from "../../../../src/cli/config/eureka-query.ts";

test.each([
  ["5s", 5_000],
  ["500ms", 500],
  ["2", 2_000],
  ["600s", 600_000],
  ["200ms", 200],
  ["199ms", undefined],
  ["601s", undefined],
  ["0", undefined],
  ["-1s", undefined],
  ["1.5s", undefined],
  ["5m", undefined],
  ["", undefined],
])("an interval of %j is %j ms", (text, ms) => {
  expect(eurekaIntervalMs(text)).toBe(ms);
});

test.each([
  ["interval", "5s", undefined],
  ["interval", "soon", 'interval "soon" is no time from 200ms to 600s, such as 5s'],
  ["format", "xml", undefined],
  ["format", "yaml", 'format "yaml" is neither json nor xml'],
  ["zone", "z1", undefined],
  ["zone", "", "zone is empty"],
])("%s=%s: %s", (name, value, fault) => {
  expect(EUREKA_QUERY).toContain(name);
  expect(eurekaQueryFault(name, value)).toBe(fault);
});
