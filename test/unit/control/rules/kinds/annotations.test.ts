import { expect, test } from "vitest";
import { parseObject, parseRules } from "../../../../../src/control/rules/parse.ts";
import { shortFindings } from "../../../../support/rules.ts";

const SPECS: Readonly<Record<string, string>> = {
  AuthorizationPolicy: "security.istio.io/v1\nspec: {rules: [{}]}",
  DestinationRule: "networking.istio.io/v1\nspec: {host: com.acme.A}",
  VirtualService:
    "networking.istio.io/v1\nspec: {hosts: [com.acme.A], http: [{route: [{destination: {host: com.acme.A}}]}]}",
};
const textOf = (kind: string, annotations: string) =>
  `kind: ${kind}\nmetadata:\n  name: x\n  annotations: ${annotations}\napiVersion: ${SPECS[kind]}\n`;
const told = (kind: string, annotations: string) => {
  const { findings, valid } = parseRules("r.yaml", textOf(kind, annotations));
  expect(valid).toBe(true);
  return shortFindings(findings);
};

test("annotations that count, and those of others, are fine", () => {
  expect(told("AuthorizationPolicy", "{istio.io/dry-run: 'True', example.com/a: b}")).toEqual([]);
  expect(told("DestinationRule", "{trestle.io/load-balancer: PEAK_EWMA}")).toEqual([]);
  expect(told("VirtualService", "{trestle.io/interface: com.acme.A}")).toEqual([]);
  expect(told("VirtualService", "null")).toEqual([]);
});

test.each([
  ["on another kind", "VirtualService", "{istio.io/dry-run: 'true'}", "does nothing on a VirtualService"],
  [
    "a letter from one that counts",
    "AuthorizationPolicy",
    "{istio.io/dryrun: 'true'}",
    "did you mean istio.io/dry-run?",
  ],
  ["a trial that is none", "AuthorizationPolicy", "{istio.io/dry-run: 'yes'}", "the AuthorizationPolicy is in force"],
])("an annotation is told %s", (_, kind, annotations, text) => {
  expect(told(kind, annotations)).toEqual([expect.stringMatching(/^TR0254 4:17 annotation/)]);
  expect(told(kind, annotations)[0]).toContain(text);
});

test("of an object of Kubernetes' its place is the field", () => {
  const metadata = { name: "x", annotations: { "istio.io/dry-run": "yes" } };
  const object = { apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy", metadata, spec: { rules: [{}] } };
  const { findings } = parseObject("AuthorizationPolicy shop/x", object);
  expect(findings.map(({ code, at }) => [code, at])).toEqual([
    ["TR0254", "AuthorizationPolicy shop/x metadata.annotations"],
  ]);
});
