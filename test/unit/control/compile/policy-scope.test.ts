import { describe, expect, test } from "vitest";
import { chosenEndpoints, createPolicyIndex } from "../../../../src/control/compile/policy-scope.ts";
import { DEFAULT_MESH } from "../../../../src/model/mesh.ts";
import type { AuthorizationPolicy } from "../../../../src/model/rules/authorization.ts";
import { ORDERS, policiesOf, policyText } from "../../../support/policies.ts";

const entryText =
  "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: orders}\nspec: {hosts: [com.acme.orders], ports: [{number: 20880, name: dubbo, protocol: TCP}], resolution: STATIC}\n";

function isFor(spec: string, namespace?: string, entry = ORDERS): boolean {
  const rules = policiesOf(policyText("p", spec, namespace === undefined ? {} : { namespace }), entryText);
  const policies = rules.filter(({ kind }) => kind === "AuthorizationPolicy") as AuthorizationPolicy[];
  return createPolicyIndex(policies, rules, DEFAULT_MESH).find(entry).length === 1;
}

describe("a policy is for a service of", () => {
  const rows: [string, string, string | undefined, boolean][] = [
    ["its namespace", "{}", undefined, true],
    ["another namespace", "{}", "shop", false],
    ["any namespace, from the root", "{}", "istio-system", true],
    ["labels that all endpoints have", "{selector: {matchLabels: {app: shop}}}", undefined, true],
    ["labels that one has", "{selector: {matchLabels: {version: v2}}}", undefined, true],
    ["labels that none has", "{selector: {matchLabels: {version: v3}}}", undefined, false],
    ["labels that none has at once", "{selector: {matchLabels: {app: shop, version: v3}}}", undefined, false],
    ["an empty selector", "{selector: {}}", undefined, true],
    [
      "a ServiceEntry's name",
      "{targetRefs: [{kind: ServiceEntry, group: networking.istio.io, name: orders}]}",
      undefined,
      true,
    ],
    ["a ServiceEntry's host", "{targetRefs: [{kind: ServiceEntry, name: com.acme.Orders}]}", undefined, true],
    ["another ServiceEntry", "{targetRefs: [{kind: ServiceEntry, name: other}]}", undefined, false],
    ["a Service of that host", "{targetRefs: [{kind: Service, name: com.acme.orders}]}", undefined, true],
    [
      "one of several targets",
      "{targetRefs: [{kind: Service, name: x}, {kind: ServiceEntry, name: orders}]}",
      undefined,
      true,
    ],
  ];
  test.each(rows)("%s", (_, spec, namespace, expected) => {
    expect(isFor(spec, namespace)).toBe(expected);
  });

  test("a Service's full name begins with it and the namespace", () => {
    const entry = { ...ORDERS, host: "orders.shop.svc.cluster.local", namespace: "shop" };
    expect(isFor("{targetRefs: [{kind: Service, name: orders}]}", "shop", entry)).toBe(true);
    expect(isFor("{targetRefs: [{kind: Service, name: order}]}", "shop", entry)).toBe(false);
  });
});

test("of how many endpoints a selector chooses", () => {
  expect(chosenEndpoints({ app: "shop" }, ORDERS)).toBe("all");
  expect(chosenEndpoints({ version: "v1" }, ORDERS)).toBe("some");
  expect(chosenEndpoints({ version: "v9" }, ORDERS)).toBe("none");
  expect(chosenEndpoints({ version: "v9" }, { ...ORDERS, endpoints: [] })).toBe("all");
});
