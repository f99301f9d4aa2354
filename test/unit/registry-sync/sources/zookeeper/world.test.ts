import { describe, expect, test } from "vitest";
import type { ApplicationService } from "../../../../../src/model/application.ts";
import type { World } from "../../../../../src/model/entry.ts";
import { serviceKey } from "../../../../../src/model/service.ts";
import { encodeName } from "../../../../../src/registry-sync/dubbo/url.ts";
import { passedServices } from "../../../../../src/registry-sync/findings.ts";
import type { InterfaceNodes, TreeChanges } from "../../../../../src/registry-sync/sources/zookeeper/tree.ts";
import { createZookeeperWorld } from "../../../../../src/registry-sync/sources/zookeeper/world.ts";
import { recordedTree } from "../../../../support/recorded-tree.ts";

type Nodes = { readonly [K in keyof InterfaceNodes]?: readonly string[] };

function nodes(of: Nodes): InterfaceNodes {
  const encoded = (list: readonly string[] = []) => list.map(encodeName);
  return {
    providers: encoded(of.providers),
    consumers: encoded(of.consumers),
    configurators: encoded(of.configurators),
    routers: encoded(of.routers),
  };
}

function tree(interfaces: Readonly<Record<string, Nodes>>, more: Omit<TreeChanges, "interfaces"> = {}): TreeChanges {
  return { interfaces: new Map(Object.entries(interfaces).map(([name, of]) => [name, nodes(of)])), ...more };
}

function worldOf(of: Nodes, more: Omit<TreeChanges, "interfaces"> = {}): World {
  return createZookeeperWorld({ name: "legacy" }).update(tree({ "a.B": of }, more));
}

const provider = (address: string, query = "") =>
  `dubbo://${address}/a.B?application=shop&interface=a.B${query && `&${query}`}`;
const codes = (world: World) => world.findings.map((one) => one.code);

describe("trees recorded from real peers", () => {
  const rows: readonly (readonly [
    name: string,
    protocol: string | undefined,
    codes: readonly string[],
    consumers: number,
  ])[] = [
    ["zk-2.6.12-interface", "dubbo", [], 1],
    ["zk-2.7.23-interface", "dubbo", [], 1],
    ["zk-2.7.23-service", undefined, ["TR0122"], 0],
    ["zk-2.7.23-service-local", undefined, ["TR0122"], 0],
    ["zk-3.2.18-interface", "dubbo", [], 1],
    ["zk-3.2.18-instance", undefined, ["TR0122", "TR0121"], 1],
    ["zk-3.2.18-all", "dubbo", [], 1],
    ["zk-3.2.18-all-tri", "tri", ["TR0120"], 1],
    ["zk-3.3.6-interface", "dubbo", [], 1],
    ["zk-3.3.6-instance", undefined, ["TR0122", "TR0121"], 1],
    ["zk-3.3.6-all", "dubbo", [], 1],
    ["zk-3.3.6-default", "dubbo", [], 1],
    ["zk-3.3.6-all-remote", "dubbo", [], 1],
    ["zk-3.3.6-all-tri", "tri", ["TR0120"], 1],
    ["zk-3.3.6-all-dubbo+tri", "dubbo", [], 1],
    ["zk-spring-2021.0", undefined, [], 0],
    ["zk-spring-2025.0", undefined, [], 0],
  ];
  test("a protocol that is carried is no finding", () => {
    const both = createZookeeperWorld({ name: "legacy", protocols: ["dubbo", "tri"] });
    expect(codes(both.update(recordedTree("zk-3.3.6-all-tri")))).toEqual([]);
  });

  test.each(rows)("%s", (name, protocol, expected, consumers) => {
    const world = createZookeeperWorld({ name: "legacy" }).update(recordedTree(name));
    expect(codes(world)).toEqual(expected);
    expect(world.consumers.map((one) => [one.address, one.application])).toEqual(
      consumers === 1 ? [["10.77.0.9", "order-consumer"]] : [],
    );
    const service = { interface: "peer.api.OrderService", group: "g", version: "1.0.0" };
    expect(world.entries.map((entry) => [entry.service, entry.endpoints.length])).toEqual(
      protocol ? [[service, 1]] : [],
    );
    if (protocol === undefined) return;
    expect(world.entries[0]?.endpoints[0]).toMatchObject({
      address: "10.77.0.2",
      port: 20880,
      protocol,
      weight: 100,
      origin: "legacy",
    });
    expect(world.entries[0]?.endpoints[0]?.startedAtMs).toBeGreaterThan(1_795_248_000_000);
  });
});

