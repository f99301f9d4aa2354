import { expect, test } from "vitest";
import { isTrial, isTrialValue } from "../../../../src/control/rules/dry-run.ts";

test.each([
  ["true", true, true],
  ["True", true, true],
  ["1", true, true],
  ["false", false, true],
  ["0", false, true],
  ["yes", false, false],
  ["", false, false],
])("%j is a trial: %s", (value, trial, known) => {
  expect([isTrial({ "istio.io/dry-run": value }), isTrialValue(value)]).toEqual([trial, known]);
});

test("without the annotation nothing is a trial", () => {
  expect([isTrial(undefined), isTrial(null), isTrial({ other: "true" })]).toEqual([false, false, false]);
});
