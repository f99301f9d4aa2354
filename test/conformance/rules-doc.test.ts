import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compile } from "../../src/control/compile/compiler.ts";
import { analyzeRules } from "../../src/control/rules/analyze/analyze.ts";
import { parseRules } from "../../src/control/rules/parse.ts";
import { createSnapshot } from "../../src/model/snapshot.ts";
import { entryOf } from "../support/rule-cases.ts";

const text = readFileSync(new URL("../../docs/rules.md", import.meta.url), "utf8");
const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => ({ yaml: yaml! }));
const entries = [
  entryOf("com.acme.OrderService:1.0.0", [
    "dubbo://10.0.0.1:20880?lane=v1&dubbo.tag=gray",
    "dubbo://10.0.0.2:20880?lane=v2",
  ]),
  entryOf("com.acme.OrderService:2.0.0", [
    "dubbo://10.0.0.3:20880?lane=v1&dubbo.tag=gray",
    "dubbo://10.0.0.4:20880?lane=v2",
  ]),
  entryOf("limits.example.com", ["tri://10.0.0.9:8081"]),
];

test("docs/rules.md has examples", () => {
  expect(examples.length).toBeGreaterThanOrEqual(4);
});

test.each(examples)("example %# of docs/rules.md has no finding and changes what is compiled", ({ yaml }) => {
  const { rules, findings } = parseRules("example", yaml);
  expect([...findings, ...analyzeRules(rules, entries)]).toEqual([]);
  const node = { id: "n", dubbo: [] };
  const ruled = compile(createSnapshot(entries, rules), node);
  expect(ruled.version).not.toBe(compile(createSnapshot(entries, []), node).version);
});
