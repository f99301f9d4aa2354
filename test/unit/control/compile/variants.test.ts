import { expect, test } from "vitest";
import { Variants } from "../../../../src/control/compile/variants.ts";
import { entryOf } from "../../../support/rule-cases.ts";

const entry = entryOf("com.acme.A", []);

test("what was made stays for the same service, rule and form alone", () => {
  const variants = new Variants<object>();
  const rule = {};
  const made = variants.get(entry, rule, "x", () => ({}));
  expect(variants.get(entry, rule, "x", () => ({}))).toBe(made);
  for (const [of, form] of [
    [rule, "y"],
    [undefined, "x"],
    [{}, "x"],
  ] as const)
    expect(variants.get(entry, of, form, () => ({}))).not.toBe(made);
  expect(variants.get(entryOf("com.acme.A", []), rule, "x", () => ({}))).not.toBe(made);
});

test("forms are bounded", () => {
  const variants = new Variants<object>();
  const first = variants.get(entry, undefined, "0", () => ({}));
  for (let i = 1; i <= 256; i++) variants.get(entry, undefined, `${i}`, () => ({}));
  expect(variants.get(entry, undefined, "0", () => ({}))).not.toBe(first);
});