test("one directory with several groups and versions becomes one entry for each", () => {
  const world = worldOf({
    providers: [
      provider("10.0.0.2:20880"),
      provider("10.0.0.1:20880"),
      provider("10.0.0.1:20880", "group=g"),
      provider("10.0.0.1:20880", "version=1.0.0"),
      provider("10.0.0.3:20880", "version=0.0.0"),
      provider("10.0.0.4:20880", "default.version=1.0.0"),
    ],
  });
  expect(world.entries.map((entry) => [entry.host, entry.endpoints.map((one) => one.address)])).toEqual([
    ["a.b", ["10.0.0.1", "10.0.0.2", "10.0.0.3"]],
    ["a.b-1-0-0", ["10.0.0.1", "10.0.0.4"]],
    ["a.b-g", ["10.0.0.1"]],
  ]);
});

test("a simplified registration without interface and methods belongs to its directory", () => {
  const world = worldOf({ providers: ["dubbo://10.0.0.1:20880/a.B?application=shop&release=2.7.23"] });
  expect(world.entries[0]?.service.interface).toBe("a.B");
});

test("of two registrations of one address the later started one counts, in any order", () => {
  const two = [
    provider("10.0.0.1:20880", "timestamp=1795248714229&weight=1"),
    provider("10.0.0.1:20880", "timestamp=1795248714999&weight=2"),
  ];
  for (const providers of [two, [...two].reverse()]) {
    expect(worldOf({ providers }).entries[0]?.endpoints.map((one) => one.weight)).toEqual([2]);
  }
});

describe("a registration that is left out says why", () => {
  const rows: readonly (readonly [name: string, provider: string, code: string, message: string])[] = [
    ["no URL", "10.0.0.1", "TR0101", "node under a.B/providers is left out: url has no protocol"],
    ["no port", "dubbo://10.0.0.1/a.B", "TR0101", "dubbo://10.0.0.1 is no provider's address"],
    ["no provider", "override://10.0.0.1:1/a.B", "TR0101", "override://10.0.0.1:1 is no provider's address"],
    ["another interface", "dubbo://10.0.0.1:1/a.C?interface=a.C", "TR0102", "provider 10.0.0.1:1 says interface a.C"],
    [
      "address for all",
      "dubbo://0.0.0.0:1/a.B",
      "TR0111",
      "provider of a.B registered 0.0.0.0:1; set its host (DUBBO_IP_TO_REGISTRY)",
    ],
  ];
  test.each(rows)("%s", (_name, text, code, message) => {
    const world = worldOf({ providers: [text, provider("10.0.0.2:20880")] });
    expect(world.findings.map((one) => [one.code, one.message])).toEqual([[code, message]]);
    expect(world.entries[0]?.endpoints.map((one) => one.address)).toEqual(["10.0.0.2"]);
  });
});

test("a broken percent escape is left out and told, and so are broken consumers", () => {
  const interfaces = new Map([
    ["a.B", { providers: ["dubbo%3"], consumers: ["%%%"], configurators: ["%"], routers: ["%"] }],
  ]);
  const world = createZookeeperWorld({ name: "legacy" }).update({ interfaces });
  expect(codes(world)).toEqual(["TR0101", "TR0101", "TR0101", "TR0101"]);
  expect(world.entries).toEqual([]);
});

test("a directory of rubbish makes ten findings, not a thousand", () => {
  expect(codes(worldOf({ providers: Array.from({ length: 1_000 }, (_, index) => `rubbish${index}`) }))).toHaveLength(
    10,
  );
});

