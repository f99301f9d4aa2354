import { expect, test } from "vitest";
import type { Entry } from "../../../../src/model/entry.ts";
import { parseServiceKey } from "../../../../src/model/service.ts";
import type { Source } from "../../../../src/registry-sync/contracts.ts";
import { createShape, type ShapeOptions, shapedSource, shapes } from "../../../../src/registry-sync/merge/shape.ts";
import { createNaming } from "../../../../src/registry-sync/naming/naming-styles.ts";
import { styleLabels } from "../../../../src/registry-sync/naming/style-labels.ts";
import { createMemorySource } from "../../../../src/registry-sync/sources/memory.ts";
import { endpoint, entry, world } from "../../../support/worlds.ts";

const shape = (options: Omit<ShapeOptions, "registry">) => createShape({ registry: "legacy", ...options });
const hosts = (entries: readonly Entry[]) => entries.map(({ host }) => host);

test.each([
  [{}, false],
  [{ exclude: [], rename: [] }, false],
  [{ include: ["*"] }, true],
  [{ exclude: ["a"] }, true],
  [{ rename: [{ from: "a", to: "b" }] }, true],
  [{ naming: createNaming("slime", { scheme: "zookeeper" }) }, true],
])("whether %j does anything is known", (options, expected) => {
  expect(shapes({ registry: "r", ...options })).toBe(expected);
});

test("services are taken by name and key, and left out", () => {
  const given = world("legacy", entry("com.acme.A", []), entry("g/com.acme.B:1", []), entry("org.C", []));
  const { entries, findings } = shape({ include: ["com.acme.*", "*/com.acme.B:*"], exclude: ["com.acme.A"] }).apply(
    given,
  );
  expect(hosts(entries)).toEqual([given.entries[1]!.host]);
  expect(findings).toEqual([]);
});

test("consumers of what is left out are left out, and follow renames", () => {
  const consumer = (service: string) => ({
    service: parseServiceKey(service),
    address: "10.0.0.9",
    application: "",
    params: {},
  });
  const given = {
    ...world("legacy", entry("a.A", [])),
    consumers: [consumer("a.A"), consumer("a.B"), consumer("b.C")],
  };
  const made = shape({ exclude: ["a.B"], rename: [{ from: "b.*", to: "c.*" }] }).apply(given);
  expect(made.consumers.map(({ service }) => service.interface)).toEqual(["a.A", "c.C"]);
});

test("a filter and a rename that fit nothing are told of, once there are services", () => {
  const one = shape({
    include: ["*", "x.*"],
    exclude: ["y"],
    rename: [
      { from: "a.*", to: "b.*" },
      { from: "z", to: "w" },
    ],
  });
  expect(one.apply(world("legacy")).findings).toEqual([]);
  const { findings } = one.apply(world("legacy", entry("a.A", [])));
  expect(findings.map(({ code, message }) => `${code} ${/"(.*)"/.exec(message)![1]}`)).toEqual([
    "TR0170 x.*",
    "TR0170 y",
    "TR0170 z",
  ]);
});

test("a rule that fits only services that are left out is told of", () => {
  const one = shape({ exclude: ["a.*"], rename: [{ from: "a.*", to: "b.*" }] });
  expect(one.apply(world("legacy", entry("a.A", []), entry("c.C", []))).findings).toHaveLength(1);
});

test("renamed services have the host of their new name and stand in order of hosts", () => {
  const given = world("legacy", entry("a.A", ["10.0.0.1"]), entry("b.B:1.0", ["10.0.0.2"]));
  const { entries } = shape({ rename: [{ from: "a.*", to: "z.*" }] }).apply(given);
  expect(hosts(entries)).toEqual(["b.b-1-0", "z.a"]);
  expect(entries[0]).toBe(given.entries[1]);
});

