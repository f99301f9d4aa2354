import { expect, test } from "vitest";
import { printPosition } from "../../../src/model/rule.ts";

test("a place is printed as compilers print it", () => {
  expect(printPosition({ file: "rules/order.yaml", line: 12, column: 7 })).toBe("rules/order.yaml:12:7");
});