test("Trestle's own address is refused", () => {
  const world = createZookeeperWorld({
    name: "legacy",
    isOwnAddress: (address, port) => address === "10.77.0.5" && port === 20880,
  }).update(tree({ "a.B": { providers: [provider("10.77.0.5:20880"), provider("10.77.0.5:20999")] } }));
  expect(codes(world)).toEqual(["TR0110"]);
  expect(world.findings[0]?.severity).toBe("error");
  expect(world.entries[0]?.endpoints.map((one) => one.port)).toEqual([20999]);
});

test("empty:// clears and is no fault", () => {
  expect(
    worldOf({ providers: ["empty://0.0.0.0/a.B?category=providers"], routers: ["empty://0.0.0.0/a.B"] }).findings,
  ).toEqual([]);
});

test("other protocols stand in the entry and are told once for each service", () => {
  const tri = (address: string) => `tri://${address}/a.B?application=shop`;
  const world = worldOf({ providers: [tri("10.0.0.1:50051"), tri("10.0.0.2:50051"), provider("10.0.0.1:20880")] });
  expect(world.entries[0]?.endpoints.map((one) => `${one.protocol} ${one.address}`)).toEqual([
    "dubbo 10.0.0.1",
    "tri 10.0.0.1",
    "tri 10.0.0.2",
  ]);
  expect(world.findings.map((one) => one.message)).toEqual([
    "a.B is offered over tri, which is not led through the proxy",
  ]);
});

describe("overrides", () => {
  const override = (address: string, query: string) =>
    `override://${address}/a.B?category=configurators&dynamic=false&enabled=true&${query}`;
  const two = [provider("10.0.0.1:20880"), provider("10.0.0.2:20880")];

  test("weight, tag, disabled and any parameter of one provider", () => {
    const world = worldOf({
      providers: two,
      configurators: [override("10.0.0.1:20880", "weight=7&dubbo.tag=gray&disabled=true&region=hz")],
    });
    expect(world.entries[0]?.endpoints).toMatchObject([
      { weight: 7, tag: "gray", disabled: true, params: { region: "hz", weight: "7" } },
      { weight: 100, tag: "", disabled: false },
    ]);
    expect(world.findings).toEqual([]);
  });

  test("one for a host wins over one for all, whatever the order of the nodes", () => {
    const both = [override("10.0.0.1:20880", "weight=7"), override("0.0.0.0", "weight=3")];
    for (const configurators of [both, [...both].reverse()]) {
      expect(worldOf({ providers: two, configurators }).entries[0]?.endpoints.map((one) => one.weight)).toEqual([7, 3]);
    }
  });

  test("group and version of the service do not move by an override", () => {
    const world = worldOf({
      providers: [provider("10.0.0.1:20880", "group=g")],
      configurators: [override("0.0.0.0", "group=g&weight=7")],
    });
    expect(world.entries.map((entry) => [entry.host, entry.endpoints[0]?.weight])).toEqual([["a.b-g", 7]]);
  });

  test("one for some consumers is left to them, with a finding", () => {
    expect(codes(worldOf({ providers: two, configurators: [override("10.0.0.9", "weight=7")] }))).toEqual(["TR0133"]);
    expect(
      codes(worldOf({ providers: two, configurators: [override("0.0.0.0", "weight=7&application=web")] })),
    ).toEqual(["TR0133"]);
  });

  test("one that matches no provider is told", () => {
    expect(codes(worldOf({ providers: two, configurators: [override("10.0.0.9:20880", "weight=7")] }))).toEqual([
      "TR0134",
    ]);
  });

  test("one that goes gives the registered values back", () => {
    const world = createZookeeperWorld({ name: "legacy" });
    world.update(tree({ "a.B": { providers: two, configurators: [override("0.0.0.0", "weight=7")] } }));
    expect(world.update(tree({ "a.B": { providers: two } })).entries[0]?.endpoints.map((one) => one.weight)).toEqual([
      100, 100,
    ]);
  });
});

