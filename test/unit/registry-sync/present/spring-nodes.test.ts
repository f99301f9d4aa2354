import { describe, expect, test } from "vitest";
import { decodeCuratorInstance, SPRING_INSTANCE } from "../../../../src/codecs/zookeeper/curator-instance.ts";
import type { Endpoint, World } from "../../../../src/model/entry.ts";
import { PASSES } from "../../../../src/registry-sync/present/asker.ts";
import { createPresentContext, type PresentOptions } from "../../../../src/registry-sync/present/context.ts";
import { elsewhereOf } from "../../../../src/registry-sync/present/elsewhere.ts";
import { isHidden, mayBeVirtual, present } from "../../../../src/registry-sync/present/present.ts";
import { springKey, springNodeName, springNodeOf } from "../../../../src/registry-sync/present/spring-nodes.ts";
import { instanceAt } from "../../../support/applications.ts";
import { endpoint, entry, world } from "../../../support/worlds.ts";

const folder = { kind: "instances", path: "/services/shop", name: "shop" } as const;
const UUID = "6f1dbb5b-8605-4132-9f4d-bd60f269ff29";
const OTHER = "cd69e62a-fbc9-4320-8389-affc0eb0e07a";
const http = (address: string, params: Record<string, string> = {}, more: Partial<Endpoint> = {}) =>
  endpoint(address, { protocol: "http", origin: "zk", params: { instance_status: "UP", ...params }, ...more });

function context(own: World | undefined, options: Partial<PresentOptions> = {}) {
  return createPresentContext({
    addresses: ["10.0.0.9:20880"],
    httpAddresses: new Map([["shop", "10.0.0.9:31007"]]),
    ...(own && { world: own }),
    ...options,
  });
}

const shop = world(
  "zk",
  entry("shop", [http("10.0.0.1:80", { zone: "a", pid: "1" }), http("10.0.0.2:80", { zone: "a" })]),
);

function dataIn(of: ReturnType<typeof context>, names: readonly string[] = [UUID]) {
  const { data } = present(folder, names, of);
  const reading = decodeCuratorInstance(data.get(springNodeName("shop")) ?? new Uint8Array(0));
  return reading.type === "instance" ? reading.instance : undefined;
}

