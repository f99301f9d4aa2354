import { expect, test } from "vitest";
import { analyzeOwnPorts, type OwnPorts } from "../../../../../src/control/rules/analyze/own-ports.ts";
import { createFindingList } from "../../../../../src/control/rules/findings.ts";
import { rulesOf, shortFindings } from "../../../../support/rules.ts";

const server = (port: number, more = "") =>
  `{port: {number: ${port}, name: http, protocol: HTTP}, hosts: ["*"]${more}}`;
const own = { bind: "10.0.0.5", dubbo: [20880, 20881], tri: [50051], httpPort: 8080 };

function found(servers: string, proxy: OwnPorts | undefined = own): string[] {
  const list = createFindingList();
  const gateway = `apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n  servers:\n  - ${servers}\n`;
  analyzeOwnPorts(rulesOf(gateway), proxy, list.report);
  return shortFindings(list.list());
}

test.each([
  [20881, "proxy.dubbo"],
  [50051, "proxy.tri"],
  [8080, "proxy.httpPort"],
])("port %i of a Gateway is the proxy's own", (port, name) => {
  expect(found(server(port))).toEqual([
    `TR0240 6:6 port ${port} is the proxy's own (${name}): this server is not served; give it another one`,
  ]);
});

test("other ports and other addresses are a Gateway's, and of a proxy elsewhere nothing is known", () => {
  expect(found(server(443))).toEqual([]);
  expect(found(server(20880, ", bind: 10.0.0.6"))).toEqual([]);
  expect(found(server(20880, ", bind: 10.0.0.5"))).toHaveLength(1);
  expect(found(server(20880), {})).toEqual([]);
  expect(found(server(20880), { httpPort: 0 })).toEqual([]);
});
