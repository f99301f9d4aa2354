import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import type { Application } from "../../../../src/model/application.ts";
import type { World } from "../../../../src/model/entry.ts";
import { printServiceKey, serviceKey } from "../../../../src/model/service.ts";
import { applicationWait, metadataServiceOf } from "../../../../src/registry-sync/present/applications.ts";
import { createPresentContext, type PresentOptions } from "../../../../src/registry-sync/present/context.ts";
import { elsewhereOf } from "../../../../src/registry-sync/present/elsewhere.ts";
import { Spacing } from "../../../../src/registry-sync/present/spacing.ts";
import { applicationOf, instanceAt, offered } from "../../../support/applications.ts";
import { endpoint, entry } from "../../../support/worlds.ts";

const order = serviceKey("com.acme.Order", "g", "1.0.0");
const plain = serviceKey("com.acme.Order");
const addresses = ["10.0.0.9:20880"];

describe("what is led through the proxy", () => {
  test.each<[string, Partial<PresentOptions>, string | undefined]>([
    ["everything by default", {}, undefined],
    ["nothing without a proxy in service", { addresses: [] }, "no proxy is in service"],
    ["an interface by its name", { take: { services: ["com.acme.Order"], applications: ["*"] } }, undefined],
    ["a service by its whole key", { take: { services: ["g/com.acme.Order:1.0.0"], applications: ["*"] } }, undefined],
    ["a package by a star", { take: { services: ["com.acme.*"], applications: ["*"] } }, undefined],
    ["names with a star inside", { take: { services: ["com.*.Order"], applications: ["*"] } }, undefined],
    [
      "not a package that only begins alike",
      { take: { services: ["com.acm.*"], applications: ["*"] } },
      "not taken by the service filter",
    ],
    [
      "not a name whose ends would overlap",
      { take: { services: ["com.acme.Order*acme.Order"], applications: ["*"] } },
      "not taken by the service filter",
    ],
    ["an application by its name", { take: { services: ["*"], applications: ["shop"] } }, undefined],
    [
      "not another application",
      { take: { services: ["*"], applications: ["store"] } },
      "not taken by the application filter",
    ],
    ["nothing while all is bypassed", { bypass: { all: true, services: [] } }, "bypassed"],
    ["not a bypassed interface", { bypass: { all: false, services: ["com.acme.Order"] } }, "bypassed"],
    ["not a bypassed key", { bypass: { all: false, services: ["g/com.acme.Order:1.0.0"] } }, "bypassed"],
    ["not what only another key's bypass names", { bypass: { all: false, services: ["com.acme.Order:2"] } }, undefined],
    [
      "not a service under an unknown rule",
      { unruled: new Map([["com.acme.Order", "a script router"]]) },
      "a script router",
    ],
    ["a service that the proxy has been told of", { served: new Set(["g/com.acme.Order:1.0.0"]) }, undefined],
    ["not one that it has not", { served: new Set(["com.acme.Order"]) }, "the proxy has not been told of it yet"],
  ])("%s", (_, options, reason) => {
    expect(createPresentContext({ addresses, ...options }).notLed(order, "shop", "dubbo")?.reason).toBe(reason);
  });

  test("a rule that the proxy does not apply is worth a finding, a filter is not", () => {
    const ruled = createPresentContext({ addresses, unruled: new Map([["com.acme.Order", "x"]]) });
    const filtered = createPresentContext({ addresses, take: { services: [], applications: [] } });
    expect(ruled.notLed(plain, "shop", "dubbo")?.finding).toBe(true);
    expect(filtered.notLed(plain, "shop", "dubbo")?.finding).toBe(false);
  });

  test.each<[string, Partial<PresentOptions>, string, string | undefined, boolean | undefined]>([
    ["Triple where its proxies serve", { triAddresses: ["10.0.0.9:50051"] }, "tri", undefined, undefined],
    ["not Triple while none of them does", { triAddresses: [] }, "tri", "no proxy is in service", false],
    ["not Triple where it is switched off", {}, "tri", "tri:// is not a protocol that is led through", true],
    ["nothing else", { triAddresses: ["a:1"] }, "rest", "rest:// is not a protocol that is led through", true],
    [
      "not Dubbo2 while only Triple is served",
      { addresses: [], triAddresses: ["a:1"] },
      "dubbo",
      "no proxy is in service",
      false,
    ],
  ])("%s, by its protocol", (_, options, protocol, reason, finding) => {
    const not = createPresentContext({ addresses, ...options }).notLed(order, "shop", protocol);
    expect([not?.reason, not?.finding]).toEqual([reason, finding]);
  });

  test("a pattern of many stars is matched in a time that does not explode", () => {
    const services = ["*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b"];
    const context = createPresentContext({ addresses, take: { services, applications: ["*"] } });
    const before = performance.now();
    expect(context.notLed(serviceKey("a".repeat(50_000)), "shop", "dubbo")).toBeDefined();
    expect(performance.now() - before).toBeLessThan(500);
  });
});

