import { expect, test } from "vitest";
import { printServiceKey, serviceKey } from "../../../../src/model/service.ts";
import type { HttpElsewhere } from "../../../../src/registry-sync/present/context.ts";
import {
  type EurekaContext,
  presentEureka,
  realList,
  type ShownList,
  withOwn,
} from "../../../../src/registry-sync/present/eureka.ts";
import type { HttpService } from "../../../../src/registry-sync/present/http-services.ts";
import { applicationsDocument, type GivenInstance } from "../../../support/eureka-documents.ts";

function context(
  led: Record<string, string>,
  httpElsewhere: readonly HttpElsewhere[] = [],
  held: Readonly<Record<string, HttpService>> = {},
  isHolding = false,
): EurekaContext {
  const httpAddressOf: EurekaContext["httpAddressOf"] = (service) => led[printServiceKey(service)];
  const heldOf = { httpNames: Object.keys(held), httpServiceOf: (name: string) => held[name] };
  return { httpAddressOf, httpElsewhere, isHolding, namesAsHosts: false, ...heldOf };
}

const lines = ({ instances }: ShownList) =>
  [...instances].map(([key, { status, raw }]) => {
    const port = raw["port"] as { $: number };
    return `${key} ${raw["vipAddress"]} ${raw["hostName"]}:${port.$} ${status}`;
  });

const given: readonly GivenInstance[] = [
  { app: "orders", host: "10.0.0.1", port: 8080 },
  { app: "orders", host: "10.0.0.2", port: 8080, status: "DOWN" },
  { app: "stock", host: "10.0.0.3", port: 8081 },
];
const { applications } = applicationsDocument(given);

test("a service that is led is one instance at its port of the proxy, others are as they are", () => {
  const list = presentEureka(applications, context({ orders: "10.0.0.9:31000" }));
  expect(lines(list)).toEqual([
    "ORDERS/trestle:orders orders 10.0.0.9:31000 UP",
    "STOCK/10.0.0.3:stock:8081 stock 10.0.0.3:8081 UP",
  ]);
  expect([...list.hidden.keys()]).toEqual(["ORDERS/10.0.0.1:orders:8080", "ORDERS/10.0.0.2:orders:8080"]);
  expect(list.instances.get("STOCK/10.0.0.3:stock:8081")!.raw).toBe(applications[1]!.instances[0]);
});

test("without services that are led the list is the registry's", () => {
  expect(lines(presentEureka(applications, context({})))).toEqual(lines(realList(applications)));
});

test("an address of version 6 stands without brackets", () => {
  const list = presentEureka(applications, context({ orders: "[::1]:31000" }));
  expect(lines(list)[0]).toBe("ORDERS/trestle:orders orders ::1:31000 UP");
});

test("what a registry that was started anew does not know yet is shown as long as the guard holds it and it is led", () => {
  const held = {
    orders: { metadata: { v: "1", "management.port": "9000" }, isUp: true },
    Stock: { metadata: {}, isUp: true },
    mail: { metadata: {}, isUp: false },
    real: { metadata: {}, isUp: true },
  };
  const led = { orders: "10.0.0.9:31000", stock: "10.0.0.9:31001", mail: "10.0.0.9:31002" };
  const shown = presentEureka(applications.slice(1), context(led, [], held, true));
  expect(lines(shown)).toEqual([
    "STOCK/trestle:stock stock 10.0.0.9:31001 UP",
    "ORDERS/trestle:orders orders 10.0.0.9:31000 UP",
    "MAIL/trestle:mail mail 10.0.0.9:31002 DOWN",
  ]);
  expect(shown.instances.get("ORDERS/trestle:orders")!.raw["metadata"]).toEqual({ v: "1" });
  expect(lines(presentEureka([], context({}, [], held, true)))).toEqual([]);
  expect(lines(presentEureka([], context({ mail: led.mail }, [], held)))).toEqual([lines(shown)[2]]);
  expect(lines(presentEureka(applications.slice(1), context(led, [], held)))).toEqual([lines(shown)[0]]);
});

test("a service is led by the name that the mesh knows, whatever the instances that are listed now call it", () => {
  const known = { orders: { metadata: {}, isUp: true } };
  const list = applicationsDocument([{ app: "orders", host: "h", port: 1, raw: { vipAddress: "ORDERS" } }]);
  expect(lines(presentEureka(list.applications, context({ orders: "10.0.0.9:31000" }, [], known)))).toEqual([
    "ORDERS/trestle:orders orders 10.0.0.9:31000 UP",
  ]);
});

