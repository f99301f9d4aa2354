import { expect, test } from "vitest";
import { connectionTarget, tcpPortsOf } from "../../../../src/control/rules/connections.ts";
import { rulesOf } from "../../../support/rules.ts";

const entry = (name: string, ports: string) =>
  `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: ${name}}\nspec: {hosts: [Db.example.com], resolution: STATIC, endpoints: [{address: 10.0.0.1}], ports: [${ports}]}\n`;
const tcp = (number: number) => `{number: ${number}, name: p${number}, protocol: TCP}`;
const at = { position: { file: "r.yaml", line: 1, column: 1 }, fields: {} };

test("each port of a host is there once, the older rule's", () => {
  const rules = rulesOf(
    entry("a", `${tcp(1)}, {number: 80, name: http, protocol: HTTP}`),
    entry("b", `${tcp(1)}, ${tcp(2)}`),
  );
  const ports = tcpPortsOf(rules);
  expect(ports.map(({ host, rule, port }) => [host, rule.name, port.number])).toEqual([
    ["db.example.com", "a", 1],
    ["db.example.com", "b", 2],
  ]);
  const of = (from: number | undefined, number?: number) =>
    connectionTarget({ at, host: "DB.example.com", ...(number && { port: { at, number } }) }, from, ports)?.port.number;
  expect([of(1), of(2), of(3), of(1, 2), of(1, 9)]).toEqual([1, 2, undefined, 2, undefined]);
  expect(connectionTarget({ at, host: "other" }, 1, ports)).toBeUndefined();
  expect(connectionTarget({ at, host: "db.example.com" }, 9, ports.slice(0, 1))?.port.number).toBe(1);
});
