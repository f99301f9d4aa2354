import { expect, test } from "vitest";
import { domainCovers, gatewayChains, isOfOther, type PortFault } from "../../../../src/control/rules/gateway-ports.ts";
import type { Gateway } from "../../../../src/model/rule.ts";
import { gatewayText, rulesOf } from "../../../support/rules.ts";

const server = (port: number, hosts: string, tls = "") =>
  `{port: {number: ${port}, protocol: ${tls === "" ? "HTTP" : "HTTPS"}}, hosts: [${hosts}]${tls && `, tls: {${tls}}`}}`;
const gateways = (...servers: string[]) => rulesOf(gatewayText("edge", `[${servers.join()}]`)) as readonly Gateway[];
const chainsOf = (...servers: string[]) => {
  const faults: PortFault[] = [];
  const chains = gatewayChains(gateways(...servers), (fault) => faults.push(fault));
  return {
    chains: chains.map(({ port, tls, serverNames, others }) => [port, tls?.credentialName, serverNames, others]),
    faults: faults.map(({ server: { hosts }, host }) => (host === undefined ? "server" : hosts[host])),
  };
};
const a = "mode: SIMPLE, credentialName: a";
const b = "mode: MUTUAL, credentialName: b";

test("servers of one port and one tls are one chain, whatever is asked for", () => {
  expect(chainsOf(server(443, "x.org", a), server(443, "y.org", a), server(80, "x.org"))).toEqual({
    chains: [
      [443, "a", undefined, []],
      [80, undefined, undefined, []],
    ],
    faults: [],
  });
});

test("servers with different tls are told apart by name; one for all names has none", () => {
  expect(chainsOf(server(443, '"*"', a), server(443, "B.org, ns/a.org", b)).chains).toEqual([
    [443, "a", undefined, ["a.org", "b.org"]],
    [443, "b", ["a.org", "b.org"], []],
  ]);
});

test("a host has the tls of who names it first, a port is plain or TLS as its first server is", () => {
  expect(
    chainsOf(server(443, "x.org", a), server(443, "x.org, y.org", b), server(443, "x.org", b), server(443, "z.org")),
  ).toEqual({
    chains: [
      [443, "a", ["x.org"], ["y.org"]],
      [443, "b", ["y.org"], ["x.org"]],
    ],
    faults: ["x.org", "x.org", "server"],
  });
});

test.each([
  ["admin.x.org", ["*.x.org"], ["admin.x.org"], true],
  ["shop.x.org", ["*.x.org"], ["admin.x.org"], false],
  ["*.x.org", ["*.x.org"], ["admin.x.org"], false],
  ["a.b.x.org", undefined, ["*.x.org"], true],
  ["y.org", undefined, ["*.x.org"], false],
  // As long as the name with a star, and narrower.
  ["a.x.org", ["*.x.org"], ["a.x.org"], true],
  ["a.x.org", ["a.x.org"], ["*.x.org"], false],
])("%s of %j, beside %j, belongs elsewhere: %s", (domain, serverNames, others, is) => {
  expect(isOfOther(domain, { ...(serverNames && { serverNames }), others })).toBe(is);
});

test("a domain covers another", () => {
  expect([domainCovers("*", "a"), domainCovers("*.a", "b.a"), domainCovers("a", "b.a")]).toEqual([true, true, false]);
});
