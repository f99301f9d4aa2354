import { expect, test } from "vitest";
import { mergeDelegates } from "../../../../../src/control/rules/delegates.ts";
import { commonDomain, isBoundTo } from "../../../../../src/control/rules/gateway-binding.ts";
import { indexEntries } from "../../../../../src/control/rules/hosts.ts";
import { lowerGateways, resolveOutside, servesGateway } from "../../../../../src/control/rules/lower/gateway.ts";
import type { Gateway, VirtualService } from "../../../../../src/model/rule.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { gatewayText, rulesOf, virtualServiceText } from "../../../../support/rules.ts";

const entries = [
  entryOf("com.acme.OrderService", ["dubbo://10.0.0.1:20880"]),
  entryOf("com.acme.Stock:1.0.0", ["dubbo://10.0.0.1:20880"]),
  entryOf("g/com.acme.Stock:2.0.0", ["dubbo://10.0.0.1:20880"]),
  entryOf("com.shop.Cart:3.0.0", ["dubbo://10.0.0.1:20880"]),
];
const index = indexEntries(entries);
const to = "route: [{destination: {host: com.acme.OrderService}}]";
const edge = gatewayText("edge", '[{port: {number: 8080, protocol: HTTP}, hosts: ["*.example.com", "api.other.org"]}]');

function bound(name: string, hosts: string, http: string, gateways = "[edge]"): string {
  return virtualServiceText(name, hosts, http).replace("spec:", `spec:\n  gateways: ${gateways}`);
}

function hostsOf(...texts: string[]) {
  const [gateway] = lowerGateways(rulesOf(...texts), index);
  return gateway?.hosts.map(({ domain, routes }) => [domain, ...routes.map(({ name }) => name)]);
}

test.each([
  ["api.example.com", "api.example.com", "api.example.com"],
  ["API.example.com", "api.EXAMPLE.com", "api.example.com"],
  ["api.example.com", "*.example.com", "api.example.com"],
  ["*", "*.example.com", "*.example.com"],
  ["*.example.com", "*", "*.example.com"],
  ["a.b.example.com", "*.example.com", "a.b.example.com"],
  ["*.b.example.com", "*.example.com", "*.b.example.com"],
  ["example.com", "*.example.com", undefined],
  ["other.org", "*.example.com", undefined],
  ["api.example.com", "prod/api.example.com", "api.example.com"],
])("host %s at a server that takes %s has the domain %s", (host, taken, domain) => {
  expect(commonDomain(host, taken)).toBe(domain);
});

test("a gateway without a rule for it has no domain: nothing is exposed", () => {
  expect(lowerGateways(rulesOf(edge, virtualServiceText("m", "[api.other.org]", `[{${to}}]`)), index)).toEqual([
    { bind: undefined, port: 8080, hosts: [] },
  ]);
});

test("a delegate that is named twice gives its routes twice, a rule that two servers take is there once", () => {
  const named = `[{match: [{uri: {prefix: /a}}], delegate: {name: d}}, {match: [{uri: {prefix: /b}}], delegate: {name: d}}]`;
  const delegate = virtualServiceText("d", "[]", `[{name: x, ${to}}]`);
  const servers = `[{port: {number: 80, protocol: HTTP}, hosts: [x.org, "*.org"]}, {port: {number: 80, name: b, protocol: HTTP}, hosts: [x.org]}]`;
  const rules = mergeDelegates(rulesOf(gatewayText("edge", servers), bound("r", "[x.org]", named), delegate));
  const [gateway] = lowerGateways(rules, index);
  expect(gateway?.hosts[0]?.routes.map(({ path }) => path)).toEqual([{ prefix: "/a" }, { prefix: "/b" }]);
});

test("a rule that is not exported to the proxy's namespace is not seen", () => {
  const hidden = (exportTo: string) =>
    rulesOf(
      edge,
      bound("a", "[api.other.org]", `[{${to}}]`, "[default/edge]").replace("name: a}", "name: a, namespace: b}") +
        `  exportTo: ${exportTo}\n`,
    );
  const client = { namespace: "default", labels: {} };
  const seen = (exportTo: string) => lowerGateways(hidden(exportTo), index, client)[0]?.hosts.length;
  expect(['["."]', "[c]", '["*"]', "[default]", "[]"].map(seen)).toEqual([0, 0, 1, 1, 1]);
});

