import { expect, test } from "vitest";
import { createAnalysis, readState } from "../../../../src/control/admin/state.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { adminSnapshot, adminSourcesOf } from "../../../support/admin-sources.ts";

test("findings of rule files, of analysis and of registries come together", async () => {
  const sources = adminSourcesOf({
    snapshot: () => createSnapshot([], adminSnapshot.rules),
    rules: () => ({
      rules: [],
      files: [],
      loaded: true,
      findings: [{ code: "TR0206", severity: "error", message: "x", at: "r.yaml:1:1" }],
    }),
  });
  const { findings } = await readState(sources, createAnalysis());
  expect([...new Set(findings.map(({ code }) => code))]).toEqual(["TR0206", "TR0220", "TR0221", "TR0103"]);
});

test("analysis is made anew only for another snapshot", () => {
  const analysis = createAnalysis();
  const first = analysis(adminSnapshot, new Map());
  expect(analysis(adminSnapshot, new Map())).toBe(first);
  expect(analysis(createSnapshot([], adminSnapshot.rules), new Map())).not.toBe(first);
  const passing = new Map([["com.acme.OrderService:1.0.0", "bypassed"]]);
  const other = analysis(adminSnapshot, passing);
  expect(other.map(({ code }) => code)).toContain("TR0238");
  expect(analysis(adminSnapshot, new Map(passing))).toBe(other);
});

test("workers that fail to answer leave the rest as it is", async () => {
  const state = await readState(adminSourcesOf({ stats: () => Promise.reject(new Error("gone")) }), createAnalysis());
  expect(state.stats).toEqual([]);
  expect(state.snapshot).toBe(adminSnapshot);
});
