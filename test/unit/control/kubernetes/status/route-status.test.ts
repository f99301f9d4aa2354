import { expect, test } from "vitest";
import { CONTROLLER, routeStatus } from "../../../../../src/control/kubernetes/status/route-status.ts";
import { ruleObject } from "../../../../support/rule-objects.ts";

const ours = { group: "", kind: "Service", name: "orders" };
const theirs = { name: "a-gateway" };
const finding = (code: string, message: string) =>
  ({ code, severity: "error", at: "VirtualService shop/orders spec", message }) as const;

test("each parent that is ours has its conditions; a Gateway of others has none", () => {
  expect(routeStatus(ruleObject({ parentRefs: [ours, theirs], generation: 2 }), [], "now")).toEqual({
    parents: [
      {
        parentRef: ours,
        controllerName: CONTROLLER,
        conditions: [
          {
            ...{ type: "Accepted", status: "True", reason: "Accepted", message: "in force" },
            ...{ observedGeneration: 2, lastTransitionTime: "now" },
          },
          {
            ...{ type: "ResolvedRefs", status: "True", reason: "ResolvedRefs", message: "all references are known" },
            ...{ observedGeneration: 2, lastTransitionTime: "now" },
          },
        ],
      },
    ],
  });
});

test("others' entries stay, ours that are of no parent any more go, and where none is ours nothing is written", () => {
  const other = { parentRef: theirs, controllerName: "example.com/x", conditions: [] };
  const old = { parentRef: ours, controllerName: CONTROLLER, conditions: [] };
  expect(routeStatus(ruleObject({ parentRefs: [theirs], status: { parents: [other, old] } }), [], "now")).toEqual({
    parents: [other],
  });
  expect(routeStatus(ruleObject({ parentRefs: [theirs], status: { parents: [other] } }), [], "now")).toBeUndefined();
});

test.each([
  ["a destination that is not known", true, finding("TR0221", "x"), ["Accepted", "BackendNotFound"]],
  ["a parent that is not known", true, finding("TR0220", "host orders.shop"), ["NoMatchingParent", "ResolvedRefs"]],
  ["another parent that is not known", true, finding("TR0220", "host stock"), ["Accepted", "ResolvedRefs"]],
  ["a text that is wrong", false, finding("TR0207", "x"), ["UnsupportedValue", "ResolvedRefs"]],
])("%s", (_, isValid, found, reasons) => {
  const status = routeStatus(ruleObject({ parentRefs: [ours] }, isValid), [found], "now");
  const { parents } = status as { readonly parents: readonly { readonly conditions: readonly { reason: string }[] }[] };
  expect(parents[0]?.conditions.map(({ reason }) => reason)).toEqual(reasons);
});

test("an entry of before keeps the times of what it says still", () => {
  const before = { ...ours, port: undefined };
  const conditions = [{ type: "Accepted", status: "True", lastTransitionTime: "then" }];
  const status = { parents: [{ parentRef: before, controllerName: CONTROLLER, conditions }] };
  const made = routeStatus(ruleObject({ parentRefs: [ours], status }), [], "now");
  expect(JSON.stringify(made)).toMatch(/"then".*"now"/);
});

test("entries keep the order in which another controller sorts them", () => {
  const other = { parentRef: theirs, controllerName: "example.com/x", conditions: [] };
  const old = { parentRef: ours, controllerName: CONTROLLER, conditions: [] };
  const object = ruleObject({ parentRefs: [theirs, ours], status: { parents: [old, other] } });
  const { parents } = routeStatus(object, [], "now") as { readonly parents: readonly { readonly parentRef: object }[] };
  expect(parents.map(({ parentRef }) => parentRef)).toEqual([ours, theirs]);
});
