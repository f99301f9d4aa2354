import { expect, test } from "vitest";
import { callKeys, isRouting, providerKeys, type Routing, references } from "../../../src/model/routing.ts";

const step = {
  rule: "/r",
  text: "t",
  application: "web",
  force: false,
  when: [{ key: "method", is: ["a"] }],
  to: [
    { match: [{ key: "region", is: ["$zone"], not: ["$x", "y"] }], weight: 100 },
    { match: [{ key: "host", is: ["1"] }], weight: 0 },
  ],
};
const routing: Routing = { steps: [step], tags: { rule: "/t", names: ["a"], force: true } };

test("what steps ask of calls and of providers", () => {
  expect(callKeys(routing)).toEqual(["application", "method", "x", "zone"]);
  expect(providerKeys(routing)).toEqual(["host", "region"]);
  expect(references(step)).toEqual(["zone", "x"]);
  expect(callKeys({ steps: [] })).toEqual([]);
});

test("the shape of a routing is told from others", () => {
  expect(isRouting(JSON.parse(JSON.stringify(routing)))).toBe(true);
  expect(isRouting({ steps: [] })).toBe(true);
  for (const other of [
    undefined,
    null,
    [],
    {},
    { steps: {} },
    { steps: [null] },
    { steps: [{ ...step, force: "x" }] },
    { steps: [{ ...step, rule: 1 }] },
    { steps: [{ ...step, when: [{ key: 1 }] }] },
    { steps: [{ ...step, to: [{ match: [] }] }] },
    { steps: [{ ...step, to: [{ match: [{ key: "a", is: [1] }], weight: 1 }] }] },
    { steps: [], tags: { names: "a", force: true } },
  ])
    expect(isRouting(other)).toBe(false);
});