test("services that come to one key are one entry; of endpoints alike the first counts", () => {
  const given = world(
    "legacy",
    entry("a.A:1", [endpoint("10.0.0.1", { weight: 1 })]),
    entry("a.A:2", [endpoint("10.0.0.1", { weight: 2 }), endpoint("10.0.0.2")]),
  );
  const one = shape({ rename: [{ from: "a.A", version: "" }] });
  const { entries } = one.apply(given);
  expect(entries).toHaveLength(1);
  expect(entries[0]!.endpoints.map(({ address, weight }) => [address, weight])).toEqual([
    ["10.0.0.1", 1],
    ["10.0.0.2", 100],
  ]);
  expect(one.apply({ ...given }).entries[0]).toBe(entries[0]);
});

test("what did not change keeps its identity", () => {
  const one = shape({
    naming: createNaming("higress", { scheme: "zookeeper" }),
    rename: [{ from: "a.*", labels: { l: "p" } }],
  });
  const first = entry("a.A", [endpoint("10.0.0.1", { params: { p: "1" } })]);
  const before = one.apply(world("legacy", first, entry("a.B", ["10.0.0.1"])));
  const after = one.apply(world("legacy", first, entry("a.B", ["10.0.0.2"])));
  expect(after.entries[0]).toBe(before.entries[0]);
  expect(after.entries[1]).not.toBe(before.entries[1]);
});

test("a world that nothing is done to is the same world", () => {
  const given = world("legacy", entry("a.A", ["10.0.0.1"]));
  expect(shape({ include: ["a.*"] }).apply(given)).toBe(given);
});

test("a style's host is kept in lower case, with what others write beside it", () => {
  const one = shape({ naming: createNaming("higress", { scheme: "zookeeper" }) });
  const { entries } = one.apply(world("legacy", entry("a.B:1.0", ["10.0.0.1"])));
  expect(entries[0]).toMatchObject({
    host: "providers:a.b:1.0:.zookeeper",
    writtenHost: "providers:a.B:1.0:.zookeeper",
  });
  expect(one.hostOf(entries[0]!)).toBe("providers:a.b:1.0:.zookeeper");
});

test("a service that lost its endpoints keeps its host", () => {
  const one = shape({ naming: createNaming("higress", { scheme: "zookeeper" }) });
  const spring = entry("acme.order", [endpoint("10.0.0.1", { protocol: "http" })]);
  expect(hosts(one.apply(world("legacy", spring)).entries)).toEqual(["acme.order.services.zookeeper"]);
  expect(hosts(one.apply(world("legacy", entry("acme.order", []))).entries)).toEqual(["acme.order.services.zookeeper"]);
});

test("labels of renames win over those of the style, in order of their names", () => {
  const one = shape({
    labels: styleLabels("dubbo2istio", "zookeeper", "legacy"),
    rename: [{ from: "*", labels: { version: "own" } }],
  });
  const params = { own: "v9", aeraki_meta_app_version: "v2" };
  const [made] = one.apply(world("legacy", entry("a.A", [endpoint("10.0.0.1", { params })]))).entries;
  expect(Object.entries(made!.endpoints[0]!.labels!)).toEqual([
    ["registryName", "legacy"],
    ["version", "v9"],
  ]);
  expect(made!.endpoints[0]!.params).toBe(params);
});

test("a shaped source yields shaped worlds, under its name and status", async () => {
  const memory = createMemorySource("legacy");
  memory.set(world("legacy", entry("a.A", []), entry("b.B", [])));
  const status = { state: "connected" as const, errors: 0 };
  const source: Source = { ...memory, status: () => status };
  const shaped = shapedSource(source, shape({ exclude: ["a.A"] }));
  expect(shaped.name).toBe("legacy");
  expect(shaped.status?.()).toBe(status);
  const stop = new AbortController();
  for await (const { entries } of shaped.watch(stop.signal)) {
    expect(hosts(entries)).toEqual(["b.b"]);
    stop.abort();
  }
});
