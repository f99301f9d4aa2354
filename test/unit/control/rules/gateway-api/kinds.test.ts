import { describe, expect, test } from "vitest";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import type { GatewayRoute } from "../../../../../src/model/rules/gateway-route.ts";
import { shortFindings } from "../../../../support/rules.ts";

function parsed(kind: string, spec: string) {
  const text = `apiVersion: gateway.networking.k8s.io/v1\nkind: ${kind}\nmetadata: {name: r, namespace: shop}\nspec: ${spec}\n`;
  const { rules, findings, valid } = parseRules("r.yaml", text);
  return { rule: rules[0] as GatewayRoute | undefined, findings: shortFindings(findings), valid };
}

const parent = "{group: networking.istio.io, kind: ServiceEntry, name: com.acme.a}";
const backend = "backendRefs: [{group: networking.istio.io, kind: ServiceEntry, name: com.acme.a}]";

describe("parents", () => {
  test.each([
    [parent, [{ kind: "ServiceEntry", name: "com.acme.a", namespace: "shop" }]],
    [
      "{group: '', kind: Service, name: b, namespace: other, port: 80}",
      [{ kind: "Service", name: "b", namespace: "other", port: 80 }],
    ],
    [
      "{group: networking.istio.io, kind: Hostname, name: a.example.com}",
      [{ kind: "Hostname", name: "a.example.com" }],
    ],
  ])("%s is a service of the mesh", (ref, parents) => {
    const { rule, findings } = parsed("GRPCRoute", `{parentRefs: [${ref}], rules: [{${backend}}]}`);
    expect(findings).toEqual([]);
    expect(rule!.parents).toMatchObject(parents);
  });

  test("a Gateway is no service, and the rest of the route holds", () => {
    const { rule, findings, valid } = parsed(
      "HTTPRoute",
      `{parentRefs: [{name: edge}, ${parent}], rules: [{${backend}}]}`,
    );
    expect(valid).toBe(true);
    expect(findings).toEqual([
      "TR0227 4:21 parent edge is not applied: routes are for a Service or a ServiceEntry, not for a gateway.networking.k8s.io/Gateway. Its own controller serves it; Trestle takes callers from outside by Istio's Gateway",
    ]);
    expect(rule!.parents).toHaveLength(1);
  });
});

test.each([
  ["matches: [{path: {value: a}}]", 'matches[0].path.value is "a"; it must begin with "/"'],
  ["filters: [{type: Foo}]", 'filters[0].type is "Foo", which is no filter here'],
  ["filters: [{type: URLRewrite}]", "filters[0].urlRewrite is missing"],
])("a route with %s is refused", (text, message) => {
  const { findings, valid } = parsed("HTTPRoute", `{parentRefs: [${parent}], rules: [{${text}, ${backend}}]}`);
  expect(valid).toBe(false);
  expect(findings.join()).toContain(message);
});

test("a GRPCRoute has no filters of an HTTPRoute, of a rule or of a backend", () => {
  const filters = "filters: [{type: URLRewrite, urlRewrite: {hostname: h}}]";
  for (const [rule, place] of [
    [`{${filters}, ${backend}}`, "rules[0].filters[0]"],
    [`{backendRefs: [{name: com.acme.A, ${filters}}]}`, "rules[0].backendRefs[0].filters[0]"],
  ]) {
    const spec = `{parentRefs: [${parent}], rules: [${rule}]}`;
    const { findings, valid } = parsed("GRPCRoute", spec);
    expect(valid).toBe(false);
    expect(findings.join()).toContain(`spec.${place},`);
    expect(findings.join()).toMatch(/unknown field "urlRewrite" in .*type is "URLRewrite", which is no filter here/);
    expect(parsed("HTTPRoute", spec).valid).toBe(true);
  }
});

test("every match of a rule is a route with what the rule does", () => {
  const matches = "[{method: {service: com.acme.A, method: get}}, {method: {service: com.acme.A}}]";
  const { rule } = parsed("GRPCRoute", `{parentRefs: [${parent}], rules: [{matches: ${matches}, ${backend}}]}`);
  expect(rule!.routes).toMatchObject([
    {
      rank: [10, 3, 0],
      route: { match: [{ uri: { type: "exact", value: "/com.acme.A/get" } }], route: [{ weight: 1 }] },
    },
    { rank: [10, 0, 0], route: { match: [{ uri: { type: "prefix", value: "/com.acme.A/" } }] } },
  ]);
});

test("a rule without matches takes every call", () => {
  const { rule } = parsed("HTTPRoute", `{parentRefs: [${parent}], rules: [{${backend}}]}`);
  expect(rule!.routes[0]!.route.match).toEqual([expect.not.objectContaining({ uri: expect.anything() })]);
});

test.each([
  ["an unknown field", `{parentRefs: [${parent}], rules: [{matchs: []}]}`, /^TR0206 .*did you mean "matches"/],
  ["no parents", "{rules: []}", /^TR0208 .*parentRefs/],
  [
    "a weight that is no number",
    `{parentRefs: [${parent}], rules: [{backendRefs: [{name: a, weight: lots}]}]}`,
    /^TR0207/,
  ],
])("%s is a fault with its place", (_, spec, finding) => {
  const { findings, valid } = parsed("GRPCRoute", spec);
  expect(valid).toBe(false);
  expect(findings[0]).toMatch(finding);
});

test("another group's version is refused", () => {
  const text =
    "apiVersion: networking.istio.io/v1\nkind: GRPCRoute\nmetadata: {name: r}\nspec: {parentRefs: [{name: a}]}\n";
  expect(shortFindings(parseRules("r.yaml", text).findings)[0]).toMatch(
    /^TR0209 1:13 apiVersion of a GRPCRoute must be/,
  );
});