describe("services that are not led through the proxy", () => {
  const one = [provider("10.0.0.1:20880", "version=1.0.0")];
  const key = "a.B:1.0.0";

  test("under a legacy router of their version that is no condition", () => {
    const routers = [
      "script://0.0.0.0/a.B?version=1.0.0&category=routers&rule=x",
      "script://0.0.0.0/a.B?version=2.0.0",
    ];
    const world = worldOf({ providers: [...one, provider("10.0.0.1:20880", "version=3.0.0")], routers });
    expect([...passedServices(world.findings).keys()]).toEqual([key]);
    expect(codes(world)).toEqual(["TR0130"]);
  });

  test("but not under a router that is switched off", () => {
    expect(
      codes(worldOf({ providers: one, routers: ["condition://0.0.0.0/a.B?version=1.0.0&enabled=false"] })),
    ).toEqual([]);
  });

  const rules: readonly (readonly [key: string, code: string | undefined])[] = [
    ["a.B:1.0.0:.condition-router", "TR0131"],
    ["a.B:1.0.0.condition-router", "TR0131"],
    ["shop.condition-router", "TR0131"],
    ["shop.script-router", "TR0131"],
    ["shop.MESHAPPRULE", "TR0131"],
    ["web.condition-router", "TR0131"],
    ["web.tag-router", undefined],
    ["a.B:2.0.0:.condition-router", undefined],
    ["other.tag-router", undefined],
    ["shop.configurators", "TR0135"],
  ];
  test.each(rules)("under the config centre's %s: %s", (rule, code) => {
    const consumers = ["consumer://10.0.0.9/a.B?application=web&version=1.0.0&category=consumers"];
    const text = "configVersion: v3.9";
    const world = worldOf({ providers: one, consumers }, { rules: new Map([[rule, text]]) });
    expect(codes(world)).toEqual(code === undefined ? [] : [code]);
    expect(passedServices(world.findings).has(key)).toBe(code === "TR0131");
  });

  test("until the rule goes, and from when it comes", () => {
    const world = createZookeeperWorld({ name: "legacy" });
    expect(codes(world.update(tree({ "a.B": { providers: one } })))).toEqual([]);
    expect(codes(world.update({ rules: new Map([["shop.tag-router", "tags: [{}]"]]) }))).toEqual(["TR0131"]);
    expect(codes(world.update({ rules: new Map([["shop.tag-router", undefined]]) }))).toEqual([]);
  });
});

describe("routers that are applied", () => {
  const one = [provider("10.0.0.1:20880", "version=1.0.0")];
  const consumers = ["consumer://10.0.0.9/a.B?application=web&version=1.0.0&category=consumers"];
  const condition = (then: string) => `conditions: ['=> host = ${then}']`;

  test("stand with the service in Dubbo's order, and it is led", () => {
    const world = worldOf(
      {
        providers: one,
        consumers,
        routers: [
          "condition://0.0.0.0/a.B?version=1.0.0&category=routers&rule=host+%3D+2&priority=5",
          "route://0.0.0.0/a.B?version=1.0.0&router=condition&rule=host+%3D+1",
        ],
      },
      {
        rules: new Map([
          ["web.condition-router", condition("5")],
          ["shop.condition-router", condition("4")],
          ["a.B:1.0.0:.condition-router", condition("3")],
        ]),
      },
    );
    const steps = world.entries[0]?.routing?.steps ?? [];
    expect(steps.map(({ to, application }) => [to[0]?.match[0]?.is?.[0], application])).toEqual([
      ["1", undefined],
      ["2", undefined],
      ["3", undefined],
      ["4", undefined],
      ["5", "web"],
    ]);
    expect(codes(world)).toEqual([]);
  });

  test("come, change and go, and an entry that they do not change is the same", () => {
    const world = createZookeeperWorld({ name: "legacy" });
    const before = world.update(tree({ "a.B": { providers: one } })).entries[0];
    const rules = (text: string | undefined) => world.update({ rules: new Map([["shop.condition-router", text]]) });
    const ruled = rules(condition("3")).entries[0];
    expect(ruled?.routing?.steps).toHaveLength(1);
    expect(rules(`${condition("3")}\nkey: shop`).entries[0]).toBe(ruled);
    const broken = rules("conditions: [");
    expect(broken.entries[0]).toBe(ruled);
    expect(broken.findings).toMatchObject([{ code: "TR0136", at: "/dubbo/config/dubbo/shop.condition-router" }]);
    expect(rules(undefined)).toMatchObject({ entries: [before], findings: [] });
  });

  test("of an application that is not alone are left to consumers", () => {
    const providers = [...one, provider("10.0.0.3:20880", "version=1.0.0&application=other")];
    const world = worldOf({ providers }, { rules: new Map([["shop.condition-router", condition("3")]]) });
    expect([codes(world), world.entries[0]?.routing]).toEqual([["TR0131"], undefined]);
  });
});

