import { expect, test } from "vitest";
import { createEurekaWorld } from "../../../../../src/registry-sync/sources/eureka/world.ts";
import { eurekaInstance, type GivenInstance } from "../../../../support/eureka-documents.ts";

const added = (...given: readonly GivenInstance[]) =>
  given.map((one) => ({ before: undefined, after: eurekaInstance(one) }));

const orders = { app: "orders", host: "10.0.0.1", port: 8080 };

test("instances become the service that they are looked up by", () => {
  const world = createEurekaWorld({ name: "e" }).update(added({ ...orders, host: "10.0.0.2" }, orders));
  expect(world).toMatchObject({ name: "e", consumers: [], findings: [] });
  expect(world.entries).toEqual([
    {
      host: "orders",
      service: { interface: "orders", group: "", version: "" },
      endpoints: ["10.0.0.1", "10.0.0.2"].map((address) => ({
        ...{ address, port: 8080, protocol: "http", weight: 100, origin: "e", params: { "management.port": "8080" } },
        ...{ startedAtMs: 0, warmupMs: 0, tag: "", disabled: false, token: "", payloadBytes: 0 },
      })),
    },
  ]);
});

test.each<readonly [string, GivenInstance["raw"], object | undefined]>([
  ["that is not UP", { status: "DOWN" }, { disabled: true }],
  ["that an operator took out", { overriddenStatus: "OUT_OF_SERVICE" }, { disabled: true }],
  ["with a secure port", { securePort: { $: 8443, "@enabled": "true" } }, { protocol: "https", port: 8443 }],
  ["with a host name", { hostName: "orders-1.example" }, { address: "orders-1.example" }],
  [
    "with a zone of its data centre",
    { dataCenterInfo: { metadata: { "availability-zone": "z9" } } },
    { params: { zone: "z9" } },
  ],
  ["without a zone", {}, { params: { zone: "z0" } }],
  ["with a zone in its metadata", { metadata: { zone: "z1" } }, { params: { zone: "z1" } }],
  ["without a port", { port: { $: 0 } }, undefined],
  ["with a host that cannot be", { hostName: "a b/c" }, undefined],
  ["of the proxy", { hostName: "10.0.0.9" }, undefined],
  ["at any address", { hostName: "0.0.0.0" }, undefined],
])("an instance %s", (_, raw, expected) => {
  const options = { name: "e", zone: "z0", isOwnAddress: (address: string) => address === "10.0.0.9" };
  const world = createEurekaWorld(options).update(added({ ...orders, raw: raw ?? {} }));
  if (expected === undefined) expect([world.entries, world.findings.length]).toEqual([[], 1]);
  else expect(world.entries[0]!.endpoints[0]).toMatchObject(expected);
});

test("what Dubbo itself registered is no HTTP service, and is told; an application that says Dubbo's ports beside its own is one", () => {
  const said = { "dubbo.metadata.revision": "0a1b", "dubbo.endpoints": '[{"port":20880,"protocol":"dubbo"}]' };
  const world = createEurekaWorld({ name: "e" }).update(
    added(
      { app: "shop", host: "10.0.0.1", port: 20_880, raw: { metadata: said } },
      { app: "bare", host: "10.0.0.2", port: 20_880, raw: { metadata: { "dubbo.metadata.revision": "0" } } },
      { app: "both", host: "10.0.0.3", port: 20_880, raw: { metadata: said } },
      { app: "both", host: "10.0.0.3", port: 8080, raw: { metadata: said } },
    ),
  );
  expect(world.entries.map(({ host, endpoints }) => [host, endpoints.map(({ port }) => port)])).toEqual([
    ["both", [8080]],
  ]);
  expect(world.findings.map(({ code, at }) => [code, at.split("/")[0]])).toEqual([
    ["TR0122", "BARE"],
    ["TR0122", "BOTH"],
    ["TR0122", "SHOP"],
  ]);
});

test("an instance with several names is of several services, one without any of its application", () => {
  const world = createEurekaWorld({ name: "e" }).update(
    added(
      { ...orders, raw: { vipAddress: "a,B", secureVipAddress: null } },
      { app: "Plain", host: "h", port: 1, raw: { vipAddress: null, secureVipAddress: null } },
    ),
  );
  expect(world.entries.map(({ service }) => service.interface)).toEqual(["a", "B", "plain"]);
});

test("names that differ in case alone are one service", () => {
  const world = createEurekaWorld({ name: "e" }).update(
    added({ ...orders, raw: { vipAddress: "ORDERS" } }, { ...orders, host: "10.0.0.2" }),
  );
  expect(world.entries.map(({ service, endpoints }) => [service.interface, endpoints.length])).toEqual([["orders", 2]]);
});

test("of two instances at one address the one that takes calls counts", () => {
  const twice = { ...orders, raw: { instanceId: "other" } };
  for (const status of [
    ["UP", "DOWN"],
    ["DOWN", "UP"],
  ]) {
    const world = createEurekaWorld({ name: "e" }).update(
      added({ ...orders, status: status[0]! }, { ...twice, status: status[1]! }),
    );
    expect(world.entries[0]!.endpoints.map(({ disabled }) => disabled)).toEqual([false]);
  }
});

test.each<readonly [string, GivenInstance["raw"], GivenInstance["raw"]]>([
  ["began later", { instanceId: "b", lastDirtyTimestamp: "5" }, { instanceId: "a", lastDirtyTimestamp: "4" }],
  ["is first by its id where both began at once", { instanceId: "a" }, { instanceId: "b" }],
])("of two UP instances at one address the one counts that %s, whichever came first", (_, first, second) => {
  const counts = { ...orders, raw: { ...first, metadata: { is: "it" } } };
  const other = { ...orders, raw: { ...second, metadata: { is: "not" } } };
  for (const both of [
    [counts, other],
    [other, counts],
  ]) {
    const world = createEurekaWorld({ name: "e" }).update(added(...both));
    expect(world.entries[0]!.endpoints.map(({ params }) => params)).toEqual([{ is: "it" }]);
  }
});

test("what does not change keeps its identity", () => {
  const state = createEurekaWorld({ name: "e" });
  const other = { app: "stock", host: "10.0.0.3", port: 1 };
  const first = state.update(added(orders, { ...orders, host: "10.0.0.2" }, other));
  expect(state.update([])).toBe(first);
  const before = eurekaInstance(orders);
  expect(state.update([{ before, after: { ...before, lastDirtyMs: 5 } }])).toBe(first);
  const second = state.update([{ before, after: { ...before, status: "DOWN" } }]);
  expect(second.entries[1]).toBe(first.entries[1]);
  expect(second.entries[0]!.endpoints[1]).toBe(first.entries[0]!.endpoints[1]);
  expect(second.entries[0]!.endpoints[0]).toMatchObject({ disabled: true });
});

test("a service whose last instance went is gone", () => {
  const state = createEurekaWorld({ name: "e" });
  state.update(added(orders));
  expect(state.update([{ before: eurekaInstance(orders), after: undefined }]).entries).toEqual([]);
});

test("a thousand unusable instances are ten findings", () => {
  const many = Array.from({ length: 1000 }, (_, i) => ({ ...orders, raw: { instanceId: `i${i}`, port: { $: 0 } } }));
  expect(createEurekaWorld({ name: "e" }).update(added(...many)).findings).toHaveLength(10);
});
