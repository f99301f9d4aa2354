import { expect, test } from "vitest";
import { analyzeConnections } from "../../../../../src/control/rules/analyze/connections.ts";
import { createFindingList } from "../../../../../src/control/rules/findings.ts";
import { destinationRuleText, gatewayText, rulesOf, shortFindings } from "../../../../support/rules.ts";

const db =
  "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: db}\nspec: {hosts: [db], resolution: STATIC, endpoints: [{address: 10.0.0.1}], ports: [{number: 1, name: p, protocol: TCP}]}\n";
const subsets = destinationRuleText("db", "db", "subsets: [{name: v1, labels: {v: '1'}}]");

function findings(host: string, to: string, more = ""): string[] {
  const rule = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: r}\nspec: {hosts: [${host}], ${more}tcp: [{route: [{destination: ${to}}]}]}\n`;
  const found = createFindingList();
  analyzeConnections(rulesOf(db, subsets, rule), found.report);
  return shortFindings(found.list());
}

test.each([
  ["db", "{host: db}", "", undefined],
  ["db", "{host: db, subset: v1}", "", undefined],
  ["com.acme.A", "{host: db}", "", /^TR0227 .*tcp routes of r have no meaning for com.acme.A/],
  ["db", "{host: db}", "gateways: [outside], ", /^TR0227 .*no meaning for its gateways/],
  ["db", "{host: nobody}", "", /^TR0221 .*destination nobody is no TCP port/],
  ["db", "{host: db, port: {number: 2}}", "", /^TR0221 .*db, port 2,/],
  ["db", "{host: db, subset: v2}", "", /^TR0222 .*subset v2 of db/],
])("routes of %s to %s (%s)", (host, to, more, finding) => {
  expect(findings(host, to, more)).toEqual(finding === undefined ? [] : [expect.stringMatching(finding)]);
});

test("tls routes are for gateways that pass TLS through", () => {
  const gateway = (tls: string) =>
    gatewayText("edge", `[{port: {number: 1, protocol: TLS}, hosts: [a.org], tls: {${tls}}}]`);
  const route = (host: string) =>
    `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: r}\nspec: {hosts: [a.org], gateways: [edge], tls: [{match: [{sniHosts: [a.org]}], route: [{destination: {host: ${host}}}]}]}\n`;
  const told = (...texts: string[]) => {
    const found = createFindingList();
    analyzeConnections(rulesOf(db, ...texts), found.report);
    return shortFindings(found.list());
  };
  expect(told(gateway("mode: PASSTHROUGH"), route("db"))).toEqual([]);
  expect(told(gateway("mode: PASSTHROUGH"), route("nobody"))).toEqual([expect.stringMatching(/^TR0221 /)]);
  expect(told(route("db"))).toEqual([expect.stringMatching(/^TR0227 .*no meaning for its gateways/)]);
});

test("TLS of a DestinationRule is not for connections", () => {
  const found = createFindingList();
  const tls = (name: string, host: string, mode: string) =>
    destinationRuleText(name, host, `trafficPolicy: {tls: {mode: ${mode}}}`);
  analyzeConnections(
    rulesOf(db, tls("a", "db", "SIMPLE"), tls("b", "db", "DISABLE"), tls("c", "web", "SIMPLE")),
    found.report,
  );
  expect(shortFindings(found.list())).toEqual([
    expect.stringMatching(/^TR0236 .*tls of a is not applied to the TCP ports of db/),
  ]);
});