describe("a tag rule of the config centre", () => {
  const two = [provider("10.0.0.1:20880", "version=1.0.0"), provider("10.0.0.2:20880", "version=1.0.0")];
  const text =
    "scope: application\nforce: false\nruntime: true\nkey: shop\ntags:\n- name: gray\n  addresses: ['10.0.0.2:20880']\n";
  const rules = new Map([["shop.tag-router", text]]);
  const tagsOf = (world: ReturnType<typeof worldOf>) => world.entries[0]?.endpoints.map(({ tag }) => tag);

  test("gives its providers their tags, and the service is led", () => {
    const world = worldOf({ providers: two }, { rules });
    expect([tagsOf(world), codes(world)]).toEqual([["", "gray"], []]);
  });

  test("comes and goes with the tags", () => {
    const world = createZookeeperWorld({ name: "legacy" });
    world.update(tree({ "a.B": { providers: two } }));
    expect(tagsOf(world.update({ rules }))).toEqual(["", "gray"]);
    expect(tagsOf(world.update({ rules: new Map([["shop.tag-router", undefined]]) }))).toEqual(["", ""]);
  });

  test.each<[name: string, providers: readonly string[]]>([
    ["with a tag of its own", [...two, provider("10.0.0.3:20880", "version=1.0.0&dubbo.tag=blue")]],
    ["of another application", [...two, provider("10.0.0.3:20880", "version=1.0.0&application=other")]],
  ])("is left to consumers beside a provider %s", (_name, providers) => {
    expect(codes(worldOf({ providers }, { rules }))).toEqual(["TR0131"]);
  });
});

