import { expect, test } from "vitest";
import { gatewayChains } from "../../../../../src/control/rules/gateway-ports.ts";
import { lowerPassages } from "../../../../../src/control/rules/lower/passages.ts";
import type { Gateway, VirtualService } from "../../../../../src/model/rule.ts";
import { gatewayText, rulesOf } from "../../../../support/rules.ts";

const entry =
  "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: db}\nspec: {hosts: [db], resolution: STATIC, endpoints: [{address: 10.0.0.1, weight: 3}, {address: 10.0.0.2}], ports: [{number: 9, name: p, protocol: TLS}]}\n";
const edge = gatewayText(
  "edge",
  "[{port: {number: 443, protocol: TLS}, hosts: ['*.x.org'], tls: {mode: PASSTHROUGH}}]",
);
const route = (name: string, match: string, to = "[{destination: {host: db}}]") =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: ${name}}\nspec: {hosts: ['*.x.org'], gateways: [edge], tls: [{match: [${match}], route: ${to}}]}\n`;

function passages(...routes: string[]) {
  const rules = rulesOf(entry, edge, ...routes);
  const [chain] = gatewayChains(rules.filter((rule): rule is Gateway => rule.kind === "Gateway"));
  const services = rules.filter((rule): rule is VirtualService => rule.kind === "VirtualService");
  return lowerPassages(chain!, services, rules);
}

test("connections go by the name that they ask for, to endpoints by weight; the first rule of a name counts", () => {
  expect(passages(route("a", "{sniHosts: [a.x.org]}"), route("b", "{sniHosts: [a.x.org, b.x.org]}"))).toEqual([
    {
      serverNames: ["a.x.org"],
      to: [
        { address: "10.0.0.1", port: 9, weight: 75_000 },
        { address: "10.0.0.2", port: 9, weight: 25_000 },
      ],
      origin: { rule: "a", file: "r.yaml", line: 16 },
    },
    { serverNames: ["b.x.org"], to: expect.any(Array), origin: { rule: "b", file: "r.yaml", line: 21 } },
  ]);
});

test.each([
  ["another port", "{sniHosts: [a.x.org], port: 444}"],
  ["another gateway", "{sniHosts: [a.x.org], gateways: [other]}"],
  ["labels that nobody knows", "{sniHosts: [a.x.org], sourceLabels: {app: a}}"],
  ["a name that the server does not take", "{sniHosts: [a.y.org]}"],
])("a match of %s is none", (_name, match) => {
  expect(passages(route("a", match))).toEqual([]);
});

test("a destination that is no TCP port has no places", () => {
  expect(passages(route("a", "{sniHosts: [a.x.org]}", "[{destination: {host: nobody}}]"))).toEqual([
    expect.objectContaining({ serverNames: ["a.x.org"], to: [] }),
  ]);
});
