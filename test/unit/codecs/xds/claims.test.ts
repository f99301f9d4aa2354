import { expect, test } from "vitest";
import { JWT_FILTER, type MetadataMatcher, type ValueMatcher } from "../../../../src/codecs/xds/authz.ts";
import { claimOf, compileClaim, compileClaims, listClaims, withLists } from "../../../../src/codecs/xds/claims.ts";

const on = (names: readonly string[], value: ValueMatcher, more: Partial<MetadataMatcher> = {}): MetadataMatcher => ({
  filter: JWT_FILTER,
  path: ["payload", ...names].map((key) => ({ key })),
  value,
  ...more,
});
const exact = (text: string): ValueMatcher => ({ stringMatch: { exact: text } });
const either = (text: string): ValueMatcher => ({
  orMatch: { valueMatchers: [exact(text), { listMatch: { oneOf: exact(text) } }] },
});

test.each([
  ["a text", on(["a"], exact("x")), { a: "x" }, true],
  ["another text", on(["a"], exact("x")), { a: "X" }, false],
  ["a number", on(["a"], exact("1")), { a: 1 }, false],
  ["nothing", on(["a"], exact("x")), {}, false],
  ["no token", on(["a"], exact("x")), undefined, false],
  ["one of a list", on(["a"], either("x")), { a: ["y", "x"] }, true],
  ["none of a list", on(["a"], either("x")), { a: ["y", 1] }, false],
  ["one within another", on(["a", "b"], exact("x")), { a: { b: "x" } }, true],
  ["one within a text", on(["a", "length"], { presentMatch: true }), { a: "x" }, false],
  ["what every object has", on(["toString"], { presentMatch: true }), {}, false],
  ["one that is there", on(["a"], { presentMatch: true }), { a: null }, true],
  ["one that is not to be there", on(["a"], { presentMatch: true }, { invert: true }), {}, true],
  ["one that is not to be there and is", on(["a"], either("x"), { invert: true }), { a: ["x"] }, false],
  ["one that is not to be there, without a token", on(["a"], exact("x"), { invert: true }), undefined, true],
] as const)("a condition on %s", (_, matcher, claims, holds) => {
  expect(compileClaim(matcher)!(claims)).toBe(holds);
});

test("conditions hold together; one that is not known is met by no call, even where it is turned round", () => {
  const both = compileClaims([on(["a"], exact("x")), on(["b"], exact("y"))])!;
  expect([both({ a: "x", b: "y" }), both({ a: "x" })]).toEqual([true, false]);
  const unknown = on(["a"], exact("x"), { filter: "other", invert: true });
  expect(compileClaim(unknown)).toBeUndefined();
  expect(compileClaims([unknown])!({})).toBe(false);
  expect(compileClaims([])).toBeUndefined();
  expect(claimOf(on(["a", "b"], exact("x")))).toEqual(["a", "b"]);
  expect(claimOf({ filter: JWT_FILTER, path: [{ key: "other" }] })).toBeUndefined();
});

test("lists of words become lists; what is none stays", () => {
  expect([...listClaims({ normalizePayloadInMetadata: { spaceDelimitedClaims: ["roles"] } })]).toEqual([
    "scope",
    "permission",
    "roles",
  ]);
  const names = new Set(["scope", "n", "missing"]);
  expect(withLists({ scope: "a  b", n: 1, sub: "c d" }, names)).toEqual({ scope: ["a", "b"], n: 1, sub: "c d" });
  const plain = { sub: "a b" };
  expect(withLists(plain, names)).toBe(plain);
});
