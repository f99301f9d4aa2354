import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { toServiceEntry } from "../../../../../src/registry-sync/entries/service-entry.ts";
import { readServicesText } from "../../../../../src/registry-sync/sources/file/services-text.ts";
import { endpoint, entry } from "../../../../support/worlds.ts";

const read = (text: string) => readServicesText(text, "f");
const entriesOf = (text: string) => {
  const { entries, fault } = read(text) as { entries: ReturnType<typeof entry>[]; fault?: string };
  expect(fault).toBeUndefined();
  return entries;
};

test("services with endpoints as texts and as maps", () => {
  const [order, stock] = entriesOf(`
services:
- service: com.acme.OrderService
  group: g
  version: "1.0.0"
  params: {application: shop, timeout: 3000}
  endpoints:
  - 10.0.0.2:20880
  - tri://10.0.0.1:50051
  - {address: "2001:db8::1", port: 20880, weight: 7, tag: gray, disabled: true, token: t, params: {zone: a, application: x}}
  - "[2001:db8::2]:20880"
- {service: stock, protocol: http, endpoints: ["stock.shop:8080"]}
`);
  expect(order).toMatchObject({ service: { interface: "com.acme.OrderService", group: "g", version: "1.0.0" } });
  expect(
    order!.endpoints.map(({ address, port, protocol, weight }) => `${protocol} ${address} ${port} ${weight}`),
  ).toEqual([
    "tri 10.0.0.1 50051 100",
    "dubbo 10.0.0.2 20880 100",
    "dubbo 2001:db8::1 20880 7",
    "dubbo 2001:db8::2 20880 100",
  ]);
  expect(order!.endpoints[2]).toMatchObject({
    ...{ tag: "gray", disabled: true, token: "t", origin: "f" },
    params: { application: "x", timeout: "3000", zone: "a" },
  });
  expect(stock).toMatchObject({ host: "stock", endpoints: [{ address: "stock.shop", port: 8080, protocol: "http" }] });
});

test("a key may stand in one text, and a service may have no endpoints", () => {
  const [one] = entriesOf(`services: [{service: "g/a.B:1.0"}]`);
  expect(one).toMatchObject({ service: { interface: "a.B", group: "g", version: "1.0" }, endpoints: [] });
});

test("JSON is read too, and empty files and documents say nothing", () => {
  expect(entriesOf('{"services": [{"service": "a.A", "endpoints": ["10.0.0.1:1"]}]}')).toHaveLength(1);
  for (const text of ["", "# only words", "---\n---\n", "services: []"]) expect(entriesOf(text)).toEqual([]);
});

test("an entry that Trestle wrote is read as it was, but of this registry", () => {
  const one = entry("g/com.acme.A:1.0", [endpoint("10.0.0.1", { weight: 3, params: { p: "1" }, origin: "legacy" })]);
  const [read] = entriesOf(`${stringify(toServiceEntry(one, "trestle"))}---\nservices: [{service: a.B}]\n`);
  expect(read).toEqual({ ...one, endpoints: [{ ...one.endpoints[0], origin: "f" }] });
});

test("a ServiceEntry of others is a service by its host", () => {
  const [one] = entriesOf(`
kind: ServiceEntry
metadata: {name: x}
spec:
  hosts: [Shop.Example.com]
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 10.0.0.1, ports: {http: 8080}, labels: {v: a}, weight: 5}]
`);
  expect(one).toMatchObject({
    ...{ host: "shop.example.com", service: { interface: "Shop.Example.com" } },
    endpoints: [{ address: "10.0.0.1", port: 8080, protocol: "http", weight: 5, params: { v: "a" }, origin: "f" }],
  });
});

describe("what is wrong is told with its line", () => {
  test.each([
    ["a: [", "line 1: "],
    ["services: []\nservices: []", "line 2: "],
    ["- a", "line 1: a document is a map"],
    ["---\nservices: []\n---\nservice: x\n", "line 4: unknown key service; known here: services"],
    ["services: x", "services is a list"],
    ["services: [x]", "services[0] is no map"],
    ["services: [{service: ''}]", "services[0].service is the service's name"],
    ["services: [{service: a, version: 1.0}]", "services[0].version is a text; put it in quotes"],
    ["services: [{service: a, hosts: []}]", "unknown key services[0].hosts"],
    ["services: [{service: a, endpoints: {}}]", "services[0].endpoints is a list"],
    ["services: [{service: a, endpoints: [10.0.0.1]}]", 'services[0].endpoints[0] "10.0.0.1" is no'],
    ["services: [{service: a, endpoints: ['a:99999']}]", 'endpoints[0] "a:99999" is no'],
    ["services: [{service: a, endpoints: ['[x]:1']}]", 'endpoints[0] "[x]:1" is no'],
    ["services: [{service: a, endpoints: [7]}]", "endpoints[0] is no host:port and no map"],
    ["services: [{service: a, endpoints: [{address: a, port: 0}]}]", "endpoints[0].port is a number"],
    [
      "services: [{service: a, endpoints: [{address: a, port: 1, weight: .nan}]}]",
      "endpoints[0].weight is a whole number",
    ],
    [
      "services: [{service: a, endpoints: [{address: a, port: 1, weight: -1}]}]",
      "endpoints[0].weight is a whole number",
    ],
    [
      "services: [{service: a, endpoints: [{address: a, port: 1, disabled: no}]}]",
      "endpoints[0].disabled is true or false",
    ],
    ["services: [{service: a, params: {x: []}}]", "services[0].params.x is a text"],
    ["a: &x [1]\nservices: *x", "aliases"],
    ["kind: ServiceEntry", "the ServiceEntry has no host"],
  ])("%s", (text, fault) => {
    expect(read(text).fault).toContain(fault);
  });
});
