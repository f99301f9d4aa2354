import { expect, test } from "vitest";
import { serviceNamesOf, spellingOf } from "../../../../src/codecs/eureka/services.ts";

test("an instance is of the services that it is looked up by, or of its application", () => {
  expect(serviceNamesOf({ vips: ["a", "b"], app: "X" })).toEqual(["a", "b"]);
  expect(serviceNamesOf({ vips: [], app: "X" })).toEqual(["x"]);
});

test.each([
  [["Order"], "Order"],
  [["Order", "ORDER"], "ORDER"],
  [["Order", "order"], "order"],
  [["other"], "order"],
])("of %j the name is %s", (vips, name) => {
  expect(
    spellingOf(
      "order",
      vips.map((vip) => ({ vips: [vip, "b"], app: "A" })),
    ),
  ).toBe(name);
});
