import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Finding } from "../../../../src/model/entry.ts";
import { createFindings } from "../../../../src/registry-sync/facades/findings.ts";

test("a reason is told once for each service, and again under a new context", () => {
  const told: Finding[] = [];
  const findings = createFindings((finding) => told.push(finding));
  findings.note({ name: "x", reason: "url has no protocol", at: "com.acme.Order" });
  findings.note({ name: "y", reason: "url has no protocol", at: "com.acme.Order" });
  findings.note({ name: "x", reason: "url has no protocol", at: "com.acme.Pay" });
  expect(told).toEqual(
    ["com.acme.Order", "com.acme.Pay"].map((at) => ({
      code: "TR0501",
      severity: "info",
      message: "not led through the proxy: url has no protocol",
      at,
    })),
  );
  findings.forget();
  findings.note({ name: "x", reason: "url has no protocol", at: "com.acme.Order" });
  expect(told).toHaveLength(3);
});

test("no more than a thousand are told", () => {
  let count = 0;
  const findings = createFindings(() => count++);
  for (let index = 0; index < 2_000; index++) findings.note({ name: "x", reason: "r", at: `service${index}` });
  expect(count).toBe(1_000);
});

test("docs/findings.md has the code", () => {
  const text = readFileSync(new URL("../../../../docs/findings.md", import.meta.url), "utf8");
  expect(text).toMatch(/^\| TR0501 \| info \|/m);
});
