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
