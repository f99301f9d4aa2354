import { describe, expect, test } from "vitest";
import type { World } from "../../../../src/model/entry.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import { createPresentContext, type PresentOptions } from "../../../../src/registry-sync/present/context.ts";

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
