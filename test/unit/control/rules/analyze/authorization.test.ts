import { describe, expect, test } from "vitest";
import { analyzeRules } from "../../../../../src/control/rules/analyze/analyze.ts";
import { analyzeAuthorization } from "../../../../../src/control/rules/analyze/authorization.ts";
import { createFindingList } from "../../../../../src/control/rules/findings.ts";
import type { Entry } from "../../../../../src/model/entry.ts";
import { DEFAULT_MESH } from "../../../../../src/model/mesh.ts";
import { CART, ORDERS, policiesOf, policyText } from "../../../../support/policies.ts";

function codes(text: string, entries: readonly Entry[] | undefined): string[] {
  const found = createFindingList();
  analyzeAuthorization(policiesOf(text), entries, DEFAULT_MESH, found.report);
  return found.list().map(({ code, message }) => `${code} ${message}`);
}

test("nothing is said of a policy that chooses what an inbound listener stands in front of", () => {
  const found = createFindingList();
  const inboundLabels = [{ app: "cart", x: "y" }];
  const chooses = (name: string, app: string) =>
    policyText(name, `{selector: {matchLabels: {app: ${app}}}}`, { namespace: DEFAULT_MESH.namespace });
  const policies = policiesOf(chooses("a", "cart"), chooses("b", "bills"));
  analyzeAuthorization(policies, [ORDERS], { ...DEFAULT_MESH, inboundLabels }, found.report);
  expect(found.list().map(({ code, message }) => `${code} ${message}`)).toEqual([
    "TR0270 AuthorizationPolicy b holds for no service of namespace default that is known",
  ]);
});

describe("what is said of a policy", () => {
  const rows: [string, string, readonly Entry[] | undefined, RegExp[]][] = [
    ["nothing of one that holds", policyText("p", "{rules: [{to: [{operation: {methods: [get]}}]}]}"), [ORDERS], []],
    [
      "that it is for nobody",
      policyText("p", "{}", { namespace: "other" }),
      [ORDERS],
      [/^TR0270 .*no service of namespace other/],
    ],
    [
      "nothing of whom it is for where no service is known",
      policyText("p", "{}", { namespace: "other" }),
      undefined,
      [],
    ],
    [
      "that it is for some providers alone",
      policyText("p", "{selector: {matchLabels: {version: v1}}}"),
      [ORDERS],
      [/^TR0271 .*chooses some providers/],
    ],
    ["nothing of a selector of all", policyText("p", "{selector: {matchLabels: {app: shop}}}"), [ORDERS], []],
    [
      "that an ALLOW by an Envoy's filter matches nothing",
      policyText("p", "{rules: [{when: [{key: 'experimental.envoy.filters.http.lua[a]', values: [b]}]}]}"),
      undefined,
      [/^TR0284 experimental\.envoy\.filters\.http\.lua\[a\] of p .*the rule matches no call/],
    ],
    [
      "what a DENY by Envoy's filters matches",
      policyText(
        "p",
        "{action: DENY, rules: [{when: [{key: experimental.envoy.filters.a, values: [b]}, {key: 'experimental.envoy.filters.network.mongo_proxy[c]', values: [d]}]}]}",
      ),
      undefined,
      [/^TR0284 .*whatever else it says/, /^TR0284 .*neither Dubbo nor HTTP/],
    ],
    [
      "that a verb is no method",
      policyText("p", "{action: DENY, rules: [{to: [{operation: {methods: [POST]}}]}]}"),
      [ORDERS],
      [/^TR0273 .*method POST/],
    ],
    [
      "nothing of a verb of an HTTP service",
      policyText("p", "{rules: [{to: [{operation: {methods: [POST]}}]}]}"),
      [CART],
      [],
    ],
    [
      "nothing of a server where it is not known which there are",
      policyText("p", "{action: CUSTOM, provider: {name: opa}, rules: [{}]}"),
      [ORDERS],
      [],
    ],
    [
      "that a host is no service",
      policyText("p", "{rules: [{to: [{operation: {hosts: [none.example, '*']}}]}]}"),
      [ORDERS],
      [/^TR0273 host "none.example"/],
    ],
    [
      "nothing of a host that callers of an HTTP service may write",
      policyText("p", "{rules: [{to: [{operation: {hosts: [none.example]}}]}]}"),
      [CART, ORDERS],
      [],
    ],
    [
      "that no header's address is believed",
      policyText("p", "{rules: [{from: [{source: {remoteIpBlocks: [10.0.0.1]}}]}]}"),
      [ORDERS],
      [/^TR0276/],
    ],
  ];
  test.each(rows)("%s", (_, text, entries, expected) => {
    expect(codes(text, entries)).toEqual(expected.map((one) => expect.stringMatching(one)));
  });
});

describe("of CUSTOM it says", () => {
  const server = (name: string, service: string, failOpen = false) => ({
    name,
    service,
    port: 9000,
    timeoutMs: 1_000,
    failOpen,
    statusOnError: 403,
  });
  const authz = { ...ORDERS, host: "authz", service: { interface: "authz", group: "", version: "" } };
  const grpc = { ...authz, endpoints: [{ ...ORDERS.endpoints[0]!, protocol: "tri", port: 9000 }] };
  const mesh = {
    ...DEFAULT_MESH,
    extensionProviders: [server("opa", "authz"), server("open", "nowhere", true), server("other", "authz")],
  };
  const custom = (name: string, provider: string) =>
    policyText(name, `{action: CUSTOM, provider: {name: ${provider}}, rules: [{}]}`);
  const rows: [string, string[], Entry[] | undefined, RegExp[]][] = [
    ["nothing where its server can be asked", [custom("p", "opa")], [ORDERS, grpc], []],
    ["nothing of services where none are known", [custom("p", "opa")], undefined, []],
    ["that a provider is not named", [custom("p", "none")], [ORDERS], [/^TR0274 .*does not name.*are denied/]],
    [
      "that its service is not known",
      [custom("p", "open")],
      [ORDERS],
      [/^TR0274 .*"nowhere" is not known: calls pass/],
    ],
    [
      "that nobody there speaks gRPC",
      [custom("p", "opa")],
      [ORDERS, authz],
      [/^TR0274 .*nobody who speaks gRPC.*refused/],
    ],
    [
      "that a service has two",
      [custom("p", "opa"), custom("q", "other")],
      [ORDERS, grpc],
      [/^TR0274 .*q asks provider "other" and p asks "opa"/],
    ],
  ];
  test.each(rows)("%s", (_, texts, entries, expected) => {
    const found = analyzeRules(policiesOf(...texts), entries, undefined, undefined, mesh);
    const said = found.filter(({ code }) => code === "TR0274").map(({ code, message }) => `${code} ${message}`);
    expect(said).toEqual(expected.map((one) => expect.stringMatching(one)));
  });
});
