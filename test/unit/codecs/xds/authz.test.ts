import { expect, test } from "vitest";
import { AUTHZ_FILTERS, CUSTOM_FILTER, EXT_AUTHZ_FILTER, JWT_FILTER } from "../../../../src/codecs/xds/authz.ts";
import { decodeResource, encodeResource } from "../../../../src/codecs/xds/resource-bytes.ts";
import { ROUTE_TYPE } from "../../../../src/codecs/xds/resources.ts";
import { SERIALIZATION_FILTER } from "../../../../src/codecs/xds/serialization-guard.ts";
import { indexAuthorization } from "../../../../src/control/compile/authorization.ts";
import { DEFAULT_MESH } from "../../../../src/model/mesh.ts";
import { ORDERS, policiesOf, policyText } from "../../../support/policies.ts";
import { keySet, signingKey } from "../../../support/tokens.ts";

const provider = { name: "opa", service: "authz", port: 9000, timeoutMs: 500, failOpen: true, statusOnError: 503 };
const object = (kind: string, api: string, spec: string) =>
  `apiVersion: ${api}\nkind: ${kind}\nmetadata: {name: x}\nspec: ${spec}\n`;

/** A value without the types that bytes say. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([k, v]) => (k === "@type" ? [] : [[k, plain(v)]])));
}

test("policies of every kind go to proxies elsewhere as bytes and come out the same", () => {
  const jwks = JSON.stringify(keySet(signingKey()));
  const rules = policiesOf(
    policyText("a", "{rules: [{to: [{operation: {methods: [get]}}], from: [{source: {ipBlocks: [10.0.0.0/8]}}]}]}"),
    policyText("none", "{}", { annotations: '{"istio.io/dry-run": "true"}' }),
    policyText("d", '{action: DENY, rules: [{from: [{source: {notRequestPrincipals: ["*"]}}]}]}'),
    policyText("u", "{action: AUDIT, rules: [{}]}"),
    policyText("c", "{action: CUSTOM, provider: {name: opa}, rules: [{}]}"),
    policyText("t", "{action: CUSTOM, provider: {name: opa}, rules: [{}]}", {
      annotations: '{"istio.io/dry-run": "true"}',
    }),
    object(
      "RequestAuthentication",
      "security.istio.io/v1",
      `{jwtRules: [{issuer: "https://a", jwks: ${jwks}, fromHeaders: [{name: token, prefix: "T "}], audiences: [x]}]}`,
    ),
    object("SerializationGuard", "trestle.io/v1alpha1", "{denyClasses: [com.acme.*], maxDepth: 8}"),
  );
  const configs = indexAuthorization(rules, { ...DEFAULT_MESH, extensionProviders: [provider] }).configsOf(ORDERS)!;
  expect(Object.keys(configs).sort()).toEqual([...AUTHZ_FILTERS, SERIALIZATION_FILTER].sort());
  const routes = {
    name: "dubbo",
    virtualHosts: [{ name: "a", domains: ["a"], routes: [], typedPerFilterConfig: configs }],
  };
  const decoded = decodeResource(ROUTE_TYPE, encodeResource(ROUTE_TYPE, routes)) as unknown as typeof routes;
  const again = decoded.virtualHosts[0]!.typedPerFilterConfig;
  expect(plain(again[JWT_FILTER])).toEqual(configs[JWT_FILTER]);
  expect(plain(again[EXT_AUTHZ_FILTER])).toEqual(configs[EXT_AUTHZ_FILTER]);
  expect(plain(again[SERIALIZATION_FILTER])).toEqual(configs[SERIALIZATION_FILTER]);
  expect(again[CUSTOM_FILTER]?.rbac.shadowRules?.policies).toEqual(configs[CUSTOM_FILTER]?.rbac.shadowRules?.policies);
});
