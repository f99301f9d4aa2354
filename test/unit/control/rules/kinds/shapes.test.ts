import { expect, test } from "vitest";
import { meaningless, object } from "../../../../../src/control/rules/kinds/shapes.ts";

test("a field that is not taken into the model says by which code, and what follows", () => {
  expect(meaningless("none").unused).toEqual({ code: "TR0227", why: "has no meaning for a Dubbo call: none" });
});

test("an object has its fields and what more is said of it", () => {
  const fields = { a: meaningless("none") };
  expect(object(fields, { exclusive: [["a", "b"]] })).toEqual({ type: "object", fields, exclusive: [["a", "b"]] });
});
