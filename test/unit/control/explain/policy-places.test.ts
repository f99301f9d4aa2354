import { expect, test } from "vitest";
import { createPolicyPlaces } from "../../../../src/control/explain/policy-places.ts";
import { policiesOf, policyText } from "../../../support/policies.ts";

const rules = policiesOf(
  policyText("a", "\n  rules:\n    - {}\n    - to: [{operation: {methods: [get]}}]"),
  policyText("b", "{action: DENY, rules: [{}]}"),
  policyText("c", "{action: DENY, rules: [{}]}", { annotations: '{istio.io/dry-run: "true"}' }),
  policyText("d", "{}"),
  'apiVersion: trestle.io/v1alpha1\nkind: SerializationGuard\nmetadata: {name: g, annotations: {istio.io/dry-run: "true"}}\nspec: {}\n',
);
const policies = rules.flatMap((rule) => (rule.kind === "AuthorizationPolicy" ? [rule] : []));
const guards = rules.flatMap((rule) => (rule.kind === "SerializationGuard" ? [rule] : []));

test("of a service all rules are known that are for it, each with its own line", () => {
  const places = createPolicyPlaces(rules, { policies, guards });
  expect(places.rulesOf("ALLOW", false, [])).toEqual([
    {
      name: "ns[default]-policy[a]-rule[0]",
      kind: "AuthorizationPolicy",
      policy: "default/a",
      rule: 0,
      at: "p.yaml:6",
    },
    {
      name: "ns[default]-policy[a]-rule[1]",
      kind: "AuthorizationPolicy",
      policy: "default/a",
      rule: 1,
      at: "p.yaml:7",
    },
    {
      name: "",
      kind: "AuthorizationPolicy",
      policy: "default/d",
      rule: undefined,
      at: expect.stringMatching(/^p\.yaml:/),
    },
  ]);
  expect(places.rulesOf("DENY", false, []).map(({ policy }) => policy)).toEqual(["default/b"]);
  expect(places.rulesOf("DENY", true, []).map(({ policy }) => policy)).toEqual(["default/c"]);
  expect(places.guards).toMatchObject([{ policy: "default/g", dryRun: true }]);
});

test("of a proxy whose policies are not known rules are found by the names that it has for them", () => {
  const places = createPolicyPlaces(rules, undefined);
  expect(places.rulesOf("ALLOW", false, ["ns[default]-policy[a]-rule[1]"])).toMatchObject([{ at: "p.yaml:7" }]);
  expect(places.rulesOf("ALLOW", false, ["ns[x]-policy[gone]-rule[2]"])).toEqual([
    { name: "ns[x]-policy[gone]-rule[2]", kind: "AuthorizationPolicy", policy: "x/gone", rule: 2, at: "" },
  ]);
  expect(places.guards).toEqual([{ policy: "", at: "", dryRun: false }]);
});

test("an issuer is found by its object; one that is gone has no place", () => {
  const issuer =
    'apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: idp}\nspec: {jwtRules: [{issuer: i, jwks: \'{"keys": [{"kty": "RSA"}]}\'}]}\n';
  const places = createPolicyPlaces(policiesOf(issuer), undefined);
  expect(places.tokenAt("default/idp/0")).toMatch(/^p\.yaml:\d+$/);
  expect(places.tokenAt("default/gone/0")).toBe("");
});
