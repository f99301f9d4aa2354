import { expect, test } from "vitest";
import type { NacosBody } from "../../../../src/codecs/nacos/body.ts";
import { applicationWait } from "../../../../src/registry-sync/present/applications.ts";
import { createPresentContext, type PresentOptions } from "../../../../src/registry-sync/present/context.ts";
import {
  hostsOf,
  type NacosQuestion,
  presentNacosHosts,
  springServiceKey,
  withHosts,
} from "../../../../src/registry-sync/present/nacos.ts";
import { hostOf } from "../../../support/nacos-link.ts";

const HTTP = "10.0.0.9:31000";
const DUBBO = "10.0.0.9:20880";

function show(
  hosts: readonly unknown[],
  question: Partial<NacosQuestion>,
  options: Partial<PresentOptions> = {},
): readonly NacosBody[] {
  const context = createPresentContext({
    addresses: [DUBBO],
    httpAddresses: new Map([
      ["orders", HTTP],
      ["G/orders", "10.0.0.9:31001"],
    ]),
    ...options,
  });
  const asked = { groupName: "DEFAULT_GROUP", serviceName: "orders", clusters: "", ownCluster: "", ...question };
  return presentNacosHosts(hosts, asked, context).hosts as readonly NacosBody[];
}

function provider(address: string, params: Readonly<Record<string, string>> = {}): NacosBody {
  const protocol = params["protocol"] ?? "dubbo";
  return hostOf(address, {
    ...{
      interface: "com.acme.Order",
      application: "shop",
      version: "1.0.0",
      group: "g",
      methods: "a,b",
      side: "provider",
    },
    ...{ path: "com.acme.Order", category: "providers", timestamp: "1700000000000", ...params, protocol },
  });
}

const PROVIDERS = { serviceName: "providers:com.acme.Order:1.0.0:g" };
const FACTS = ["ip", "port", "healthy", "enabled", "clusterName", "instanceId"] as const;
const facts = (host: NacosBody | undefined) => FACTS.map((fact) => host?.[fact]);

test("a service of Spring Cloud is one instance at its port of the proxy, with what all agree on", () => {
  const shown = show(
    [
      hostOf("10.0.0.1:80", { version: "v1", zone: "a", secure: "false", "preserved.register.source": "SPRING_CLOUD" }),
      hostOf("10.0.0.2:80", { version: "v2", zone: "a", secure: "false", "preserved.register.source": "SPRING_CLOUD" }),
    ],
    {},
  );
  expect(shown).toHaveLength(1);
  expect(facts(shown[0])).toEqual([
    "10.0.0.9",
    31_000,
    true,
    true,
    "DEFAULT",
    "10.0.0.9#31000#DEFAULT#DEFAULT_GROUP@@orders",
  ]);
  expect(shown[0]?.["metadata"]).toEqual({ zone: "a", "preserved.register.source": "SPRING_CLOUD" });
  expect(shown[0]).toMatchObject({ weight: 1, ephemeral: true, serviceName: "DEFAULT_GROUP@@orders" });
});

test("where applications resolve names a service's is its host, and that of a group as well", () => {
  const hosts = [hostOf("10.0.0.1:80", {})];
  expect(facts(show(hosts, {}, { namesAsHosts: true })[0]).slice(0, 2)).toEqual(["orders", 31_000]);
  expect(facts(show(hosts, { groupName: "G" }, { namesAsHosts: true })[0]).slice(0, 2)).toEqual(["orders", 31_001]);
});

test.each([
  ["one of two is healthy", [{ healthy: false }, {}], true, true],
  ["none is healthy", [{ healthy: false }, { healthy: false }], false, true],
  ["all are taken out", [{ enabled: false }], true, false],
  ["one healthy and taken out, one ill", [{ enabled: false }, { healthy: false }], true, true],
])("%s", (_name, hosts, healthy, enabled) => {
  const [host] = show(
    hosts.map((more, i) => hostOf(`10.0.0.${i}:80`, {}, more)),
    {},
  );
  expect([host?.["healthy"], host?.["enabled"]]).toEqual([healthy, enabled]);
});

test.each([
  ["its own cluster", "", "HZ", "HZ"],
  ["its own among those asked for", "SH,HZ", "HZ", "HZ"],
  ["the first of those asked for", "SH,BJ", "HZ", "SH"],
  ["the default one", "", "", "DEFAULT"],
])("the consumer is shown the proxy in %s", (_name, clusters, ownCluster, expected) => {
  expect(show([hostOf("10.0.0.1:80")], { clusters, ownCluster })[0]?.["clusterName"]).toBe(expected);
});

test.each([
  ["an empty list stays empty", [], {}, {}, []],
  ["a service that is not led", [hostOf("10.0.0.1:80")], { serviceName: "other" }, {}, ["10.0.0.1"]],
  ["a service of another group has its own port", [hostOf("10.0.0.1:80")], { groupName: "G" }, {}, ["10.0.0.9"]],
  ["a service that is bypassed", [hostOf("10.0.0.1:80")], {}, { bypass: { all: true, services: [] } }, ["10.0.0.1"]],
  ["what is no instance", [7, null, "x"], {}, {}, [undefined, undefined, undefined]],
  [
    "instances of a Dubbo application keep their place beside HTTP ones",
    [hostOf("10.0.0.1:20880", { "dubbo.metadata.revision": "ab" }), hostOf("10.0.0.2:80")],
    {},
    {},
    ["10.0.0.1", "10.0.0.9"],
  ],
] as const)("%s", (_name, hosts, question, options, expected) => {
  expect(show(hosts, question, options).map((host) => host?.["ip"])).toEqual(expected);
});

