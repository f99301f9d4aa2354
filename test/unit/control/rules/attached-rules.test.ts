import { expect, test } from "vitest";
import { withAttachedRules } from "../../../../src/control/rules/attached-rules.ts";
import { rulesOf, virtualServiceText } from "../../../support/rules.ts";

const router = (name: string, metadata = "") =>
  `apiVersion: metaprotocol.aeraki.io/v1alpha1\nkind: MetaRouter\nmetadata: {name: ${name}${metadata}}\nspec: {hosts: [com.acme.a], routes: [{route: [{destination: {host: b}}]}]}\n`;
const routes = (name: string) =>
  `apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: ${name}}\nspec: {parentRefs: [{group: networking.istio.io, kind: ServiceEntry, name: com.acme.c}], rules: [{}]}\n`;
const service = virtualServiceText("own", "[com.acme.a]", "[{route: [{destination: {host: b}}]}]");

test("rules of Istio's kinds alone are the same list", () => {
  const rules = rulesOf(service);
  expect(withAttachedRules(rules)).toBe(rules);
});

test("other APIs' rules are VirtualServices, the older first, and know what they are made of", () => {
  const rules = rulesOf(service, routes("grpc"), router("old", ", creationTimestamp: '2020-01-01T00:00:00Z'"));
  const attached = withAttachedRules(rules);
  expect(attached.map(({ kind, name }) => [kind, name])).toEqual([
    ["VirtualService", "old"],
    ["VirtualService", "own"],
    ["VirtualService", "grpc"],
  ]);
  expect(attached[0]).toMatchObject({ hosts: ["com.acme.a"], attached: [{ kind: "MetaRouter", name: "old" }] });
  expect(withAttachedRules(rules)).toBe(attached);
});

test("a router that limits calls stays, and leaves routes that it does not have to others", () => {
  const limits = "localRateLimit: {tokenBucket: {maxTokens: 1, fillInterval: 1s}}";
  const rules = rulesOf(
    service,
    router("routes").replace("spec: {", `spec: {${limits}, `),
    router("alone").replace(/routes: .*$/m, `${limits}}`),
  );
  expect(withAttachedRules(rules).map(({ kind, name }) => [kind, name])).toEqual([
    ["VirtualService", "own"],
    ["MetaRouter", "routes"],
    ["MetaRouter", "alone"],
    ["VirtualService", "routes"],
  ]);
});

test("a router's gateways are those of the VirtualService that it becomes", () => {
  const [rule] = withAttachedRules(rulesOf(router("r").replace("spec: {", "spec: {gateways: [outside, mesh], ")));
  expect(rule).toMatchObject({ inMesh: true, gateways: ["outside"] });
});