test.each([
  [{ app: "edge", x: "y" }, undefined, true],
  [{ app: "other" }, undefined, false],
  [{}, undefined, false],
  [{}, true, true],
])("a proxy with labels %j, beside the facades: %s, serves a Gateway of app edge: %s", (labels, isEmbedded, serves) => {
  const gateway = { ...(rulesOf(edge)[0] as Gateway), selector: { app: "edge" } };
  const client = { namespace: "default", labels, ...(isEmbedded && { isEmbedded }) };
  expect(servesGateway(client, gateway)).toBe(serves);
  expect(lowerGateways([gateway], index, client)).toHaveLength(serves ? 1 : 0);
  expect(servesGateway({ namespace: "default", labels: {} }, rulesOf(edge)[0] as Gateway)).toBe(true);
});

test("rules of one domain are joined, the older first", () => {
  const older = bound("b", "[api.other.org]", `[{${to}}]`).replace(
    "name: b}",
    'name: b, creationTimestamp: "2020-01-01T00:00:00Z"}',
  );
  expect(hostsOf(edge, bound("a", "[api.other.org, x.example.com, other.org]", `[{${to}}]`), older)).toEqual([
    ["api.other.org", "b/0", "a/0"],
    ["x.example.com", "a/0"],
  ]);
});

test.each([
  ["[edge]", true],
  ["[mesh, edge]", true],
  ["[default/edge]", true],
  ["[prod/edge]", false],
  ["[edge2]", false],
  ["[mesh]", false],
])("gateways %s of a rule name the gateway: %s", (gateways, isBound) => {
  const rules = rulesOf(edge, bound("a", "[x]", `[{${to}}]`, gateways));
  expect(isBoundTo(rules[1] as VirtualService, rules[0] as Gateway)).toBe(isBound);
});

test("conditions are of the HTTP request; what no request from outside can meet is left out", () => {
  const http = `[{match: [{uri: {prefix: /API}, ignoreUriCase: true, method: {exact: GET}, queryParams: {v: {exact: "1"}, all: {}}, headers: {X-User: {exact: u}}}, {gateways: [mesh]}, {sourceLabels: {a: b}}, {uri: {regex: "/x/.*"}, scheme: {exact: http}, authority: {prefix: api}}], rewrite: {uri: /y}, corsPolicy: {allowOrigins: []}, ${to}}]`;
  const [first, second, ...others] = lowerGateways(rulesOf(edge, bound("a", "[api.other.org]", http)), index)[0]!
    .hosts[0]!.routes;
  expect(first).toMatchObject({
    name: "a/0.0",
    path: { prefix: "/API", caseSensitive: false },
    headers: [{ name: ":method", stringMatch: { exact: "GET" } }, { name: "x-user" }],
    query: [
      { name: "v", stringMatch: { exact: "1" } },
      { name: "all", presentMatch: true },
    ],
    rewrite: "/y",
    cors: { allowOrigins: [] },
  });
  expect(second).toMatchObject({
    name: "a/0.3",
    path: { safeRegex: { regex: "/x/.*" } },
    headers: [{ name: ":authority" }, { name: ":scheme" }],
  });
  expect(others).toEqual([]);
});

test("a service that speaks HTTP alone has paths, no methods: it is not exposed without a rule", () => {
  const all = gatewayText("edge", '[{port: {number: 80, protocol: HTTP}, hosts: ["*"]}]', '{trestle.io/expose: "*"}');
  const entries = indexEntries([entryOf("shop", ["http://10.0.0.1:80"]), entryOf("a.Orders", ["dubbo://10.0.0.1:1"])]);
  const [lowered] = lowerGateways(rulesOf(all), entries);
  expect(lowered?.hosts[0]?.routes.map(({ name }) => name)).toEqual(["edge/a.orders"]);
});

