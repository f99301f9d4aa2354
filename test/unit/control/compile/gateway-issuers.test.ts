import { expect, test } from "vitest";
import { JWT_FILTER } from "../../../../src/codecs/xds/authz.ts";
import { gatewayIssuers, gatewayTokens } from "../../../../src/control/compile/gateway-issuers.ts";
import { DEFAULT_MESH } from "../../../../src/model/mesh.ts";
import type { Gateway } from "../../../../src/model/rule.ts";
import { gatewayText, rulesOf } from "../../../support/rules.ts";

const jwt = (name: string, namespace: string, more = "") =>
  `apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {jwtRules: [{issuer: ${name}, jwks: '{"keys": [{"kty": "RSA"}]}'}]${more}}\n`;
const selecting = (labels: string) => `, selector: {matchLabels: {${labels}}}`;
const rules = rulesOf(
  gatewayText("edge", '[{port: {number: 80, protocol: HTTP}, hosts: ["*"]}]').replace(
    "spec:",
    "spec:\n  selector: {istio: ingress, zone: a}",
  ),
  jwt("root", "istio-system"),
  jwt("own", "default"),
  jwt("other", "elsewhere"),
  jwt("same", "istio-system", selecting("istio: ingress")),
  jwt("label", "istio-system", selecting("app: front")),
  jwt("targeted", "default", ", targetRefs: [{kind: Service, group: '', name: a}]"),
  jwt("empty", "default").replace(/jwtRules: \[.*\]\]?/, "jwtRules: []"),
);
const gateways = rules.filter((rule): rule is Gateway => rule.kind === "Gateway");
const names = (labels: Readonly<Record<string, string>>) =>
  gatewayIssuers(rules, gateways, { labels, mesh: DEFAULT_MESH }).map(({ name }) => name);

test("those of the root namespace and of the Gateway's hold, where they select nothing, what it selects, or the proxy", () => {
  expect(names({})).toEqual(["root", "own", "same"]);
  expect(names({ app: "front" })).toEqual(["root", "own", "same", "label"]);
});

test("they are a virtual host's config, and none without them", () => {
  const client = { labels: {}, mesh: DEFAULT_MESH };
  const { providers } = gatewayTokens(rules, gateways, client)![JWT_FILTER]!;
  expect(Object.values(providers).map(({ issuer }) => issuer)).toEqual(["root", "own", "same"]);
  expect(gatewayTokens(gateways, gateways, client)).toBeUndefined();
});
