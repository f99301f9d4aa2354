import { expect, test } from "vitest";
import { cases } from "./cases.ts";
import { expectedFailures, parseExpectedFailures } from "./expected-failures.ts";
import { calleeNames, callerNames } from "./peers.ts";

const cells = callerNames.flatMap((caller) => calleeNames.map((callee) => ({ caller, callee })));

test("every known gap is a case that is run", () => {
  const run = new Set(
    cells.flatMap(({ caller, callee }) =>
      cases.filter((one) => one.applies(caller, callee)).map(({ name }) => `${caller} ${callee} ${name}`),
    ),
  );
  expect([...expectedFailures().keys()].filter((row) => !run.has(row))).toEqual([]);
});

test("every case has a name of its own and applies to more than one cell", () => {
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  for (const one of cases) {
    const applied = cells.filter(({ caller, callee }) => one.applies(caller, callee));
    expect(applied.length, one.name).toBeGreaterThan(1);
  }
});

test("a row is a cell, a case and a reason", () => {
  expect([...parseExpectedFailures("# told\n\ndubbo2 grpc no such: thing: since x\n")]).toEqual([
    ["dubbo2 grpc no such: thing", "since x"],
  ]);
  for (const [text, error] of [
    ["dubbo2 grpc", "line 1 is no"],
    ["dubbo2 grpc null:", "line 1 is no"],
    ["a b c: d\na b c: e", "line 2: a b c is there twice"],
  ] as const) {
    expect(() => parseExpectedFailures(text)).toThrow(error);
  }
});
