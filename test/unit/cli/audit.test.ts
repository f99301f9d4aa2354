import { expect, test } from "vitest";
import { printAudit, readTime } from "../../../src/cli/audit.ts";

const record = {
  ...{ time: "2026-01-01T00:00:00.000Z", sink: "files=out", host: "a.b", service: "a.B", action: "update" as const },
  ...{
    changed: ["+ dubbo://10.0.0.1:1", "- dubbo://10.0.0.2:1"],
    more: 3,
    origins: ["legacy", "k8s"],
    why: "guard" as const,
  },
};

test("in a table each line that changed is a row", () => {
  const rows = printAudit("table", [record, { ...record, changed: [], more: undefined as never }])
    .trimEnd()
    .split("\n");
  expect(rows.map((row) => row.split(/\s{2,}/).at(-1))).toEqual([
    "CHANGE",
    "+ dubbo://10.0.0.1:1",
    "- dubbo://10.0.0.2:1",
    "... 3 more",
    "-",
  ]);
  expect(rows[1]!.split(/\s{2,}/).slice(0, 6)).toEqual([
    record.time,
    "files=out",
    "update",
    "a.b",
    "guard",
    "legacy,k8s",
  ]);
});

test("JSON has the records as they are", () => {
  expect(JSON.parse(printAudit("json", [record]))).toEqual([record]);
});

test.each([
  ["10m", 400_000],
  ["1970-01-01T00:00:01Z", 1_000],
  ["1970-01-02", 86_400_000],
])("%s is a time", (text, ms) => {
  expect(readTime(text, undefined, 1_000_000)).toBe(ms);
});

test.each(["soon", "", "12", "2026-99-99"])("%j is no time", (text) => {
  expect(() => readTime(text)).toThrow("it must be a time");
});
