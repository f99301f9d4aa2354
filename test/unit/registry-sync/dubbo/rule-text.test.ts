import { expect, test } from "vitest";
import { field, isFalse, MAX_RULE_TEXT, readRuleText } from "../../../../src/registry-sync/dubbo/rule-text.ts";

test("fields of a rule are read", () => {
  expect(readRuleText("a: 1\nb: [x]\na: 2\n")).toEqual({ a: 2, b: ["x"] });
  expect(field({ a: 1 }, "a")).toBe(1);
  expect([field(null, "a"), field("x", "length"), field({}, "toString")]).toEqual([undefined, undefined, undefined]);
});

test.each<[name: string, text: string]>([
  ["no YAML", "a: ["],
  ["a list", "- a"],
  ["a text", "x"],
  ["nothing", ""],
  ["a bomb of aliases", "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n"],
  ["too long", "a".repeat(MAX_RULE_TEXT + 1)],
  ["brackets in brackets", `a: ${"[".repeat(10_000)}`],
  ["a sequence in sequences", `${"- ".repeat(10_000)}x`],
  ["deep indentation", `${" ".repeat(1_000)}x: 1`],
])("%s is refused in a few words", (_name, text) => {
  const startMs = performance.now();
  expect(typeof readRuleText(text)).toBe("string");
  expect(performance.now() - startMs).toBeLessThan(2_000);
});

test("very many keys take no time", () => {
  const text = Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join("\n");
  const startMs = performance.now();
  expect(typeof readRuleText(text)).toBe("object");
  expect(performance.now() - startMs).toBeLessThan(5_000);
});

test("a switch is off as Java reads it", () => {
  expect([undefined, null, true, "true", "TRUE", false, "false", "no", 0].map(isFalse)).toEqual([
    false,
    false,
    false,
    false,
    false,
    true,
    true,
    true,
    true,
  ]);
});
