import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { caseFile, ruleCases, runRuleCase } from "../support/rule-cases.ts";

test.each(ruleCases())("fixtures/rules/%s lowers and compiles as its golden files say", (name) => {
  const { model, xds } = runRuleCase(name);
  expect(model).toBe(readFileSync(caseFile(name, "model"), "utf8"));
  expect(xds).toBe(readFileSync(caseFile(name, "xds"), "utf8"));
});

test("compiling a case twice gives the same text", () => {
  expect(runRuleCase("method-split")).toEqual(runRuleCase("method-split"));
});
