import { expect, test } from "vitest";
import { signingTable } from "../../bench/signing-numbers.ts";

test("certificates in a second of CPU time stand beside the goal", () => {
  const table = signingTable([
    { root: "ec", leaf: "ec", cpuUs: 500 },
    { root: "rsa", leaf: "ec", cpuUs: 4_000 },
  ]);
  expect(table.split("\n").slice(2)).toEqual([
    "| ECDSA P-256 | ECDSA P-256 | 500 | 2000 (met) |",
    "| RSA 2048 | ECDSA P-256 | 4000 | 250 (missed) |",
  ]);
});
