import { expect, test } from "vitest";
import { istioStatus } from "../../../../../src/control/kubernetes/status/istio-status.ts";
import { ruleObject } from "../../../../support/rule-objects.ts";

const unknown = { code: "TR0221", severity: "error", at: "VirtualService shop/orders spec", message: "m" } as const;

test("an object without findings is applied", () => {
  expect(istioStatus(ruleObject({ generation: 3 }), [], "now")).toEqual({
    conditions: [
      {
        ...{ type: "trestle.io/Applied", status: "True", reason: "Applied", message: "in force" },
        ...{ observedGeneration: 3, lastTransitionTime: "now" },
      },
    ],
    observedGeneration: 3,
  });
});

test("findings are messages once each; what others wrote stays, and no generation goes back", () => {
  const theirs = { type: { code: "IST0101" }, level: "ERROR" };
  const old = { type: { code: "TR0999" }, level: "ERROR" };
  const status = { conditions: [{ type: "Reconciled" }], validationMessages: [theirs, old], observedGeneration: "9" };
  const made = istioStatus(ruleObject({ generation: 3, status }), [unknown, unknown], "now");
  expect(made).toMatchObject({
    conditions: [{ type: "Reconciled" }, { reason: "AppliedWithFindings" }],
    observedGeneration: 9,
  });
  expect(made["validationMessages"]).toEqual([
    theirs,
    { type: { name: "destination matches no known service", code: "TR0221" }, level: "ERROR" },
  ]);
  expect(istioStatus(ruleObject({ status }), [], "now")["validationMessages"]).toEqual([theirs]);
});

test("one that is wrong is not", () => {
  const { conditions } = istioStatus(ruleObject({}, false), [unknown], "now") as { conditions: object[] };
  expect(conditions).toMatchObject([{ status: "False", reason: "Invalid", message: "TR0221 spec: m" }]);
});
