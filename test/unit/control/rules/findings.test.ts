import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  compareText,
  createFindingList,
  MAX_FINDINGS,
  RULE_FINDINGS,
  ruleFinding,
  sortFindings,
} from "../../../../src/control/rules/findings.ts";

const at = (line: number, column = 1, file = "a.yaml") => ({ file, line, column });

test("a finding has its code's severity and its place", () => {
  expect(ruleFinding("TR0222", at(3, 9), "subset v3")).toEqual({
    code: "TR0222",
    severity: "error",
    message: "subset v3",
    at: "a.yaml:3:9",
  });
});

test("codes are TR02xx in rising order", () => {
  const codes = Object.keys(RULE_FINDINGS);
  expect(codes.every((code) => /^TR02\d\d$/.test(code))).toBe(true);
  expect([...codes].sort()).toEqual(codes);
});

test("docs/findings.md lists every code of rules with severity and title, and no other", () => {
  const text = readFileSync(new URL("../../../../docs/findings.md", import.meta.url), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith("| TR02"));
  const listed = rows.map((line) =>
    line
      .split("|")
      .slice(1, 4)
      .map((cell) => cell.trim()),
  );
  expect(listed).toEqual(Object.entries(RULE_FINDINGS).map(([code, { severity, title }]) => [code, severity, title]));
  for (const line of rows) expect(line.split("|")).toHaveLength(6);
});

test("a finding that is reported twice is kept once", () => {
  const found = createFindingList();
  found.report("TR0206", at(1), "x");
  found.report("TR0206", at(1), "x");
  found.report("TR0206", at(2), "x");
  expect(found.list()).toHaveLength(2);
});

test("past the limit one finding says how many are left out", () => {
  const found = createFindingList();
  for (let i = 0; i < MAX_FINDINGS + 7; i++) found.report("TR0206", at(i + 1), "x");
  expect(found.list()).toHaveLength(MAX_FINDINGS + 1);
  expect(found.list().at(-1)).toMatchObject({
    code: "TR0216",
    message: `7 more findings are not shown; at most ${MAX_FINDINGS} are`,
  });
});

test("findings are sorted by file, line, column and code", () => {
  const list = [
    ruleFinding("TR0209", at(10), ""),
    ruleFinding("TR0208", at(2, 5), ""),
    ruleFinding("TR0206", at(2, 5), ""),
    ruleFinding("TR0206", at(2, 1, "C:b.yaml"), ""),
    { ...ruleFinding("TR0206", at(1), ""), at: "zookeeper" },
  ];
  expect(sortFindings(list).map((one) => `${one.code} ${one.at}`)).toEqual([
    "TR0206 C:b.yaml:2:1",
    "TR0206 a.yaml:2:5",
    "TR0208 a.yaml:2:5",
    "TR0209 a.yaml:10:1",
    "TR0206 zookeeper",
  ]);
});

test("texts are compared by code unit", () => {
  expect([compareText("a", "b"), compareText("b", "a"), compareText("a", "a"), compareText("B", "a")]).toEqual([
    -1, 1, 0, -1,
  ]);
});
