import { expect, test } from "vitest";
import { noteOrigin, originOf } from "../../../../src/codecs/xds/origins.ts";

test("a resource's rule is known where somebody said it, and stands nowhere in it", () => {
  const [one, other] = [{ name: "c" }, { name: "c" }];
  noteOrigin(one, { rule: "d", file: "a.yaml", line: 3 });
  noteOrigin(other, undefined);
  expect([originOf(one), originOf(other)]).toEqual([{ rule: "d", file: "a.yaml", line: 3 }, undefined]);
  expect(one).toEqual({ name: "c" });
});
