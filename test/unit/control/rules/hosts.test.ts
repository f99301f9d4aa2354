import { expect, test } from "vitest";
import {
  CarriedEntries,
  hostMatches,
  indexEntries,
  indexRules,
  resolveDestination,
} from "../../../../src/control/rules/hosts.ts";
import type { Entry } from "../../../../src/model/entry.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { destinationRuleText, rulesOf, virtualServiceText } from "../../../support/rules.ts";

const plain = entryOf("com.acme.OrderService", []);
const one = entryOf("com.acme.OrderService:1.0.0", []);
const gray = entryOf("gray/com.acme.OrderService:2.0.0", []);
const stock = entryOf("com.acme.StockService:1.0.0", []);
const bareStock = entryOf("com.acme.StockService", []);

test.each([
  { host: "com.acme.orderservice-1-0-0", means: [one] },
  { host: "COM.ACME.OrderService-1-0-0", means: [one] },
  { host: "com.acme.OrderService", means: [plain, one, gray] },
  { host: "com.acme.orderSERVICE", means: [plain, one, gray] },
  { host: "*", means: [plain, one, gray, stock] },
  { host: "com.acme.*", means: [plain, one, gray, stock] },
  { host: "*.StockService", means: [stock] },
  { host: "*.orderservice-1-0-0", means: [one] },
  { host: "com.acme", means: [] },
  { host: "*.acme", means: [] },
])("host $host means $means.length of four services", ({ host, means }) => {
  expect([plain, one, gray, stock].filter((entry) => hostMatches(host, entry))).toEqual(means);
});

const service = (name: string, hosts: string): string =>
  virtualServiceText(name, hosts, "[{route: [{destination: {host: a}}]}]");

test.each([
  {
    name: "a full host wins over the plain name",
    texts: [service("plain", "[com.acme.OrderService]"), service("full", "[com.acme.orderservice-1-0-0]")],
    wins: "full",
  },
  {
    name: "a plain name wins over a wildcard",
    texts: [service("wild", '["com.acme.*"]'), service("plain", "[com.acme.OrderService]")],
    wins: "plain",
  },
  {
    name: "a longer wildcard wins over a shorter",
    texts: [service("all", '["*"]'), service("acme", '["com.acme.*"]')],
    wins: "acme",
  },
  {
    name: "of two for one host the older wins",
    texts: [service("first", "[com.acme.OrderService]"), service("second", "[com.acme.ORDERSERVICE]")],
    wins: "first",
  },
  {
    name: "a rule that names two hosts holds for both",
    texts: [service("two", "[x, com.acme.orderservice-1-0-0]")],
    wins: "two",
  },
  {
    name: "a rule for gateways alone is not applied",
    texts: [service("gateway", '["*"]').replace("spec:", "spec:\n  gateways: [ingress]")],
    wins: undefined,
  },
])("$name", ({ texts, wins }) => {
  expect(indexRules(rulesOf(...texts)).virtualServices.find(one)?.name).toBe(wins);
});

test("of rules for one host those of the caller's namespace come first, then those that name it, then those for all", () => {
  const of = (name: string, namespace: string, exportTo: string) =>
    service(name, "[com.acme.OrderService]")
      .replace(`{name: ${name}}`, `{name: ${name}, namespace: ${namespace}}`)
      .replace("spec:", `spec:\n  exportTo: ${exportTo}`);
  const texts = [
    of("all", "default", "['*']"),
    of("named", "shop", "[default]"),
    of("own", "default", "['.', other]"),
    of("hidden", "shop", "['.']"),
  ];
  const claims = (...some: string[]) =>
    indexRules(rulesOf(...some))
      .virtualServices.claims.get("com.acme.orderservice")!
      .map(({ name }) => name);
  expect(claims(...texts)).toEqual(["own", "named", "all"]);
});

test("DestinationRules are found by the same ranks", () => {
  const rules = rulesOf(
    destinationRuleText("wild", '"*"', "subsets: []"),
    destinationRuleText("plain", "com.acme.OrderService", "subsets: []"),
  );
  const { destinationRules } = indexRules(rules);
  expect([destinationRules.find(gray)?.name, destinationRules.find(stock)?.name]).toEqual(["plain", "wild"]);
});

test("every claim on a host is kept, oldest first", () => {
  const { claims } = indexRules(rulesOf(service("a", "[com.acme.X]"), service("b", "[COM.acme.x]"))).virtualServices;
  expect(claims.get("com.acme.x")!.map(({ name }) => name)).toEqual(["a", "b"]);
});