describe("a router", () => {
  const world = {
    name: "zk",
    entries: [
      {
        host: "h",
        service: order,
        endpoints: [{ address: "10.0.0.2", port: 20880, protocol: "dubbo", params: { application: "shop" } }],
      },
    ],
    consumers: [],
    findings: [],
  } as unknown as World;
  const routers = { kind: "routers", path: "/dubbo/com.acme.Order/routers", name: "com.acme.Order" } as const;
  const rules = { kind: "rules", path: "/dubbo/config/dubbo", name: "" } as const;
  const node = encodeURIComponent("route://0.0.0.0/com.acme.Order?group=g&version=1.0.0");
  const hides = (options: Partial<PresentOptions>) => {
    const context = createPresentContext({ addresses, world, ...options });
    return [context.hidesRouter(routers, node), context.hidesRouter(rules, "com.acme.Order:1.0.0:g.condition-router")];
  };

  test.each<[string, Partial<PresentOptions>, boolean]>([
    ["is hidden while its service is led", {}, true],
    ["is shown where its service passes", { unruled: new Map([["g/com.acme.Order:1.0.0", "a router"]]) }, false],
    [
      "is hidden where its service passes, but was led until now",
      { unruled: new Map([["g/com.acme.Order:1.0.0", "a router"]]), wasLed: (key) => key === "g/com.acme.Order:1.0.0" },
      true,
    ],
    ["is shown without a proxy in service", { addresses: [] }, false],
  ])("%s", (_, options, hidden) => {
    expect(hides(options)).toEqual([hidden, hidden]);
  });

  test("of a service of Triple providers alone is hidden while Triple is carried", () => {
    const [{ endpoints, ...entry }] = world.entries as [World["entries"][number]];
    const triple = {
      ...world,
      entries: [{ ...entry, endpoints: endpoints.map((one) => ({ ...one, protocol: "tri" })) }],
    };
    const tri = { world: triple, triAddresses: ["10.0.0.9:50051"] };
    expect([hides(tri), hides({ world: triple })]).toEqual([
      [true, true],
      [false, false],
    ]);
  });

  test("of another service, and what is no router, is shown", () => {
    const context = createPresentContext({ addresses, world });
    expect(context.hidesRouter(routers, encodeURIComponent("route://0.0.0.0/com.acme.Order?group=h"))).toBe(false);
    expect(context.hidesRouter(rules, "com.acme.Order:1.0.0:g.configurators")).toBe(false);
    expect([...context.led]).toEqual(["g/com.acme.Order:1.0.0"]);
  });
});

describe("a service that speaks HTTP", () => {
  const orders = { group: "", interface: "orders", version: "" };
  const httpAddresses = new Map([["orders", "10.0.0.9:31007"]]);

  test.each<[string, Partial<PresentOptions>, string | undefined]>([
    ["has the address of its port at the proxy", {}, "10.0.0.9:31007"],
    ["has none without a port", { httpAddresses: new Map() }, undefined],
    ["has none without a proxy in service", { addresses: [] }, undefined],
    ["has none where it is not taken", { take: { services: ["com.*"], applications: ["*"] } }, undefined],
    ["has none where real addresses are asked for", { pass: ["ord*"] }, undefined],
    ["has none before the proxy was told of it", { served: new Set() }, undefined],
    ["is its own application", { take: { services: ["*"], applications: ["orders"] } }, "10.0.0.9:31007"],
  ])("%s", (_, options, address) => {
    const context = createPresentContext({ addresses: ["10.0.0.9:20880"], httpAddresses, ...options });
    expect(context.httpAddressOf(orders)).toBe(address);
    expect(context.notLedHttp(orders) === undefined).toBe(address !== undefined);
  });
});

test("nobody passes unless told", () => {
  const addresses = ["10.0.0.9:20880"];
  expect(createPresentContext({ addresses }).passesClient({ address: "10.0.0.1" })).toBe(false);
  const passesClient = ({ application }: { application?: string }) => application === "admin";
  expect(createPresentContext({ addresses, passesClient }).passesClient({ application: "admin" })).toBe(true);
});