describe("dynamic configuration of the config centre", () => {
  const two = [provider("10.0.0.1:20880", "version=1.0.0"), provider("10.0.0.2:20880", "version=1.0.0&weight=7")];
  const config = (parameters: string, more = "") =>
    `enabled: true\nconfigs:\n- {side: provider, ${more}parameters: {${parameters}}}`;
  const weights = (world: World) => world.entries.flatMap(({ endpoints }) => endpoints.map(({ weight }) => weight));

  test.each<[name: string, rules: Readonly<Record<string, string>>, expected: number[]]>([
    ["of the service", { "a.B:1.0.0:.configurators": config("weight: 30") }, [30, 30]],
    ["of the application", { "shop.configurators": config("weight: 30") }, [30, 30]],
    [
      "of the application for one address",
      { "shop.configurators": config("weight: 30", "addresses: ['10.0.0.2:20880'], ") },
      [100, 30],
    ],
    [
      "of the application for another service",
      { "shop.configurators": config("weight: 30", "services: [a.C], ") },
      [100, 7],
    ],
    [
      "of the service wins over the application's",
      { "a.B:1.0.0:.configurators": config("weight: 30"), "shop.configurators": config("weight: 40") },
      [30, 30],
    ],
    ["of another version", { "a.B:2.0.0:.configurators": config("weight: 30") }, [100, 7]],
    ["for consumers", { "shop.configurators": config("weight: 30").replace("provider", "consumer") }, [100, 7]],
    ["that is switched off", { "shop.configurators": config("weight: 30").replace("true", "false") }, [100, 7]],
  ])("sets weights: %s", (_, rules, expected) => {
    const world = worldOf({ providers: two }, { rules: new Map(Object.entries(rules)) });
    expect(weights(world)).toEqual(expected);
  });

  test("takes providers out and gives them tags without a finding", () => {
    const rules = new Map([["shop.configurators", config("disabled: true, dubbo.tag: gray")]]);
    const world = worldOf({ providers: two }, { rules });
    expect(world.entries[0]?.endpoints.map(({ disabled, tag }) => [disabled, tag])).toEqual([
      [true, "gray"],
      [true, "gray"],
    ]);
    expect(world.findings).toEqual([]);
  });

  test("wins over an override", () => {
    const configurators = ["override://0.0.0.0/a.B?group=*&version=*&weight=50"];
    const rules = new Map([["shop.configurators", config("weight: 30")]]);
    expect(weights(worldOf({ providers: two, configurators }, { rules }))).toEqual([30, 30]);
  });

  test("tells what else it sets, and the service is led all the same", () => {
    const rules = new Map([
      ["shop.configurators", "configs: [{side: consumer, parameters: {timeout: 9, loadbalance: random}}]"],
    ]);
    const world = worldOf({ providers: two }, { rules });
    expect(world.findings.map(({ code, message }) => [code, message])).toEqual([
      [
        "TR0135",
        "shop.configurators for a.B:1.0.0 has loadbalance, which nobody applies behind the proxy; write it as a DestinationRule or VirtualService",
      ],
    ]);
    expect(passedServices(world.findings).size).toBe(0);
  });

  test("holds from when it comes until it goes, for providers that come later too", () => {
    const world = createZookeeperWorld({ name: "legacy" });
    const key = "shop.configurators";
    expect(weights(world.update(tree({ "a.B": { providers: two.slice(1) } })))).toEqual([7]);
    expect(weights(world.update({ rules: new Map([[key, config("weight: 30")]]) }))).toEqual([30]);
    expect(weights(world.update(tree({ "a.B": { providers: two } })))).toEqual([30, 30]);
    expect(weights(world.update({ rules: new Map([[key, config("weight: 31")]]) }))).toEqual([31, 31]);
    expect(weights(world.update({ rules: new Map([[key, undefined]]) }))).toEqual([100, 7]);
  });

  test("goes with the first provider of its application, in the same update or a later one", () => {
    const world = createZookeeperWorld({ name: "legacy" });
    const rules = (text: string | undefined) => ({ rules: new Map([["shop.configurators", text]]) });
    expect(weights(world.update(tree({ "a.B": { providers: two } }, rules(config("weight: 30")))))).toEqual([30, 30]);
    expect(weights(world.update(rules(undefined)))).toEqual([100, 7]);
  });
});

test("a broadcast consumer is told once, however many nodes it has; its service is not held back", () => {
  const world = worldOf({
    providers: [provider("10.0.0.1:20880")],
    consumers: [
      "consumer://10.0.0.9/a.B?application=web&cluster=broadcast",
      "consumer://10.0.0.9/a.B?application=web&cluster=broadcast&pid=2",
    ],
  });
  expect(world.findings.map((one) => [one.code, one.at])).toEqual([["TR0132", "consumer 10.0.0.9 of a.B"]]);
  expect(passedServices(world.findings).size).toBe(0);
});

test("consumers keep what they ask for as they say it", () => {
  const world = worldOf({
    consumers: [
      "consumer:///a.B?application=go",
      "consumer://10.0.0.9/a.B?application=web&group=*&version=1.0.0",
      "tri://10.0.0.8/a.B?application=x",
    ],
  });
  expect(world.consumers.map((one) => [one.address, one.application, one.service.group, one.service.version])).toEqual([
    ["", "go", "", ""],
    ["10.0.0.8", "x", "", ""],
    ["10.0.0.9", "web", "*", "1.0.0"],
  ]);
});

