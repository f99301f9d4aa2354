import { expect, test } from "vitest";
import { groupedName, readServiceInfo } from "../../../../../src/codecs/nacos/service-info.ts";
import type { World } from "../../../../../src/model/entry.ts";
import { printServiceKey } from "../../../../../src/model/service.ts";
import { createNacosWorld, type NacosChanges } from "../../../../../src/registry-sync/sources/nacos/world.ts";
import { offered } from "../../../../support/applications.ts";
import { nacosHost } from "../../../../support/fake-nacos-grpc.ts";

const dubbo = (application: string, more: Record<string, string> = {}) => ({
  ...{ protocol: "dubbo", interface: "a.B", path: "a.B", side: "provider", category: "providers", application },
  ...more,
});
const info = (name: string, hosts: readonly object[], groupName = "DEFAULT_GROUP") =>
  readServiceInfo({ name, groupName, hosts }, 1_000)!.info;
const services = (
  ...list: readonly [name: string, hosts: readonly object[] | undefined, group?: string][]
): NacosChanges => ({
  services: new Map(
    list.map(([name, hosts, group = "DEFAULT_GROUP"]) => [groupedName(group, name), hosts && info(name, hosts, group)]),
  ),
});
const shown = ({ entries }: World) =>
  Object.fromEntries(
    entries.map(({ service, endpoints }) => [
      printServiceKey(service),
      endpoints.map((one) => `${one.protocol}://${one.address}:${one.port} ${one.weight}${one.disabled ? " off" : ""}`),
    ]),
  );

test("providers of Dubbo and services of others are entries, each as its registry's endpoints", () => {
  const world = createNacosWorld({ name: "n" }).update(
    services(
      [
        "providers:a.B:1.0.0:g",
        [nacosHost("10.0.0.1", 20880, dubbo("p", { version: "1.0.0", group: "g" }), { weight: 0.5 })],
      ],
      ["providers:a.B::", [nacosHost("10.0.0.2", 20880, dubbo("p"), { healthy: false })]],
      ["order", [nacosHost("10.0.0.3", 8080)]],
      ["order", [nacosHost("10.0.0.4", 8080)], "G1"],
      ["configurators:a.B::", [nacosHost("10.0.0.5", 1)]],
    ),
  );
  expect(shown(world)).toEqual({
    "a.B": ["dubbo://10.0.0.2:20880 100 off"],
    "g/a.B:1.0.0": ["dubbo://10.0.0.1:20880 50"],
    order: ["http://10.0.0.3:8080 100"],
    "G1/order": ["http://10.0.0.4:8080 100"],
  });
  expect(world.entries.every(({ endpoints }) => endpoints[0]!.origin === "n")).toBe(true);
});

test("an interface that is named as a service and its group takes nobody's place", () => {
  const world = createNacosWorld({ name: "n" });
  world.update(services(["order", [nacosHost("10.0.0.3", 8080)]]));
  const name = "order DEFAULT_GROUP";
  const host = nacosHost("10.0.0.1", 20880, dubbo("p", { interface: name, path: name }));
  expect(shown(world.update(services([`providers:${name}::`, [host]])))).toMatchObject({
    order: ["http://10.0.0.3:8080 100"],
  });
});

test("a service in two groups of Nacos is one service, and so is one under its older name", () => {
  const world = createNacosWorld({ name: "n" }).update(
    services(
      ["providers:a.B:1.0.0:", [nacosHost("10.0.0.1", 20880, dubbo("p", { version: "1.0.0" }))]],
      ["providers:a.B:1.0.0", [nacosHost("10.0.0.1", 20880, dubbo("p", { version: "1.0.0" }))]],
      ["providers:a.B:1.0.0:", [nacosHost("10.0.0.2", 20880, dubbo("p", { version: "1.0.0" }))], "G1"],
    ),
  );
  expect(shown(world)).toEqual({ "a.B:1.0.0": ["dubbo://10.0.0.1:20880 100", "dubbo://10.0.0.2:20880 100"] });
});

test("two protocols of one interface in one service are two endpoints", () => {
  const hosts = [
    nacosHost("10.0.0.1", 20880, dubbo("p")),
    nacosHost("10.0.0.1", 50051, dubbo("p", { protocol: "tri" })),
  ];
  const world = createNacosWorld({ name: "n", protocols: ["dubbo", "tri"] }).update(
    services(["providers:a.B::", hosts]),
  );
  expect(shown(world)).toEqual({ "a.B": ["dubbo://10.0.0.1:20880 100", "tri://10.0.0.1:50051 100"] });
});

test("consumers are known by what they registered", () => {
  const consumer = {
    application: "shop",
    interface: "a.B",
    category: "consumers",
    protocol: "consumer",
    note: "a&b=c",
  };
  const world = createNacosWorld({ name: "n" }).update(
    services(["consumers:a.B::", [nacosHost("10.0.0.7", 0, consumer)]]),
  );
  expect(world.consumers).toMatchObject([{ service: { interface: "a.B" }, address: "10.0.0.7", application: "shop" }]);
  expect(world.entries).toEqual([]);
});

test("a parameter that looks like more parameters is one", () => {
  const metadata = dubbo("p", { note: "x&disabled=true&weight=7" });
  const world = createNacosWorld({ name: "n" }).update(
    services(["providers:a.B::", [nacosHost("a", 20880, metadata)]]),
  );
  expect(shown(world)).toEqual({ "a.B": ["dubbo://a:20880 100"] });
});

