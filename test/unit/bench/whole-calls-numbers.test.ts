import { expect, test } from "vitest";
import { type WholeCallsRow, wholeCallsTable } from "../../bench/whole-calls-numbers.ts";

test("a call's CPU time by mutual TLS stands beside that in plain text, round by round", () => {
  const row = (what: string, way: WholeCallsRow["way"], applicationsUs: number[], proxiesUs: number[]) =>
    ({ what, way, applicationsUs, proxiesUs }) satisfies WholeCallsRow;
  const table = wholeCallsTable([
    row("an order", "plain", [100, 200, 150], [20, 40, 50]),
    row("an order", "mtls", [100, 200, 150], [32, 64, 50]),
    row("a picture", "plain", [100], [20]),
    row("a picture", "mtls", [100], [80]),
  ]);
  expect(table.split("\n").slice(2)).toEqual([
    "| an order | 150 | 40.0 | 150 | 50.0 | 1.100 (met) |",
    "| a picture | 100 | 20.0 | 100 | 80.0 | 1.500 (missed) |",
  ]);
});
