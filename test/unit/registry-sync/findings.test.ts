import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { finding, passedServices, REGISTRY_FINDINGS } from "../../../src/registry-sync/findings.ts";

test("every code is TR01xx, with a title in lower case", () => {
  for (const [code, { title }] of Object.entries(REGISTRY_FINDINGS)) {
    expect(code).toMatch(/^TR01\d\d$/);
    expect(title).toMatch(/^[a-z].*[^.]$/);
  }
});

test("a finding has its code's severity", () => {
  expect(finding("TR0110", "m", "a")).toEqual({ code: "TR0110", severity: "error", message: "m", at: "a" });
});

test("services that pass unchanged are named by findings of codes that say so", () => {
  const passed = passedServices([
    finding("TR0130", "why", "g/a.B"),
    finding("TR0120", "m", "a.C"),
    { ...finding("TR0101", "m", "x"), code: "other" },
  ]);
  expect([...passed]).toEqual([["g/a.B", "why"]]);
});

test("docs/findings.md lists every code of this table with its severity, and no other TR01 code", () => {
  const text = readFileSync(new URL("../../../docs/findings.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| (TR01\d\d) \| (\w+)(, \*passes\*)? \|/gm)].map(([, ...row]) => row);
  const table = Object.entries(REGISTRY_FINDINGS).map(([code, { severity, passes }]) => [code, severity, passes]);
  expect(rows.map(([code, severity, passes]) => [code, severity, passes !== undefined])).toEqual(table);
});