test("what says the same changes nothing, and a change leaves the others' objects as they are", () => {
  const state = createNacosWorld({ name: "n" });
  const a = services(
    ["providers:a.B::", [nacosHost("a", 1, dubbo("p"))]],
    ["x", [nacosHost("x", 1)]],
    ["y", [nacosHost("y", 1)]],
  );
  const first = state.update(a);
  expect(state.update(a)).toBe(first);
  expect(state.update({})).toBe(first);
  expect(state.update(services(["nobody", []], ["providers:none::", []]))).toBe(first);
  const second = state.update(services(["y", [nacosHost("y", 2)]]));
  const entryOf = (world: World, name: string) => world.entries.find(({ service }) => service.interface === name);
  expect(entryOf(second, "a.B")).toBe(entryOf(first, "a.B"));
  expect(entryOf(second, "x")).toBe(entryOf(first, "x"));
  expect(entryOf(second, "y")).not.toBe(entryOf(first, "y"));
});

test("of a service in which one instance changed the other endpoints stay the same objects", () => {
  const state = createNacosWorld({ name: "n" });
  const [one, two] = [nacosHost("a", 1, dubbo("p")), nacosHost("b", 1, dubbo("p"))];
  const before = info("providers:a.B::", [one, two]);
  const after = {
    ...before,
    hosts: [before.hosts[0]!, ...info("x", [nacosHost("b", 1, dubbo("p"), { weight: 2 })]).hosts],
  };
  const key = "DEFAULT_GROUP@@providers:a.B::";
  const [first] = state.update({ services: new Map([[key, before]]) }).entries;
  const [second] = state.update({ services: new Map([[key, after]]) }).entries;
  expect(second!.endpoints[0]).toBe(first!.endpoints[0]);
  expect(second!.endpoints[1]!.weight).toBe(200);
});

test("services without instances, and those that are gone, have no entry", () => {
  const state = createNacosWorld({ name: "n" });
  state.update(services(["providers:a.B::", [nacosHost("a", 1, dubbo("p"))]], ["x", [nacosHost("x", 1)]]));
  expect(shown(state.update(services(["providers:a.B::", []])))).toEqual({ x: ["http://x:1 100"] });
  expect(shown(state.update(services(["x", undefined])))).toEqual({});
});

const rule = (weight: number) =>
  `configVersion: v3.0\nenabled: true\nconfigs:\n- side: provider\n  addresses: [0.0.0.0]\n  parameters: {weight: ${weight}}\n`;

test.each([["p.configurators"], ["a.B::.configurators"], ["a.B:0.0.0:.configurators"]])(
  "dynamic configuration %s sets weights, before or after its providers come, and until it goes",
  (dataId) => {
    const rules = (text: string | undefined) => ({ rules: new Map([[dataId, text]]) });
    const providers = services(["providers:a.B::", [nacosHost("a", 1, dubbo("p"))]]);
    const state = createNacosWorld({ name: "n" });
    state.update(rules(rule(7)));
    expect(shown(state.update(providers))).toEqual({ "a.B": ["dubbo://a:1 7"] });
    expect(shown(state.update(rules(rule(9))))).toEqual({ "a.B": ["dubbo://a:1 9"] });
    expect(shown(state.update(rules(undefined)))).toEqual({ "a.B": ["dubbo://a:1 100"] });
  },
);

test("a service under a router of Dubbo's passes unchanged", () => {
  const state = createNacosWorld({ name: "n" });
  state.update(services(["providers:a.B::", [nacosHost("a", 1, dubbo("p"))]]));
  const { findings } = state.update({ rules: new Map([["p.tag-router", "tags: [{}]\n"]]) });
  expect(findings.map(({ code, at }) => [code, at])).toEqual([["TR0131", "a.B"]]);
});

test("providers at addresses of the proxy, or of nobody, are refused", () => {
  const state = createNacosWorld({ name: "n", isOwnAddress: (address) => address === "10.0.0.9" });
  const hosts = [
    nacosHost("10.0.0.9", 20880, dubbo("p")),
    nacosHost("0.0.0.0", 20880, dubbo("p")),
    nacosHost("a", 0, dubbo("p")),
  ];
  const { entries, findings } = state.update(services(["providers:a.B::", hosts]));
  expect(entries).toEqual([]);
  expect(findings.map(({ code }) => code).sort()).toEqual(["TR0101", "TR0110", "TR0111"]);
});

test("a provider that stands at both levels is one endpoint, as its own URL says; one at application level alone is one too", () => {
  const known = [offered("a.B")];
  const revisions = { services: () => known, failure: () => undefined, follow: () => {} };
  const instance = { "dubbo.metadata.revision": "r1" };
  const state = createNacosWorld({ name: "n", revisions });
  const world = state.update(
    services(
      ["providers:a.B::", [nacosHost("10.0.0.1", 20880, dubbo("shop", { weight: "70" }))]],
      ["shop", [nacosHost("10.0.0.1", 20880, instance), nacosHost("10.0.0.2", 20880, instance, { weight: 2 })]],
    ),
  );
  expect(shown(world)).toEqual({ "a.B": ["dubbo://10.0.0.1:20880 70", "dubbo://10.0.0.2:20880 200"] });
  expect(world.applications?.map(({ name }) => name)).toEqual(["shop"]);
  expect(state.update({ revisions: new Set(["shop"]) })).toBe(world);
  const alone = state.update(services(["providers:a.B::", []]));
  expect(shown(alone)).toEqual({ "a.B": ["dubbo://10.0.0.1:20880 100", "dubbo://10.0.0.2:20880 200"] });
});
