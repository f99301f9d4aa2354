import { expect, test } from "vitest";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import type { VirtualService } from "../../../../../src/model/rule.ts";
import { shortFindings } from "../../../../support/rules.ts";

function parsed(spec: string) {
  const text = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: r}\nspec: {hosts: [db], ${spec}}\n`;
  const { rules, findings } = parseRules("r.yaml", text);
  return { rule: rules[0] as VirtualService | undefined, findings: shortFindings(findings) };
}

test("tls and tcp routes are read with all that a connection is known by", () => {
  const { rule, findings } = parsed(
    'tls: [{match: [{sniHosts: ["*.a.com"], port: 443, destinationSubnets: [10.0.0.0/8]}], route: [{destination: {host: db, subset: v1, port: {number: 1}}, weight: 2}]}], tcp: [{match: [{sourceSubnet: "fd00::/8", sourceLabels: {app: a}, sourceNamespace: n, gateways: [mesh]}], route: [{destination: {host: db}}]}]',
  );
  expect(findings).toEqual([]);
  expect(rule).toMatchObject({
    tls: [
      {
        match: [{ sniHosts: ["*.a.com"], port: 443, destinationSubnets: ["10.0.0.0/8"] }],
        route: [{ destination: { host: "db", subset: "v1", port: { number: 1 } }, weight: 2 }],
      },
    ],
    tcp: [{ match: [{ sourceSubnet: "fd00::/8", sourceLabels: { app: "a" }, gateways: ["mesh"] }] }],
  });
  expect(parsed("http: []").rule).not.toHaveProperty("tcp");
});

const to = "route: [{destination: {host: db}}]";
test.each([
  [`tls: [{${to}}]`, /^TR0208/],
  [`tls: [{match: [{port: 1}], ${to}}]`, /^TR0208/],
  [`tls: [{match: [{sniHosts: [a b]}], ${to}}]`, /^TR0209/],
  ["tcp: [{match: [{port: 1}]}]", /^TR0208/],
  [`tcp: [{match: [{destinationSubnets: [10.0.0.0/33]}], ${to}}]`, /^TR0209/],
  [`tcp: [{match: [{sourceSubnet: here}], ${to}}]`, /^TR0209/],
  ["tcp: [{route: [{destination: {host: '*'}}]}]", /^TR0209/],
])("%s is refused", (spec, finding) => {
  const { rule, findings } = parsed(spec);
  expect(rule).toBeUndefined();
  expect(findings[0]).toMatch(finding);
});
