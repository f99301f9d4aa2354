import { expect, test } from "vitest";
import { camelCase } from "../../../../src/codecs/protobuf/names.ts";

test.each([
  ["id", "id"],
  ["sum_of_ids", "sumOfIds"],
  ["_x__y_", "XY"],
  ["a_1b", "a1b"],
])("%s is %s in JSON", (name, json) => {
  expect(camelCase(name)).toBe(json);
});
