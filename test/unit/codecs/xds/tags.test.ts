import { expect, test } from "vitest";
import { tagFor } from "../../../../src/codecs/xds/tags.ts";

const tagged = new Set(["", "a", "a|b"]);
const rule = (force: boolean) => ({ rule: "/r", names: ["c", "a"], force });

test.each<[string, boolean, ReturnType<typeof rule> | undefined, string | undefined]>([
  ["a", false, undefined, "a"],
  ["x", false, undefined, ""],
  ["x", true, undefined, undefined],
  ["a|b|c", false, undefined, ""],
  ["a|b|c", false, rule(false), "a|b"],
  ["a|b|c", true, rule(false), undefined],
  ["c", false, rule(false), ""],
  ["c", false, rule(true), undefined],
  ["x", false, rule(true), ""],
])("a call for %s (forced %s) under %o has %s", (tag, tagForced, by, expected) => {
  expect(tagFor(tag, tagForced, by, tagged)).toBe(expected);
});
