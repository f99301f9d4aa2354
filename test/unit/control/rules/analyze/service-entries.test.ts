import { expect, test } from "vitest";
import { analyzeServiceEntries } from "../../../../../src/control/rules/analyze/service-entries.ts";
import { createFindingList } from "../../../../../src/control/rules/findings.ts";
import { withServiceEntries } from "../../../../../src/control/rules/service-entries.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { rulesOf, shortFindings } from "../../../../support/rules.ts";

const text = (name: string, host: string): string =>
  `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: ${name}}\nspec: {hosts: [${host}], resolution: STATIC, ports: [{number: 1, name: http}], endpoints: [{address: 10.0.0.1}]}\n`;

test("hosts that a registry knows, and those of two objects, are told", () => {
  const rules = rulesOf([text("a", "com.acme.a"), text("b", "shop"), text("c", "Shop")].join("---\n"));
  const entries = withServiceEntries([entryOf("com.acme.A", ["dubbo://10.0.0.1:1"])], rules);
  const found = createFindingList();
  analyzeServiceEntries(rules, entries, found.report);
  expect(shortFindings(found.list())).toEqual([
    "TR0250 4:16 host com.acme.a is known by registry test, which holds",
    "TR0251 14:16 host shop has a ServiceEntry at r.yaml:6:1 already; that one holds",
  ]);
});

const withSpec = (spec: string) =>
  `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a}\nspec: {hosts: [shop], ports: [{number: 80, name: web, protocol: HTTP}], ${spec}}\n`;
const workload = (ports: string) =>
  `apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: w}\nspec: {address: 10.0.0.2, labels: {app: web}, ports: ${ports}}\n`;

test.each([
  {
    name: "neither endpoints nor a name to look up",
    rules: [withSpec("resolution: STATIC")],
    finding:
      "TR0252 4:73 ServiceEntry a has no endpoints: list them, select WorkloadEntries, or let resolution DNS look its hosts up",
  },
  {
    name: "an endpoint's port of another name",
    rules: [withSpec("resolution: STATIC, endpoints: [{address: 10.0.0.1, ports: {wep: 8080}}]")],
    finding:
      "TR0228 4:93 port 8080 of endpoint 10.0.0.1 is left out: ServiceEntry a has no port of the name wep, but web",
  },
  {
    name: "such a port of a WorkloadEntry that it selects",
    rules: [withSpec("resolution: STATIC, workloadSelector: {labels: {app: web}}"), workload("{wep: 8080, web: 80}")],
    finding:
      "TR0228 9:47 port 8080 of endpoint 10.0.0.2 is left out: ServiceEntry a has no port of the name wep, but web",
  },
  { name: "names that DNS looks up", rules: [withSpec("resolution: DNS")], finding: undefined },
  {
    name: "its own name of a port",
    rules: [withSpec("resolution: STATIC, endpoints: [{address: 10.0.0.1, ports: {web: 8080}}]")],
    finding: undefined,
  },
])("of endpoints is told: $name", ({ rules, finding }) => {
  const found = createFindingList();
  analyzeServiceEntries(rulesOf(rules.join("---\n")), undefined, found.report);
  expect(shortFindings(found.list())).toEqual(finding === undefined ? [] : [finding]);
});
