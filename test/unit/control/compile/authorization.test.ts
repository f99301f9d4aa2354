import { expect, test } from "vitest";
import { ALLOW_FILTER, AUDIT_FILTER, CUSTOM_FILTER, DENY_FILTER } from "../../../../src/codecs/xds/authz.ts";
import { indexAuthorization, isAuthorization } from "../../../../src/control/compile/authorization.ts";
import { DEFAULT_MESH } from "../../../../src/model/mesh.ts";
import { configsOf, ORDERS, policiesOf, policyText } from "../../../support/policies.ts";

test("each action is a filter of its own, with the rules of all its policies by name", () => {
  const configs = configsOf([
    policyText("a", "{rules: [{to: [{operation: {methods: [get]}}]}]}"),
    policyText("d", "{action: DENY, rules: [{}, {to: [{operation: {methods: [drop]}}]}]}", {
      namespace: "istio-system",
    }),
    policyText("u", "{action: AUDIT, rules: [{}]}"),
    policyText("c", "{action: CUSTOM, provider: {name: opa}, rules: [{}]}"),
  ])!;
  expect(Object.keys(configs)).toEqual([CUSTOM_FILTER, AUDIT_FILTER, DENY_FILTER, ALLOW_FILTER]);
  expect(configs[ALLOW_FILTER]).toEqual({
    rbac: {
      rules: {
        action: "ALLOW",
        policies: {
          "ns[default]-policy[a]-rule[0]": {
            permissions: [{ urlPath: { path: { exact: "/com.acme.Orders/get" } } }],
            principals: [{ any: true }],
          },
        },
      },
    },
  });
  expect(configs[DENY_FILTER]?.rbac.rules?.action).toBe("DENY");
  expect(Object.keys(configs[DENY_FILTER]!.rbac.rules!.policies)).toEqual([
    "ns[istio-system]-policy[d]-rule[0]",
    "ns[istio-system]-policy[d]-rule[1]",
  ]);
  expect(configs[AUDIT_FILTER]?.rbac.rules?.action).toBe("LOG");
  expect(configs[CUSTOM_FILTER]?.rbac.shadowRules?.action).toBe("DENY");
});

test("policies on trial are shadow rules beside those that hold", () => {
  const trial = { annotations: '{istio.io/dry-run: "true"}' };
  const configs = configsOf([
    policyText("a", "{action: DENY, rules: [{}]}", trial),
    policyText("b", "{rules: [{}]}", trial),
  ])!;
  expect(configs[DENY_FILTER]?.rbac).toMatchObject({
    shadowRules: { action: "DENY" },
    shadowRulesStatPrefix: "istio_dry_run_deny_",
  });
  expect(configs[DENY_FILTER]?.rbac.rules).toBeUndefined();
  expect(configs[ALLOW_FILTER]?.rbac.rules).toBeUndefined();
});

test("ALLOW without rules, and one whose rules nobody can meet, deny all; DENY without rules denies none", () => {
  const none = { rbac: { rules: { action: "ALLOW", policies: {} } } };
  expect(configsOf([policyText("a", "{}")])).toEqual({ [ALLOW_FILTER]: none });
  expect(configsOf([policyText("a", '{rules: [{to: [{operation: {paths: ["/com.acme.Other/*"]}}]}]}')])).toEqual({
    [ALLOW_FILTER]: none,
  });
  expect(configsOf([policyText("d", "{action: DENY}")])).toEqual({});
});

test("a service that no policy is for has no configs", () => {
  expect(configsOf([])).toBeUndefined();
  expect(configsOf([policyText("a", "{}", { namespace: "other" })])).toBeUndefined();
});

test("policies are found by kind, of Aeraki's too", () => {
  const rules = policiesOf(
    "apiVersion: dubbo.aeraki.io/v1alpha1\nkind: DubboAuthorizationPolicy\nmetadata: {name: d}\nspec: {action: DENY, rules: [{to: [{operation: {interfaces: [com.acme.Orders], methods: [drop]}}]}]}\n",
  );
  expect(rules.every(isAuthorization)).toBe(true);
  const index = indexAuthorization(rules, DEFAULT_MESH);
  expect(index.policiesOf(ORDERS).map(({ name }) => name)).toEqual(["d"]);
  expect(index.configsOf(ORDERS)?.[DENY_FILTER]?.rbac.rules?.policies).toEqual({
    "ns[default]-policy[d]-rule[0]": {
      permissions: [{ urlPath: { path: { exact: "/com.acme.Orders/drop" } } }],
      principals: [{ any: true }],
    },
  });
});
