import { expect, test } from "vitest";
import { readSidecar, sidecarSpec } from "../../../../../src/control/rules/kinds/sidecar-schema.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import { shortFindings } from "../../../../support/rules.ts";

const parsed = (spec: string) =>
  parseRules(
    "r",
    `apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s, namespace: shop}\nspec: ${spec}\n`,
  );
const at = expect.anything();

test("what a Sidecar says is read", () => {
  const { rules, findings } = parsed(
    "{workloadSelector: {labels: {app: web}}, egress: [{hosts: [./*, infra/com.acme.*, '*/com.acme.Order:1.0']}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}",
  );
  expect(findings).toEqual([]);
  expect(rules).toEqual([
    {
      at,
      kind: "Sidecar",
      name: "s",
      namespace: "shop",
      createdAtMs: undefined,
      workloadSelector: { app: "web" },
      egress: [{ at, hosts: ["./*", "infra/com.acme.*", "*/com.acme.Order:1.0"] }],
      outboundTrafficPolicy: "REGISTRY_ONLY",
    },
  ]);
});

test.each([
  { spec: "{ingress: [{port: {number: 80}}]}", code: "TR0227" },
  { spec: "{inboundConnectionPool: {tcp: {}}}", code: "TR0227" },
  { spec: "{egress: [{hosts: [./*], port: {number: 80}}]}", code: "TR0227" },
  { spec: "{egress: [{hosts: [./*], bind: 127.0.0.1}]}", code: "TR0227" },
  { spec: "{outboundTrafficPolicy: {egressProxy: {host: a}}}", code: "TR0227" },
])("$spec is named, and the rest holds", ({ spec, code }) => {
  const { findings, valid } = parsed(spec);
  expect(findings.map((one) => one.code)).toEqual([code]);
  expect(valid).toBe(true);
});

test.each([
  { host: "com.acme.A", why: "no namespace" },
  { host: "Shop/*", why: "a namespace that is none" },
  { host: "./a b", why: "a host that is none" },
])("a host with $why is refused", ({ host }) => {
  expect(shortFindings(parsed(`{egress: [{hosts: ["${host}"]}]}`).findings)).toEqual([
    `TR0209 4:26 Sidecar.spec.egress[0].hosts[0] is "${host}"; it must be NAMESPACE/host, such as "./*", "*/com.acme.*" or "shop/*"`,
  ]);
});

test("a policy for calls to unknown hosts that says nothing is Istio's first word, and no labels select all", () => {
  const place = { position: { file: "r", line: 1, column: 1 }, fields: {} };
  expect(readSidecar({ at: place, workloadSelector: { labels: {} }, outboundTrafficPolicy: {} })).toEqual({
    egress: [],
    outboundTrafficPolicy: "REGISTRY_ONLY",
  });
  expect(Object.keys(sidecarSpec.fields)).toContain("egress");
});

test("calls to services that nobody knows are not carried, whatever a Sidecar says", () => {
  const text =
    "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s}\nspec: {outboundTrafficPolicy: {mode: ALLOW_ANY}}\n";
  const { findings, valid } = parseRules("r", text);
  expect(valid).toBe(true);
  expect(findings).toMatchObject([{ code: "TR0227", message: expect.stringContaining("are not carried") }]);
});