describe("application level", () => {
  const instances = new Map([["shop", ["10.0.0.1:20880"]]]);
  const mapping = new Map([["a.B", ["shop"]]]);

  test("an application with instances and no providers is told, and so is its interface", () => {
    const world = worldOf({}, { instances, mapping });
    expect(world.findings.map((one) => [one.code, one.at])).toEqual([
      ["TR0122", "/services/shop"],
      ["TR0121", "a.B"],
    ]);
  });

  test("both findings go when the interface's providers come", () => {
    const world = createZookeeperWorld({ name: "legacy" });
    world.update(tree({}, { instances, mapping }));
    expect(codes(world.update(tree({ "a.B": { providers: [provider("10.0.0.1:20880")] } })))).toEqual([]);
    expect(codes(world.update(tree({ "a.B": {} })))).toEqual(["TR0122", "TR0121"]);
    expect(codes(world.update({ instances: new Map([["shop", undefined]]) }))).toEqual([]);
  });

  test("Spring Cloud's instances are no Dubbo application", () => {
    expect(codes(worldOf({}, { instances: new Map([["svc", ["6f1dbb5b-8605-4132-9f4d-bd60f269ff29"]]]) }))).toEqual([]);
  });
});

describe("updates", () => {
  const two = {
    "a.B": { providers: [provider("10.0.0.1:20880")] },
    "a.C": { providers: ["dubbo://10.0.0.1:20880/a.C?application=shop"] },
  };

  test("that change nothing give the same world", () => {
    const world = createZookeeperWorld({ name: "legacy" });
    const first = world.update(tree(two));
    expect(world.update(tree(two))).toBe(first);
    expect(world.update({})).toBe(first);
  });

  test("keep the entries of other interfaces, and endpoints that stay", () => {
    const world = createZookeeperWorld({ name: "legacy" });
    const first = world.update(tree(two));
    const next = world.update(tree({ "a.B": { providers: [provider("10.0.0.1:20880"), provider("10.0.0.2:20880")] } }));
    expect(next.entries[1]).toBe(first.entries[1]);
    expect(next.entries[0]).not.toBe(first.entries[0]);
    expect(next.entries[0]?.endpoints[0]).toBe(first.entries[0]?.endpoints[0]);
    expect(first.entries[0]?.endpoints).toHaveLength(1);
  });

  test("keep findings of numbers that cannot be read while others come and go", () => {
    const world = createZookeeperWorld({ name: "legacy" });
    const bad = provider("10.0.0.1:20880", "weight=many");
    expect(codes(world.update(tree({ "a.B": { providers: [bad] } })))).toEqual(["TR0103"]);
    expect(codes(world.update(tree({ "a.B": { providers: [bad, provider("10.0.0.2:20880")] } })))).toEqual(["TR0103"]);
  });

  test("that take an interface away take its entries, consumers and findings", () => {
    const world = createZookeeperWorld({ name: "legacy" });
    world.update(
      tree({ "a.B": { providers: ["x", provider("10.0.0.1:20880")], consumers: ["consumer://10.0.0.9/a.B"] } }),
    );
    const next = world.update({ interfaces: new Map([["a.B", undefined]]) });
    expect([next.entries, next.consumers, next.findings]).toEqual([[], [], []]);
  });
});

