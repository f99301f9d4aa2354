import { expect, test } from "vitest";
import { compileSerializationGuard, DENIED_CLASSES } from "../../../../src/control/compile/serialization-guard.ts";
import type { SerializationGuard } from "../../../../src/model/rules/serialization-guard.ts";

const guard = (more: Partial<SerializationGuard>): SerializationGuard =>
  ({
    kind: "SerializationGuard",
    defaults: true,
    denyClasses: [],
    allowClasses: [],
    dryRun: false,
    ...more,
  }) as SerializationGuard;

test("the default list is on unless it is switched off", () => {
  expect(compileSerializationGuard([guard({})]).deny).toEqual(DENIED_CLASSES);
  expect(compileSerializationGuard([guard({ defaults: false })]).deny).toEqual([]);
});

test("of several the strictest holds, and those on trial count only alone", () => {
  const both = compileSerializationGuard([
    guard({ defaults: false, denyClasses: ["a.A"], maxBodyBytes: 10 }),
    guard({ defaults: false, denyClasses: ["b.B"], maxBodyBytes: 5, maxDepth: 3 }),
    guard({ denyClasses: ["c.C"], dryRun: true }),
  ]);
  expect(both).toEqual({ deny: ["a.A", "b.B"], allow: [], maxBodyBytes: 5, maxDepth: 3 });
  expect(compileSerializationGuard([guard({ dryRun: true })]).dryRun).toBe(true);
});

test("names of the default list are classes or beginnings of classes", () => {
  for (const name of DENIED_CLASSES) expect(name).toMatch(/^[\w$]+(\.[\w$]+)*(\.?\*)?$/);
  expect(new Set(DENIED_CLASSES).size).toBe(DENIED_CLASSES.length);
});
