import { expect, test } from "vitest";
import { meshClient, type RuleClient } from "../../../../src/control/rules/client.ts";
import { scopeOf, sidecarOf } from "../../../../src/control/rules/sidecars.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import { rulesOf, virtualServiceOf } from "../../../support/rules.ts";

const sidecar = (name: string, namespace: string, spec: string) =>
  `apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n`;
const client = (namespace: string, labels = {}): RuleClient => ({
  ...meshClient(),
  namespace,
  labels,
  isShared: false,
  isEmbedded: false,
});
const scoped = (spec: string) => {
  const [found] = rulesOf(sidecar("s", "shop", spec));
  return scopeOf(found?.kind === "Sidecar" ? found : undefined, client("shop"));
};
const entry = (name: string, namespace?: string, exportTo?: readonly string[]) => ({
  host: name.toLowerCase(),
  service: serviceKey(name),
  ...(namespace !== undefined && { namespace }),
  ...(exportTo !== undefined && { exportTo }),
});

const rules = rulesOf(
  sidecar("root", "istio-system", "{}"),
  sidecar("all", "shop", "{}"),
  sidecar("web", "shop", "{workloadSelector: {labels: {app: web}}}"),
  sidecar("else", "other", "{workloadSelector: {labels: {app: web}}}"),
);

test.each([
  { name: "one that selects its labels", of: client("shop", { app: "web" }), sidecar: "web" },
  { name: "the one of its namespace", of: client("shop", { app: "x" }), sidecar: "all" },
  { name: "the root's", of: client("far"), sidecar: "root" },
  { name: "the root's where none of its namespace selects it", of: client("other"), sidecar: "root" },
  { name: "none beside the facades", of: { ...client("shop"), isEmbedded: true }, sidecar: undefined },
])("a client has $name", ({ of, sidecar }) => {
  expect(sidecarOf(rules, of)?.name).toBe(sidecar);
});

test.each([
  { hosts: "['./*']", seen: ["shop"] },
  { hosts: "['*/*']", seen: ["shop", "infra", "default"] },
  { hosts: "['infra/*']", seen: ["infra"] },
  { hosts: "['~/*']", seen: [] },
  { hosts: "['*/com.acme.*']", seen: ["shop", "infra", "default"] },
  { hosts: "['*/com.acme.infra', './org.*']", seen: ["infra"] },
  { hosts: "['default/com.acme.default']", seen: ["default"] },
])("egress $hosts lets a proxy of shop see $seen", ({ hosts, seen }) => {
  const scope = scoped(`{egress: [{hosts: ${hosts}}]}`);
  const all = [entry("com.acme.Shop", "shop"), entry("com.acme.Infra", "infra"), entry("com.acme.Default")];
  expect(all.filter((one) => scope.sees(one)).map((one) => one.namespace ?? "default")).toEqual(seen);
});

test("without a Sidecar every service that is exported is seen", () => {
  const scope = scopeOf(undefined, client("shop"));
  expect(scope.sidecar).toBeUndefined();
  expect(scope.sees(entry("a", "infra"))).toBe(true);
  expect(scope.sees(entry("a", "infra", ["."]))).toBe(false);
  expect(scope.sees(entry("a", "shop", ["."]))).toBe(true);
});

test("rules are taken whose namespace and hosts a Sidecar names", () => {
  const scope = scoped("{egress: [{hosts: ['default/com.acme.*']}]}");
  const rule = (hosts: string) => virtualServiceOf(hosts, "[{route: [{destination: {host: a}}]}]");
  expect(scope.takes(rule("[com.acme.A]"))).toBe(true);
  expect(scope.takes(rule('["*"]'))).toBe(true);
  expect(scope.takes(rule("[org.A]"))).toBe(false);
  expect(scope.takes({ ...rule("[com.acme.A]"), namespace: "infra" })).toBe(false);
});

test("of thousands of Sidecars the oldest that selects all of a client's labels holds", () => {
  const many = rulesOf(
    ...Array.from({ length: 50 }, (_, i) =>
      sidecar(`w${i}`, "shop", `{workloadSelector: {labels: {app: w${i % 40}, lane: a}}}`),
    ),
  );
  expect(sidecarOf(many, client("shop", { lane: "a", app: "w3" }))?.name).toBe("w3");
  expect(sidecarOf(many, client("shop", { lane: "b", app: "w3" }))).toBeUndefined();
  expect(sidecarOf(many, client("far", { lane: "a", app: "w3" }))).toBeUndefined();
});
