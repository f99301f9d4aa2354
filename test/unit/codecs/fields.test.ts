import { expect, test } from "vitest";
import { cookiesOf, fieldValue, fieldValues } from "../../../src/codecs/fields.ts";

test("the first field of a name counts, and a value is not taken for a name", () => {
  const fields = ["a", "b", "b", "1", "b", "2"];
  expect([fieldValue(fields, "a"), fieldValue(fields, "b"), fieldValue(fields, "1")]).toEqual(["b", "1", undefined]);
});

test("all fields of a name are found in order", () => {
  const fields = ["a", "b", "b", "1", "b", "2"];
  expect([fieldValues(fields, "b"), fieldValues(fields, "1")]).toEqual([["1", "2"], []]);
});

test("cookies in several fields are one list, as HTTP/2 has it", () => {
  expect(cookiesOf(["cookie", "a=1", "x", "cookie", "cookie", "b=2; c=3"])).toBe("a=1; b=2; c=3");
  expect(cookiesOf(["x", "cookie"])).toBeUndefined();
});