describe("a folder of Spring Cloud's instances", () => {
  test("shows one node, at the proxy's port for the service, in place of them", () => {
    const of = context(shop);
    const { shown, virtual } = present(folder, [UUID, OTHER], of);
    expect([...shown]).toEqual([springNodeName("shop")]);
    expect(virtual).toEqual(shown);
    expect([isHidden(folder, UUID, of), mayBeVirtual(folder, springNodeName("shop"), of)]).toEqual([true, true]);
    expect(mayBeVirtual(folder, UUID, of)).toBe(false);
    const node = dataIn(of);
    expect(node).toMatchObject({
      ...{ name: "shop", id: springNodeName("shop"), address: "10.0.0.9", port: 31_007, sslPort: 0 },
      ...{ payloadClass: SPRING_INSTANCE, registeredAtMs: 0 },
    });
    expect({ ...node?.metadata }).toEqual({ zone: "a", instance_status: "UP" });
  });

  test("shows the service's name as its address where applications resolve names, or another registry's service so", () => {
    expect(dataIn(context(shop, { namesAsHosts: true }))).toMatchObject({ address: "shop", port: 31_007 });
    const elsewhere = elsewhereOf([entry("shop", [http("10.0.0.3:80", {}, { origin: "other" })])], "zk", world("zk"));
    expect(dataIn(context(world("zk"), { namesAsHosts: true, elsewhere }), [])).toMatchObject({ address: "shop" });
  });

  test("is down where all of them are, and up where one is", () => {
    const down = http("10.0.0.1:80", { instance_status: "OUT_OF_SERVICE" }, { disabled: true });
    const statusOf = (...all: Endpoint[]) =>
      dataIn(context(world("zk", entry("shop", all))))?.metadata["instance_status"];
    expect([statusOf(down), statusOf(down, http("10.0.0.2:80"))]).toEqual(["OUT_OF_SERVICE", "UP"]);
  });

  test("that is empty stays empty, whatever was known", () => {
    expect(present(folder, [], context(shop)).shown.size).toBe(0);
  });

  test("keeps Dubbo's nodes as they are, and tells those by the world where it knows them", () => {
    const instance = instanceAt("10.0.0.1:20880");
    const application = { name: "shop", instances: [instance], revisions: new Map(), failed: new Set<string>() };
    const names = ["10.0.0.1:20880", "shop:9001", UUID];
    const shownBy = (own: World) => [...present(folder, names, context(own)).shown];
    expect(shownBy(shop)).toEqual([...names.slice(0, 2), springNodeName("shop")]);
    const known = present(folder, names.slice(1), context({ ...shop, applications: [application] })).shown;
    expect([...known]).toEqual([springNodeName("shop")]);
  });

  test.each<[string, World | undefined, Partial<PresentOptions>]>([
    ["it is not taken", shop, { take: { services: ["other"], applications: ["*"] } }],
    ["it is passed", shop, { pass: ["sh*"] }],
    ["everything is bypassed", shop, { bypass: { all: true, services: [] } }],
    ["no proxy is in service", shop, { addresses: [] }],
  ])("shows what is there where %s", (_, own, options) => {
    const { shown, soon } = present(folder, [UUID], context(own, options));
    expect([[...shown], soon.size]).toEqual([[UUID], 0]);
  });

  test("is waited for while the proxy has no port for it", () => {
    const { shown, soon } = present(folder, [UUID], context(undefined, { httpAddresses: new Map() }));
    expect([[...shown], [...soon]]).toEqual([[UUID], [springKey("shop")]]);
    const dubbo = present(folder, ["10.0.0.1:20880"], context(undefined, { httpAddresses: new Map() }));
    expect(dubbo.soon.size).toBe(0);
  });

  test("is shown as it is to a client that passes", () => {
    const { shown, virtual } = present(folder, [UUID], context(shop), PASSES);
    expect([[...shown], virtual.size]).toEqual([[UUID], 0]);
  });
});

describe("a service that only other registries hold", () => {
  const entries = [entry("SHOP", [http("10.0.1.1:80", { zone: "b" }, { origin: "eureka" })])];
  const elsewhere = elsewhereOf(entries, "zk", undefined);
  const of = (options: Partial<PresentOptions> = {}) =>
    context(undefined, { elsewhere, httpAddresses: new Map([["SHOP", "10.0.0.9:31008"]]), ...options });

  test("is shown in an empty folder, under the name that is asked for", () => {
    expect([...present(folder, [], of()).shown]).toEqual([springNodeName("shop")]);
    const node = dataIn(of(), []);
    expect([node?.name, node?.port]).toEqual(["shop", 31_008]);
    expect({ ...node?.metadata }).toEqual({ instance_status: "UP", zone: "b", "trestle.from": "eureka" });
  });

  test("is shown beside Dubbo's nodes, and not where instances pass unchanged or to who passes", () => {
    expect(present(folder, ["10.0.0.1:20880"], of()).shown.size).toBe(2);
    expect([...present(folder, [UUID], of({ pass: ["shop"] })).shown]).toEqual([UUID]);
    expect(present(folder, [], of(), PASSES).shown.size).toBe(0);
  });

  test("is not shown where it is not taken", () => {
    expect(present(folder, [], of({ take: { services: ["a"], applications: ["*"] } })).shown.size).toBe(0);
    expect(springNodeOf("other", of())).toBeUndefined();
  });
});

test("the node's name is a UUID, the same each time, and another for another application", () => {
  expect(springNodeName("shop")).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(springNodeName("shop")).toBe(springNodeName("shop"));
  expect(springNodeName("shop")).not.toBe(springNodeName("shop2"));
});