test("what is not changed is the same list", () => {
  const hosts = [hostOf("10.0.0.1:80")];
  expect(show(hosts, { serviceName: "other" })).toBe(hosts);
  const consumers = [provider("10.0.0.1:0")];
  expect(show(consumers, { serviceName: "consumers:com.acme.Order:1.0.0:g" })).toBe(consumers);
});

test("providers of Dubbo are one instance for each proxy address, with merged metadata", () => {
  const shown = show(
    [
      provider("10.0.0.1:20880", { methods: "a,b", weight: "5" }),
      provider("10.0.0.2:20880", { methods: "b,c", pid: "9" }),
    ],
    PROVIDERS,
    { addresses: [DUBBO, "10.0.0.9:20881"] },
  );
  expect(shown.map(({ ip, port }) => `${String(ip)}:${String(port)}`)).toEqual([DUBBO, "10.0.0.9:20881"]);
  expect(shown[0]?.["metadata"]).toEqual({
    ...{ application: "shop", category: "providers", group: "g", interface: "com.acme.Order", methods: "a,b,c" },
    ...{
      path: "com.acme.Order",
      protocol: "dubbo",
      side: "provider",
      version: "1.0.0",
      "prefer.serialization": undefined,
    },
  });
  expect(shown[0]?.["instanceId"]).toBe("10.0.0.9#20880#DEFAULT#DEFAULT_GROUP@@providers:com.acme.Order:1.0.0:g");
});

test("an application of Dubbo that is led is shown at the proxy; one that interface level stands for is not shown", () => {
  const hosts = [
    hostOf("10.0.0.1:20880", { "dubbo.metadata.revision": "ab" }),
    hostOf("10.0.0.2:20880", { "dubbo.metadata.revision": "0" }),
  ];
  const question = { groupName: "DEFAULT_GROUP", serviceName: "shop", clusters: "", ownCluster: "" };
  const plain = createPresentContext({ addresses: [DUBBO] });
  const metadata = { "dubbo.metadata.revision": "cd" };
  const info = { application: "shop", revision: "cd", services: [] };
  const instances = [{ id: "cd-1", address: "10.0.0.9", port: 20_880, metadata, info }];
  const hides = (id: string) => id === "10.0.0.1:20880";
  const led = { ...plain, application: () => ({ instances, hides }) };
  const shown = presentNacosHosts(hosts, question, led).hosts as readonly NacosBody[];
  expect(shown.map(({ ip, metadata }) => [ip, metadata])).toEqual([
    ["10.0.0.2", { "dubbo.metadata.revision": "0" }],
    ["10.0.0.9", metadata],
  ]);
  const hidden = { ...plain, hidesInstance: (_name: string, id: string) => hides(id) };
  expect(presentNacosHosts(hosts, question, hidden).hosts).toEqual([hosts[1]]);
  expect(presentNacosHosts(hosts, question, plain).hosts).toBe(hosts);
  const news = { ...plain, isSoon: (_name: string, id: string) => hides(id) };
  expect(presentNacosHosts(hosts, question, news)).toMatchObject({ hosts, soon: new Set([applicationWait("shop")]) });
});

test("values that a URL cannot hold come through as they are", () => {
  const shown = show([provider("10.0.0.1:20880", { note: "a&b=c%26 d+e" })], PROVIDERS);
  expect(shown[0]?.["metadata"]).toMatchObject({ note: "a&b=c%26 d+e" });
});

test("providers in a protocol that is not carried stay beside the proxy", () => {
  const shown = show([provider("10.0.0.1:20880"), provider("10.0.0.1:9000", { protocol: "thrift" })], PROVIDERS);
  expect(shown.map(({ ip, port }) => `${String(ip)}:${String(port)}`)).toEqual(["10.0.0.1:9000", DUBBO]);
});

test("a list of providers that is empty stays empty, and one that cannot be read passes", () => {
  expect(show([], PROVIDERS)).toEqual([]);
  const strange = [hostOf("10.0.0.1:20880", { path: "x" })];
  expect(show(strange, PROVIDERS)).toBe(strange);
});

test("services that exist by rules, of this group and version alone", () => {
  const ruled = ["1.0.0", "2.0.0"].map((version) => ({
    service: { interface: "com.acme.Order", group: "g", version },
    methods: ["a"],
  }));
  const shown = show([], PROVIDERS, { ruled });
  expect(shown.map(({ ip }) => ip)).toEqual(["10.0.0.9"]);
  expect(shown[0]?.["metadata"]).toMatchObject({ version: "1.0.0", group: "g", methods: "a" });
});

test("a service's key has the group unless that is the default one", () => {
  expect(springServiceKey("DEFAULT_GROUP", "orders")).toEqual({ interface: "orders", group: "", version: "" });
  expect(springServiceKey("G", "orders")).toEqual({ interface: "orders", group: "G", version: "" });
});

test("an object keeps all but its hosts", () => {
  const info = { name: "x", hosts: [1], more: 2 };
  expect(withHosts(info, info.hosts)).toBe(info);
  expect(withHosts(info, [])).toEqual({ name: "x", hosts: [], more: 2 });
  expect(hostsOf({ hosts: "no" })).toEqual([]);
});
