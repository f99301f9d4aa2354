import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SCHEMA_FINDINGS, schemaFinding } from "../../../../../src/cli/mesh/schemas/schema-findings.ts";

test("a finding has its code's severity", () => {
  expect(schemaFinding("TR0303", "m", "a")).toEqual({ code: "TR0303", severity: "warning", message: "m", at: "a" });
});

test("docs/findings.md lists every code of this table with its severity, and no other TR03 code", () => {
  const text = readFileSync(new URL("../../../../../docs/findings.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| (TR03\d\d) \| (\w+) \|/gm)].map(([, code, severity]) => [code, severity]);
  expect(rows).toEqual(Object.entries(SCHEMA_FINDINGS).map(([code, { severity }]) => [code, severity]));
});