test("an application stays at the proxies while they are told of one more service of it", () => {
  const { applications } = new Spacing(new ManualClock());
  const served = new Set(["a.B", printServiceKey(metadataServiceOf("shop"))]);
  const shown = (names: readonly string[]) => {
    const shop = applicationOf([instanceAt("h:1")], { r1: names.map((name) => offered(name)) });
    const world: World = { name: "zk", entries: [], consumers: [], findings: [], applications: [shop] };
    const context = createPresentContext({ addresses, served, world, applicationsLed: applications });
    const offers = context.application("shop")?.instances[0]?.info.services.map(({ service }) => service.interface);
    return [offers, context.hidesInstance("shop", "h:1")];
  };
  expect(shown(["a.B", "a.C"])).toEqual([undefined, false]);
  expect(shown(["a.B"])).toEqual([["a.B"], true]);
  expect(shown(["a.B", "a.C"])).toEqual([["a.B"], true]);
  served.add("a.C");
  expect(shown(["a.B", "a.C"])).toEqual([["a.B", "a.C"], true]);
});

describe("an instance that is shown as it is", () => {
  const known = { world: worldOf(applicationOf([instanceAt("h:1")], { r1: [offered("a.B")] })) };
  const metadata = printServiceKey(metadataServiceOf("shop"));
  test.each<[string, Partial<PresentOptions>, string, boolean]>([
    ["is waited for while its application is not known", { world: worldOf() }, "h:1", true],
    ["is not where its name is none of Dubbo's", { world: worldOf() }, "2c5d-uuid", false],
    ["is not where nothing is led", { world: worldOf(), bypass: { all: true, services: [] } }, "h:1", false],
    ["is not where no proxy serves", { world: worldOf(), addresses: [] }, "h:1", false],
    ["is not before the registry was read", {}, "h:1", false],
    ["is while its services are asked for", { world: worldOf(applicationOf([instanceAt("h:1")], {})) }, "h:1", true],
    [
      "is not where they cannot be had",
      { world: worldOf(applicationOf([instanceAt("h:1")], {}, ["r1"])) },
      "h:1",
      false,
    ],
    ["is while the proxies do not know them", { ...known, served: new Set([metadata]) }, "h:1", true],
    ["is not once they do", { ...known, served: new Set([metadata, "a.B"]) }, "h:1", false],
    ["is not where they are not taken", { ...known, take: { services: ["x"], applications: ["*"] } }, "h:1", false],
  ])("%s", (_, options, instance, isSoon) => {
    const context = createPresentContext({ addresses, ...options });
    expect(context.isSoon("shop", instance)).toBe(isSoon);
    if (options.world?.applications?.length === 1) expect(context.isSettled(applicationWait("shop"))).toBe(!isSoon);
  });

  test("is settled as services are, once the proxies know them", () => {
    const context = createPresentContext({ addresses, served: new Set(["a.B"]) });
    expect(["a.B", "a.C", applicationWait("shop")].map(context.isSettled)).toEqual([true, false, false]);
    expect(createPresentContext({ addresses }).isSettled("a.C")).toBe(true);
  });
});

function worldOf(...applications: Application[]): World {
  return { name: "zk", entries: [], consumers: [], findings: [], applications };
}

test("services of other registries have applications of their own, named by the mapping of their interface", () => {
  const params = { application: "shop", interface: "a.B" };
  const there = entry("a.B", [endpoint("10.0.0.2", { origin: "nacos", params })]);
  const elsewhere = elsewhereOf([there], "zk", undefined);
  const context = createPresentContext({ addresses, elsewhere, world: worldOf() });
  expect(context.mappedElsewhere("a.B")).toEqual(["shop.trestle"]);
  expect(context.application("shop.trestle")).toBe(context.application("shop.trestle"));
  expect(context.application("shop.trestle")?.instances).toHaveLength(1);
  expect(context.application("shop")).toBeUndefined();
  const broadcast = { service: there.service, address: "10.0.0.3", application: "x", params: { cluster: "broadcast" } };
  const world = { ...worldOf(), consumers: [broadcast] };
  expect(createPresentContext({ addresses, elsewhere, world }).mappedElsewhere("a.B")).toEqual([]);
  expect(createPresentContext({ addresses, elsewhere, served: new Set<string>() }).mappedElsewhere("a.B")).toEqual([]);
  let asked = 0;
  const counted = {
    ...elsewhere,
    providersOf(interfaceName: string) {
      asked++;
      return elsewhere.providersOf(interfaceName);
    },
  };
  const unled = createPresentContext({ addresses, elsewhere: counted, served: new Set<string>() });
  expect(unled.mappedElsewhere("a.B")).toEqual([]);
  const once = asked;
  expect([unled.mappedElsewhere("a.B"), asked]).toEqual([[], once]);
});