test("what a gateway exposes by itself comes behind the rules of each of its domains", () => {
  const exposing = gatewayText(
    "edge",
    '[{port: {number: 80, protocol: HTTP}, hosts: ["*"]}]',
    '{trestle.io/expose: "com.acme.*"}',
  );
  expect(hostsOf(exposing, bound("a", "[api.other.org]", `[{match: [{uri: {exact: /x}}], ${to}}]`))).toEqual([
    ["*", "edge/com.acme.orderservice", "edge/com.acme.stock-1-0-0", expect.stringMatching(/^edge\/.*stock/)],
    [
      "api.other.org",
      "a/0",
      "edge/com.acme.orderservice",
      "edge/com.acme.stock-1-0-0",
      expect.stringMatching(/^edge\/.*stock/),
    ],
  ]);
  const [{ hosts }] = lowerGateways(rulesOf(exposing), index) as [ReturnType<typeof lowerGateways>[number]];
  expect(hosts[0]!.routes.map(({ path, headers }) => ({ path, headers }))).toEqual([
    { path: { prefix: "/com.acme.OrderService/" }, headers: [] },
    {
      path: { prefix: "/com.acme.Stock/" },
      headers: [
        { name: "tri-service-group", presentMatch: true, invertMatch: true },
        { name: "tri-service-version", stringMatch: { exact: "1.0.0" } },
      ],
    },
    {
      path: { prefix: "/com.acme.Stock/" },
      headers: [
        { name: "tri-service-group", stringMatch: { exact: "g" } },
        { name: "tri-service-version", stringMatch: { exact: "2.0.0" } },
      ],
    },
  ]);
});

test.each([
  ["com.acme.OrderService", "com.acme.orderservice"],
  ["com.shop.Cart", "com.shop.cart-3-0-0"],
  ["com.acme.stock-1-0-0", "com.acme.stock-1-0-0"],
  ["com.acme.Stock", undefined],
  ["com.acme.Gone", undefined],
])("destination %s means %s for callers outside", (host, found) => {
  expect(resolveOutside({ host }, index)?.host).toBe(found);
});

test("callers outside are led to the port that a destination names, else to that by which they come, else to the first", () => {
  const at = (port: number) => ({ ports: [{ protocol: "http", port }] });
  const first = { ...entryOf("shop", ["http://10.0.0.1:8080"]), ...at(80) };
  const second = { ...entryOf("shop:9090", ["http://10.0.0.1:9090"]), ...at(9090), host: "shop:9090", portOf: "shop" };
  const ports = indexEntries([first, second]);
  const found = (number: number | undefined, came: number) =>
    resolveOutside({ host: "shop", port: { ...(number !== undefined && { number }) } }, ports, came)?.host;
  expect([found(9090, 80), found(80, 9090), found(81, 80)]).toEqual(["shop:9090", "shop", undefined]);
  expect([found(undefined, 9090), found(undefined, 443)]).toEqual(["shop:9090", "shop"]);
});

test("two Gateways share a port; another address is another port", () => {
  const server = (bind: string, host: string) => `[{port: {number: 80, protocol: HTTP}, hosts: [${host}]${bind}}]`;
  const rules = rulesOf(
    gatewayText("a", server("", "a.org")),
    gatewayText("b", server("", "b.org")),
    gatewayText("c", server(", bind: 10.0.0.9", "c.org")),
    bound("v", '["*"]', `[{${to}}]`, "[a, b, c]"),
  );
  expect(
    lowerGateways(rules, index).map(({ bind, port, hosts }) => [bind, port, hosts.map(({ domain }) => domain)]),
  ).toEqual([
    [undefined, 80, ["a.org", "b.org"]],
    ["10.0.0.9", 80, ["c.org"]],
  ]);
});

test("hosts of a server that sends to https do so, but for those that another server names more narrowly", () => {
  const servers =
    '[{port: {number: 80, protocol: HTTP}, hosts: ["*"], tls: {httpsRedirect: true}}, {port: {number: 80, protocol: HTTP}, hosts: [own.example.com]}]';
  const rule = bound("r", "[own.example.com, api.example.com]", `[{${to}}]`);
  const [gateway] = lowerGateways(rulesOf(gatewayText("edge", servers), rule), index);
  expect(gateway!.hosts.map(({ domain, sendsToHttps, routes }) => [domain, sendsToHttps, routes.length])).toEqual([
    ["*", true, 0],
    ["api.example.com", true, 1],
    ["own.example.com", undefined, 1],
  ]);
});