test.each([
  { name: "the caller's own host", host: "com.acme.orderservice-1-0-0", caller: one, called: one },
  { name: "the plain name of the caller's interface", host: "com.acme.OrderService", caller: gray, called: gray },
  { name: "another version's host", host: "com.acme.orderservice-1-0-0", caller: gray, called: one },
  { name: "another interface, same group and version", host: "com.acme.StockService", caller: one, called: stock },
  {
    name: "another interface that has the caller's version only without one",
    host: "com.acme.StockService",
    caller: gray,
    called: bareStock,
  },
  { name: "nothing that is known", host: "com.acme.Missing", caller: one, called: undefined },
])("a destination by $name", ({ host, caller, called }) => {
  const index = indexEntries([plain, one, gray, stock, bareStock]);
  expect(resolveDestination({ host }, caller, index)).toBe(called);
});

test("a plain name never leads to another version", () => {
  expect(resolveDestination({ host: "com.acme.StockService" }, gray, indexEntries([gray, stock]))).toBeUndefined();
});

test("services are found by host and by interface", () => {
  const index = indexEntries([plain, one]);
  expect(index.byHost("com.acme.orderservice-1-0-0")).toBe(one);
  expect(index.byInterface("com.acme.orderservice")).toEqual([plain, one]);
  expect(index.byInterface("x")).toEqual([]);
});

test("an index that changes entry by entry answers as one that is made anew", () => {
  const changing = new CarriedEntries();
  for (const entry of [gray, plain, stock, one]) changing.add(entry);
  expect(changing.delete(bareStock)).toBe(false);
  expect(changing.delete(stock)).toBe(true);
  const anew = indexEntries([one, plain, gray].sort((a, b) => (a.host < b.host ? -1 : 1)));
  expect(changing.entries).toEqual(anew.entries);
  const name = plain.service.interface.toLowerCase();
  expect(changing.byInterface(name)).toEqual(anew.byInterface(name));
  expect([changing.byHost(plain.host), changing.byHost(stock.host)]).toEqual([plain, undefined]);
  expect(changing.byInterface(stock.service.interface.toLowerCase())).toEqual([]);
});

/** A service with a port, and a further one of it. */
function withPorts(name: string, first: number, second: number): readonly [Entry, Entry] {
  const base = { namespace: "default", endpoints: [] };
  const at = (port: number) => ({ ports: [{ protocol: "http", port }] });
  const key = (version: string) => ({ interface: name, group: "", version });
  const host = `${name}.example`;
  return [
    { ...base, host, service: key(""), ...at(first) },
    { ...base, host: `${host}:${second}`, service: key(String(second)), ...at(second), portOf: host },
  ];
}

const [shop, admin] = withPorts("shop", 80, 9090);
const [cart, cartAdmin] = withPorts("cart", 9090, 80);
const [single] = withPorts("single", 8080, 0);

test.each([
  { name: "its first port", host: "shop.example", port: 80, caller: admin, called: shop },
  { name: "its further port", host: "SHOP.example", port: 9090, caller: shop, called: admin },
  { name: "a port that it lacks", host: "shop.example", port: 81, caller: shop, called: undefined },
  { name: "itself, without a port", host: "shop", port: undefined, caller: admin, called: admin },
  {
    name: "another service, without a port: that of the call",
    host: "cart.example",
    port: undefined,
    caller: shop,
    called: cartAdmin,
  },
  {
    name: "the same by its plain name, from a further port",
    host: "cart",
    port: undefined,
    caller: admin,
    called: cart,
  },
  { name: "a service that has one port alone", host: "single", port: undefined, caller: admin, called: single },
  { name: "any port of a service that says none", host: "com.acme.OrderService", port: 7, caller: shop, called: plain },
])("a destination by $name", ({ host, port, caller, called }) => {
  const index = indexEntries([shop, admin, cart, cartAdmin, single, plain]);
  const destination = { host, ...(port !== undefined && { port: { number: port } }) };
  expect(resolveDestination(destination, caller, index)?.host).toBe(called?.host);
});

test("rules for a host are for all of its ports, and further ones are found by it", () => {
  const index = indexEntries([admin, shop]);
  expect([index.furtherOf(shop.host), index.byInterface("shop")]).toEqual([[admin], [shop]]);
  for (const host of ["shop.example", "shop", "*.example", "sho*"]) expect(hostMatches(host, admin)).toBe(true);
  const rules = indexRules(rulesOf(service("v", "[shop.example]"), destinationRuleText("d", "'*.example'", "")));
  expect(rules.virtualServices.find(admin)?.name).toBe("v");
  expect(rules.destinationRules.find(admin)?.name).toBe("d");
});
