import { expect, test } from "vitest";
import { codecTable } from "../../bench/codec-numbers.ts";

test("each body has its times and how they stand to hessian.js", () => {
  const row = { name: "order", bytes: 544, readNs: 5_000, skipNs: 1_000, writeNs: 6_000, otherNs: 9_999 };
  expect(
    codecTable([row, { ...row, otherNs: 10_000, skipNs: 1_300 }])
      .split("\n")
      .slice(2),
  ).toEqual([
    "| order | 544 | 5.00 | 1.00 | 6.00 | 10.0 | 2.00 (missed) | 10.0 (met) |",
    "| order | 544 | 5.00 | 1.30 | 6.00 | 10.0 | 2.00 (met) | 7.69 (missed) |",
  ]);
});
