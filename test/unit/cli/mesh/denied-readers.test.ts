import { expect, test } from "vitest";
import { DeniedReaders } from "../../../../src/cli/mesh/denied-readers.ts";

test("who may not be given a key is told once, until he may, and no more than a hundred", () => {
  const denied = new DeniedReaders();
  denied.note("spiffe://a/ns/shop/sa/x", "site", false);
  denied.note("spiffe://a/ns/shop/sa/x", "site", false);
  expect(denied.findings()).toMatchObject([{ code: "TR0802", at: "site" }]);
  denied.note("spiffe://a/ns/shop/sa/x", "site", true);
  expect(denied.findings()).toEqual([]);
  for (let i = 0; i < 200; i++) denied.note(`spiffe://a/ns/shop/sa/${i}`, "site", false);
  expect(denied.findings()).toHaveLength(100);
  denied.clear();
  expect(denied.findings()).toEqual([]);
});
