import { describe, expect, test } from "vitest";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import type { AuthorizationPolicy } from "../../../../../src/model/rules/authorization.ts";
import { policyText } from "../../../../support/policies.ts";
import { shortFindings } from "../../../../support/rules.ts";

const parse = (spec: string, annotations?: string) =>
  parseRules("p.yaml", policyText("p", spec, annotations === undefined ? {} : { annotations }));

test("a policy is read with all its fields", () => {
  const { rules, findings } = parse(
    `{selector: {matchLabels: {app: shop}}, action: DENY, rules: [{
      from: [{source: {principals: ["*"], notPrincipals: [a], requestPrincipals: [i/s], notRequestPrincipals: [i/t], ipBlocks: [10.0.0.0/8], notIpBlocks: [10.0.0.1],
        remoteIpBlocks: ["::/0"], notRemoteIpBlocks: ["::1"], namespaces: [a], notNamespaces: [b], trustDomains: [t], notTrustDomains: [u]}}, {source: {serviceAccounts: [a/b], notServiceAccounts: [c]}}],
      to: [{operation: {hosts: [a], notHosts: [b], ports: ["80"], notPorts: ["81"], methods: [m], notMethods: [n], paths: ["/a/{*}/b/{**}"], notPaths: ["*x"]}}],
      when: [{key: "request.headers[a]", values: [b], notValues: [c]}]}]}`,
    '{istio.io/dry-run: "true"}',
  );
  expect(findings).toEqual([]);
  expect(rules[0]).toMatchObject({
    kind: "AuthorizationPolicy",
    name: "p",
    namespace: "default",
    selector: { app: "shop" },
    targets: [],
    action: "DENY",
    provider: undefined,
    dryRun: true,
    rules: [
      {
        from: [{ source: { principals: ["*"] } }, {}],
        to: [{ operation: { methods: ["m"] } }],
        when: [{ key: "request.headers[a]" }],
      },
    ],
  });
});

test("without a spec it is ALLOW without rules", () => {
  const { rules, findings } = parseRules(
    "p.yaml",
    "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p}\n",
  );
  expect(findings).toEqual([]);
  expect(rules[0]).toMatchObject({ action: "ALLOW", rules: [], selector: undefined, targets: [] });
});

describe("keeps its file from use:", () => {
  const source = (fields: string) => `{rules: [{from: [{source: {${fields}}}]}]}`;
  const operation = (fields: string) => `{rules: [{to: [{operation: {${fields}}}]}]}`;
  const when = (fields: string) => `{rules: [{when: [{${fields}}]}]}`;
  const rows: [string, string, RegExp][] = [
    ["an unknown action", "{action: LOG}", /^TR0209 .*must be one of ALLOW, DENY, AUDIT, CUSTOM/],
    ["an unknown field", operation("verbs: [GET]"), /^TR0206 .*unknown field "verbs"/],
    ["an empty list", operation("paths: []"), /^TR0208 .*needs at least 1 element/],
    ["an empty from", "{rules: [{from: []}]}", /^TR0208/],
    ["a bad prefix", source("ipBlocks: [10.0.0.0/33]"), /^TR0209 .*no IP address and no prefix/],
    ["a host name for an address", source("ipBlocks: [localhost]"), /^TR0209/],
    ["a bad port", operation('ports: ["0"]'), /^TR0209 .*no port/],
    ["a star in the middle", operation('paths: ["/a*b"]'), /^TR0209 .*"\*" may stand at its start or at its end/],
    ["stars at both ends", operation('methods: ["*a*"]'), /^TR0209/],
    ["a template within a segment", operation('paths: ["/a{*}/b"]'), /^TR0209 .*whole segments/],
    ["a template with a star", operation('paths: ["/{*}/b*"]'), /^TR0209/],
    ["a template behind {**}", operation('paths: ["/{**}/{*}"]'), /^TR0209 .*may follow/],
    ["a service account with a wildcard", source('serviceAccounts: ["*"]'), /^TR0209 .*service account/],
    ["service accounts beside namespaces", source("serviceAccounts: [a], namespaces: [b]"), /^TR0213/],
    [
      "too many service accounts",
      source(`serviceAccounts: [${Array.from({ length: 17 }, (_, i) => `a${i}`)}]`),
      /^TR0209 .*more than 16/,
    ],
    ["an unknown key", when("key: request.path, values: [a]"), /^TR0209 .*a condition is on request\.headers/],
    ["a condition without values", when("key: source.ip"), /^TR0208 .*values or notValues/],
    ["an address that is none", when("key: source.ip, values: [x]"), /^TR0209/],
    ["CUSTOM without a provider", "{action: CUSTOM}", /^TR0208 .*no provider/],
    ["a provider without CUSTOM", "{provider: {name: a}}", /^TR0213/],
    ["a selector and targets", "{selector: {}, targetRefs: [{kind: Service, name: a}]}", /^TR0213/],
    ["too many rules", `{rules: [${"{},".repeat(513)}]}`, /^TR0209 .*more than 512 rules/],
    ["too many targets", `{targetRefs: [${"{kind: Service, name: a},".repeat(17)}]}`, /^TR0209 .*more than 16 targets/],
  ];
  test.each(rows)("%s", (_, spec, finding) => {
    const { findings, valid } = parse(spec);
    expect(shortFindings(findings)).toContainEqual(expect.stringMatching(finding));
    expect(valid).toBe(false);
  });
});

test("a target that is no service is named, and the policy still holds for nobody else", () => {
  const { rules, findings, valid } = parse(
    "{targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io, name: g}]}",
  );
  expect(shortFindings(findings)).toEqual([expect.stringMatching(/^TR0272 .*"Gateway\/g" is no Service/)]);
  expect(valid).toBe(true);
  expect((rules[0] as AuthorizationPolicy).targets).toHaveLength(1);
});
