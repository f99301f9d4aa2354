import { expect, test } from "vitest";
import { POLICY_KINDS } from "../../../../../src/control/rules/kinds/policy-kinds.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import { shortFindings } from "../../../../support/rules.ts";

const text = (apiVersion: string, kind: string, spec = "{}") =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: p, namespace: n, labels: {a: b}}\nspec: ${spec}\n`;

test.each([
  ["AuthorizationPolicy", "security.istio.io/v1"],
  ["AuthorizationPolicy", "security.istio.io/v1beta1"],
  ["DubboAuthorizationPolicy", "dubbo.aeraki.io/v1alpha1"],
])("%s of %s is read", (kind, apiVersion) => {
  const { rules, findings } = parseRules("p.yaml", text(apiVersion, kind));
  expect(findings).toEqual([]);
  expect(rules[0]).toMatchObject({ kind, name: "p", namespace: "n" });
  expect(Object.hasOwn(POLICY_KINDS, kind)).toBe(true);
});

test.each([
  ["AuthorizationPolicy", "networking.istio.io/v1", "security.istio.io/v1 or v1beta1"],
  ["DubboAuthorizationPolicy", "security.istio.io/v1", "dubbo.aeraki.io/v1alpha1"],
])("%s is not read of %s", (kind, apiVersion, wanted) => {
  const { findings, valid } = parseRules("p.yaml", text(apiVersion, kind));
  expect(shortFindings(findings)).toEqual([`TR0209 1:13 apiVersion of a ${kind} must be ${wanted}`]);
  expect(valid).toBe(false);
});

test("Aeraki's policy has no conditions, addresses or paths", () => {
  const { findings } = parseRules(
    "p.yaml",
    text(
      "dubbo.aeraki.io/v1alpha1",
      "DubboAuthorizationPolicy",
      "{rules: [{when: [], to: [{operation: {paths: [/a]}}]}]}",
    ),
  );
  expect(shortFindings(findings).map((line) => line.slice(0, 6))).toEqual(["TR0206", "TR0206"]);
});
