import { describe, expect, test } from "vitest";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import type { MetaRouter } from "../../../../../src/model/rules/meta-router.ts";
import { shortFindings } from "../../../../support/rules.ts";

function parsed(spec: string, apiVersion = "metaprotocol.aeraki.io/v1alpha1") {
  const { rules, findings, valid } = parseRules(
    "r.yaml",
    `apiVersion: ${apiVersion}\nkind: MetaRouter\nmetadata: {name: r}\nspec: ${spec}\n`,
  );
  return { rule: rules[0] as MetaRouter | undefined, findings: shortFindings(findings), valid };
}

const to = "route: [{destination: {host: com.acme.a, subset: v1}}]";
const routeOf = (more: string) => parsed(`{hosts: [com.acme.a], routes: [{${more}, ${to}}]}`).rule!.http[0]!;

describe("attributes are conditions", () => {
  test.each([
    ["{interface: {exact: com.acme.A}}", { uri: { type: "prefix", value: "/com.acme.A/" } }],
    ["{interface: {prefix: com.acme}}", { uri: { type: "prefix", value: "/com.acme" } }],
    ["{interface: {regex: 'com.*A'}}", { uri: { type: "regex", value: "/(?:com.*A)/.*" } }],
    ["{interface: {}}", {}],
    ["{method: {exact: get}}", { method: { type: "exact", value: "get" } }],
    ["{foo: {exact: bar}, baz: {}}", { headers: { foo: { type: "exact", value: "bar" }, baz: { type: "present" } } }],
  ])("%s", (attributes, match) => {
    const { at: _, ...read } = routeOf(`match: {attributes: ${attributes}}`).match![0]!;
    expect(read).toEqual(match);
  });
});

test("weights, mutations and the mirror are those of a route", () => {
  const { rule, findings } = parsed(
    "{hosts: [com.acme.a], routes: [{name: split, route: [{destination: {host: com.acme.a, subset: v1}, weight: 20}, {destination: {host: com.acme.a}, weight: 80}], requestMutation: [{key: foo, value: bar}], responseMutation: [{key: x, value: y}], mirror: {host: com.acme.b}, mirrorPercentage: {value: 10}}]}",
  );
  expect(findings).toEqual([]);
  expect(rule!.http[0]).toMatchObject({
    name: "split",
    route: [
      { destination: { host: "com.acme.a", subset: "v1" }, weight: 20 },
      { destination: { host: "com.acme.a" }, weight: 80 },
    ],
    headers: { request: { set: { foo: "bar" } }, response: { set: { x: "y" } } },
    mirrors: [{ destination: { host: "com.acme.b" }, percentage: { value: 10 } }],
  });
});

test("one may be for limits alone, and for gateways", () => {
  const { rule, findings } = parsed(
    "{hosts: [com.acme.a], gateways: [shop/outside], localRateLimit: {tokenBucket: {maxTokens: 5, fillInterval: 1s}}}",
  );
  expect(findings).toEqual([]);
  expect(rule).toMatchObject({
    gateways: ["shop/outside"],
    http: [],
    localRateLimit: { bucket: { maxTokens: 5, tokensPerFill: 1, fillIntervalMs: 1_000 }, conditions: [] },
  });
  expect(rule!.globalRateLimit).toBeUndefined();
});

test.each([
  ["without hosts", "{routes: []}", undefined, /^TR0208/],
  [
    "of another group",
    `{hosts: [a], routes: [{${to}}]}`,
    "networking.istio.io/v1",
    /^TR0209 1:13 apiVersion of a MetaRouter/,
  ],
  ["with an unknown field", `{hosts: [a], rutes: []}`, undefined, /^TR0206/],
])("one %s is refused", (_, spec, apiVersion, finding) => {
  const { findings, valid } = parsed(spec, apiVersion);
  expect(valid).toBe(false);
  expect(findings[0]).toMatch(finding);
});

test("a share of copies without a mirror is told of", () => {
  const { findings, valid } = parsed(`{hosts: [a], routes: [{${to}, mirrorPercentage: {value: 10}}]}`);
  expect([findings, valid]).toEqual([
    [
      "TR0227 4:86 MetaRouter.spec.routes[0].mirrorPercentage does nothing: it is the share of a mirror beside it, and there is none",
    ],
    true,
  ]);
});