test("names as hosts", () => {
  const list = presentEureka(applications, { ...context({ orders: "10.0.0.9:31000" }), namesAsHosts: true });
  expect(lines(list)[0]).toBe("ORDERS/trestle:orders orders orders:31000 UP");
});

test("an instance of two services, one of them led, stays for the other", () => {
  const both = applicationsDocument([
    { app: "orders", host: "10.0.0.1", port: 8080, raw: { vipAddress: "Orders,reports", secureVipAddress: "orders" } },
  ]);
  const list = presentEureka(both.applications, context({ Orders: "10.0.0.9:31000" }));
  expect(lines(list)).toEqual([
    "ORDERS/10.0.0.1:orders:8080 reports 10.0.0.1:8080 UP",
    "ORDERS/trestle:Orders Orders 10.0.0.9:31000 UP",
  ]);
});

test("an instance of two services that are both led is two instances at two ports", () => {
  const both = applicationsDocument([
    { app: "x", host: "h", port: 1, raw: { vipAddress: "a,b", secureVipAddress: null } },
  ]);
  const list = presentEureka(both.applications, context({ a: "p:1", b: "p:2" }));
  expect(lines(list)).toEqual(["X/trestle:a a p:1 UP", "X/trestle:b b p:2 UP"]);
});

test("one name in two applications is one instance in each", () => {
  const two = applicationsDocument([
    { app: "x", host: "h", port: 1, raw: { vipAddress: "a", secureVipAddress: null } },
    { app: "y", host: "h", port: 2, raw: { vipAddress: "A", secureVipAddress: null } },
  ]);
  expect(lines(presentEureka(two.applications, context({ a: "p:1" })))).toEqual([
    "X/trestle:a a p:1 UP",
    "Y/trestle:a a p:1 UP",
  ]);
});

function elsewhere(group: string, name: string, isUp = true): HttpElsewhere {
  return { service: serviceKey(name, group), metadata: { "trestle.from": "nacos" }, isUp, address: "10.0.0.9:31009" };
}

test("what other registries hold is listed beside, but under no name that the registry has", () => {
  const others = [elsewhere("", "pay"), elsewhere("", "Stock"), elsewhere("g", "pay"), elsewhere("g", "ship", false)];
  const list = presentEureka(applications, context({}, others));
  expect(lines(list).slice(3)).toEqual([
    "PAY/trestle:pay pay 10.0.0.9:31009 UP",
    "SHIP/trestle:ship ship 10.0.0.9:31009 DOWN",
  ]);
});

test("an application finds itself at the proxy, by its own id, in the place of what stands for its service", () => {
  const list = withOwn(presentEureka(applications, context({ orders: "10.0.0.9:31000" })), [
    "ORDERS/10.0.0.1:orders:8080",
  ]);
  expect(lines(list).sort()).toEqual([
    "ORDERS/10.0.0.1:orders:8080 orders 10.0.0.9:31000 UP",
    "STOCK/10.0.0.3:stock:8081 stock 10.0.0.3:8081 UP",
  ]);
});

test("one that is not UP finds itself beside what stands for its service; one that is unknown changes nothing", () => {
  const base = presentEureka(applications, context({ orders: "10.0.0.9:31000" }));
  expect(lines(withOwn(base, ["ORDERS/10.0.0.2:orders:8080", "X/y"]))).toContain(
    "ORDERS/10.0.0.2:orders:8080 orders 10.0.0.9:31000 DOWN",
  );
  expect(withOwn(base, ["ORDERS/10.0.0.2:orders:8080"]).instances.has("ORDERS/trestle:orders")).toBe(true);
  expect(lines(withOwn(base, ["X/y"]))).toEqual(lines(base));
});

test("a list is worked out anew where a context says something else of it, and only there", () => {
  const led = presentEureka(applications, context({ orders: "10.0.0.9:31000" }));
  expect(presentEureka(applications, context({ orders: "10.0.0.9:31000", other: "10.0.0.9:31001" }))).toBe(led);
  for (const next of [
    context({ orders: "10.0.0.9:31005" }),
    context({}),
    context({ orders: "10.0.0.9:31000" }, [elsewhere("", "pay")]),
    { ...context({ orders: "10.0.0.9:31000" }), namesAsHosts: true },
    { ...context({ orders: "10.0.0.9:31000" }), isHolding: true },
  ]) {
    const fresh = presentEureka(applicationsDocument(given).applications, next);
    expect(presentEureka(applications, next).instances).toEqual(fresh.instances);
    expect(presentEureka(applications, context({ orders: "10.0.0.9:31000" })).instances).toEqual(led.instances);
  }
});
