import { expect, test } from "vitest";
import { fieldValue } from "../../../src/codecs/fields.ts";

test("the first field of a name counts, and a value is not taken for a name", () => {
  const fields = ["a", "b", "b", "1", "b", "2"];
  expect([fieldValue(fields, "a"), fieldValue(fields, "b"), fieldValue(fields, "1")]).toEqual(["b", "1", undefined]);
});
