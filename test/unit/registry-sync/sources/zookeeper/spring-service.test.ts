import { expect, test } from "vitest";
import { SPRING_INSTANCE } from "../../../../../src/codecs/zookeeper/curator-instance.ts";
import { buildSpringService } from "../../../../../src/registry-sync/sources/zookeeper/spring-service.ts";

const CONTEXT = {
  origin: "zk",
  isOwnAddress: (address: string, port: number) => address === "proxy" && port === 31_000,
};
const DUBBO = { "@class": "org.apache.dubbo.registry.zookeeper.ZookeeperInstance", metadata: {} };

function node(
  address: string,
  port: number,
  more: object = {},
  metadata: object = { instance_status: "UP" },
): Uint8Array {
  const payload = { "@class": SPRING_INSTANCE, id: "shop", name: "shop", metadata };
  return Buffer.from(JSON.stringify({ name: "shop", id: "i", address, port, sslPort: null, payload, ...more }));
}

function build(nodes: Readonly<Record<string, Uint8Array>>, before?: ReturnType<typeof buildSpringService>) {
  return buildSpringService("/services/shop", new Map(Object.entries(nodes)), before, CONTEXT);
}

test("instances become endpoints of one HTTP service under the folder's name, in order", () => {
  const { entry, findings } = build({ b: node("10.0.0.2", 80), a: node("10.0.0.1", 8080, {}, { zone: "z1" }) });
  expect(entry).toMatchObject({ host: "shop", service: { interface: "shop", group: "", version: "" } });
  expect(entry!.endpoints.map((one) => [one.protocol, one.address, one.port, one.weight, one.disabled])).toEqual([
    ["http", "10.0.0.1", 8080, 100, false],
    ["http", "10.0.0.2", 80, 100, false],
  ]);
  expect(entry!.endpoints[0]).toMatchObject({ params: { zone: "z1" }, origin: "zk", warmupMs: 0 });
  expect(findings).toEqual([]);
});

test.each([
  ["UP", {}, { instance_status: "UP" }, false],
  ["up in small letters", {}, { instance_status: "up" }, false],
  ["no status", {}, {}, false],
  ["an empty status", {}, { instance_status: " " }, false],
  ["OUT_OF_SERVICE", {}, { instance_status: "OUT_OF_SERVICE" }, true],
  ["a word of its own", {}, { instance_status: "draining" }, true],
  ["enabled false", { enabled: false }, {}, true],
] as const)("an instance with %s is disabled as Spring says", (_, more, metadata, disabled) => {
  expect(build({ a: node("h", 80, more, metadata) }).entry!.endpoints[0]!.disabled).toBe(disabled);
});

test("an instance with a TLS port is called there, over https", () => {
  const { entry } = build({ a: node("h", 80, { sslPort: 8443 }) });
  expect(entry!.endpoints.map(({ protocol, port }) => [protocol, port])).toEqual([["https", 8443]]);
});

test("nodes of Dubbo, of nobody and without data are left alone; without others there is no service", () => {
  const nodes = {
    "10.0.0.1:20880": node("10.0.0.1", 20_880, { payload: DUBBO }),
    mine: node("h", 1, { payload: null }),
  };
  expect(build({ ...nodes, folder: new Uint8Array(0), "10.0.0.9:1": Buffer.from("{") })).toMatchObject({
    entry: undefined,
    findings: [],
  });
  expect(build({ ...nodes, a: node("h", 80) }).entry!.endpoints).toHaveLength(1);
});

test("what cannot be called is left out with a finding, and the rest counts", () => {
  const { entry, findings } = build({
    bad: Buffer.from("{"),
    loop: node("proxy", 31_000),
    any: node("0.0.0.0", 80),
    good: node("h", 80),
  });
  expect(entry!.endpoints).toHaveLength(1);
  expect(findings.map(({ code, at }) => [code, at])).toEqual([
    ["TR0107", "/services/shop/bad"],
    ["TR0110", "/services/shop/loop"],
    ["TR0111", "/services/shop/any"],
  ]);
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`n${i}`, Buffer.from("x")]));
  expect(build(many).findings).toHaveLength(10);
});

test("a process that stands twice for a while is one endpoint, and takes calls if either node says so", () => {
  const down = node("h", 80, {}, { instance_status: "OUT_OF_SERVICE" });
  for (const nodes of [
    { a: down, b: node("h", 80) },
    { a: node("h", 80), b: down },
  ]) {
    expect(build(nodes).entry!.endpoints.map(({ disabled }) => disabled)).toEqual([false]);
  }
});

test("what did not change keeps its identity: endpoints, the entry, findings", () => {
  const [a, b, bad] = [node("10.0.0.1", 80), node("10.0.0.2", 80), Buffer.from("{")];
  const first = build({ a, b, bad });
  const again = build({ a, b, bad: Buffer.from("{") }, first);
  expect(again.entry).toBe(first.entry);
  expect(again.findings).toBe(first.findings);
  const less = build({ a, bad }, first);
  expect(less.entry).not.toBe(first.entry);
  expect(less.entry!.endpoints[0]).toBe(first.entry!.endpoints[0]);
});