describe("applications", () => {
  const node = (host: string, revision: string, extra: object = {}) =>
    new TextEncoder().encode(
      JSON.stringify({
        address: host,
        port: 20880,
        payload: { metadata: { "dubbo.metadata.revision": revision, ...extra } },
      }),
    );
  const service = (name: string): ApplicationService => ({
    ...{ service: serviceKey(name), protocol: "dubbo", port: 20880, path: name, params: { side: "provider" } },
  });
  const stage = () => {
    const known = new Map<string, readonly ApplicationService[]>();
    const wanted = new Map<string, readonly string[]>();
    const revisions = {
      services: (_: string, revision: string) => known.get(revision),
      failure: () => undefined,
      follow: (name: string, list: readonly { readonly revision: string }[]) =>
        wanted.set(
          name,
          list.map(({ revision }) => revision),
        ),
    };
    return { known, wanted, world: createZookeeperWorld({ name: "legacy", revisions }) };
  };
  const folder = (nodes: Readonly<Record<string, Uint8Array>>) => ({
    spring: new Map([["/services/shop", new Map(Object.entries(nodes))]]),
    instances: new Map([["shop", Object.keys(nodes)]]),
  });
  const endpoints = (world: World, name: string) =>
    world.entries.find((one) => one.service.interface === name)?.endpoints.map((one) => `${one.address}:${one.port}`);

  test("of which nothing stands at interface level have entries once their services are known", () => {
    const { known, wanted, world } = stage();
    const first = world.update(folder({ "10.0.0.1:20880": node("10.0.0.1", "r1") }));
    expect([first.entries, wanted.get("shop"), first.applications?.[0]?.name]).toEqual([[], ["r1"], "shop"]);
    known.set("r1", [service("a.B")]);
    const second = world.update({ revisions: new Set(["shop"]) });
    expect(endpoints(second, "a.B")).toEqual(["10.0.0.1:20880"]);
    expect(codes(second)).toEqual([]);
  });

  test("a provider at both levels is one endpoint, as its URL says it", () => {
    const { known, world } = stage();
    known.set("r1", [service("a.B")]);
    world.update(tree({ "a.B": { providers: [provider("10.0.0.1:20880", "weight=7")] } }));
    const both = world.update(
      folder({ "10.0.0.1:20880": node("10.0.0.1", "r1"), "10.0.0.2:20880": node("10.0.0.2", "r1") }),
    );
    expect(both.entries[0]?.endpoints.map((one) => [one.address, one.weight])).toEqual([
      ["10.0.0.1", 7],
      ["10.0.0.2", 100],
    ]);
    const left = world.update(tree({ "a.B": {} }));
    expect(left.entries[0]?.endpoints.map((one) => [one.address, one.weight])).toEqual([
      ["10.0.0.1", 100],
      ["10.0.0.2", 100],
    ]);
  });

  test("one instance's change touches the interfaces of its application alone", () => {
    const { known, world } = stage();
    known.set("r1", [service("a.B")]);
    known.set("r2", [service("a.B"), service("a.C")]);
    world.update(tree({ "a.X": { providers: ["dubbo://10.0.0.9:20880/a.X?application=other"] } }));
    const before = world.update(folder({ "10.0.0.1:20880": node("10.0.0.1", "r1") }));
    const after = world.update(folder({ "10.0.0.1:20880": node("10.0.0.1", "r2") }));
    expect(after.entries.map((one) => one.service.interface)).toEqual(["a.B", "a.C", "a.X"]);
    expect(after.entries[2]).toBe(before.entries[1]);
    const gone = world.update({
      spring: new Map([["/services/shop", undefined]]),
      instances: new Map([["shop", undefined]]),
    });
    expect([gone.entries.length, gone.applications]).toEqual([1, undefined]);
  });

  test("overrides and rules of the config centre hold for them too", () => {
    const { known, world } = stage();
    known.set("r1", [service("a.B")]);
    world.update(tree({ "a.B": { configurators: ["override://0.0.0.0/a.B?category=configurators&weight=5"] } }));
    const overridden = world.update(folder({ "10.0.0.1:20880": node("10.0.0.1", "r1") }));
    expect(overridden.entries[0]?.endpoints[0]?.weight).toBe(5);
  });

  test("what cannot be read of them is left out and told of", () => {
    const { known, world } = stage();
    known.set("r1", [service("a.B")]);
    const bad = new TextEncoder().encode("{");
    const read = world.update(folder({ "10.0.0.1:20880": node("10.0.0.1", "r1"), "10.0.0.2:20880": bad }));
    expect([endpoints(read, "a.B"), codes(read)]).toEqual([["10.0.0.1:20880"], ["TR0107"]]);
  });
});
