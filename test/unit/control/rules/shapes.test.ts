import { expect, test } from "vitest";
import { meaningless, notYet, object } from "../../../../src/control/rules/shapes.ts";

test("a field that is not taken into the model says by which code, and what follows", () => {
  expect(meaningless("none").unused).toEqual({ code: "TR0227", why: "has no meaning for a Dubbo call: none" });
  expect(notYet("later").unused).toEqual({ code: "TR0228", why: "is not applied yet: later" });
  expect(notYet().unused?.why).toBe("is not applied yet: calls are treated as if it were not there");
});

test("an object has its fields and what more is said of it", () => {
  const fields = { a: notYet() };
  expect(object(fields, { exclusive: [["a", "b"]] })).toEqual({ type: "object", fields, exclusive: [["a", "b"]] });
});
