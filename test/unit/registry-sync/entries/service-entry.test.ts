import { describe, expect, test } from "vitest";
import { fromServiceEntry, portNameOf, toServiceEntry } from "../../../../src/registry-sync/entries/service-entry.ts";
import { checkServiceEntry } from "../../../../src/registry-sync/entries/service-entry-check.ts";
import { createZookeeperWorld } from "../../../../src/registry-sync/sources/zookeeper/world.ts";
import { recordedTree } from "../../../support/recorded-tree.ts";
import { endpoint, entry } from "../../../support/worlds.ts";

test("an entry becomes the ServiceEntry that Istio users know", () => {
  const params = {
    application: "shop",
    version: "1.0.0",
    methods: "a,b",
    "dubbo.tag": "gray",
    region: "杭州",
    pid: "7",
  };
  const document = toServiceEntry(
    entry("com.acme.OrderService:1.0.0", [endpoint("10.0.0.1", { params, tag: "gray" }), "10.0.0.2:20881"]),
    "trestle",
  );
  expect(document).toMatchObject({
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: {
      name: "com.acme.orderservice-1-0-0",
      labels: { "app.kubernetes.io/managed-by": "trestle", "trestle.io/owner": "trestle" },
      annotations: {
        "trestle.io/interface": "com.acme.OrderService",
        "trestle.io/group": "",
        "trestle.io/version": "1.0.0",
        "trestle.io/registries": "legacy",
      },
    },
    spec: {
      hosts: ["com.acme.orderservice-1-0-0"],
      location: "MESH_INTERNAL",
      resolution: "STATIC",
      ports: [{ number: 20880, name: "tcp-dubbo", protocol: "TCP" }],
      endpoints: [
        {
          address: "10.0.0.1",
          ports: { "tcp-dubbo": 20880 },
          labels: { application: "shop", "dubbo.tag": "gray", "trestle.io/registry": "legacy", version: "1.0.0" },
          weight: 100,
        },
        {
          address: "10.0.0.2",
          ports: { "tcp-dubbo": 20881 },
          labels: { "trestle.io/registry": "legacy" },
          weight: 100,
        },
      ],
    },
  });
  expect(document.spec.endpoints[0]?.labels).not.toHaveProperty("region");
  expect(checkServiceEntry(document)).toEqual([]);
});

const awkward = [
  ["no endpoints", entry("a.A", [])],
  [
    "group, version and all fields",
    entry("g/a.A:1.0", [
      endpoint("10.0.0.1", { weight: 3, disabled: true, tag: "t", startedAtMs: 9, warmupMs: 1, payloadBytes: 2 }),
    ]),
  ],
  ["two protocols", entry("a.A", ["10.0.0.1", endpoint("10.0.0.1", { protocol: "tri", port: 50051 })])],
  ["host names", entry("a.A", ["order-0.order", "10.0.0.1"])],
  ["IPv6", entry("a.A", [endpoint("x", { address: "2001:db8::1" }), endpoint("x", { address: "fe80::1%eth0" })])],
  ["weight 0 beside others", entry("a.A", [endpoint("10.0.0.1", { weight: 0 }), "10.0.0.2"])],
  ["all of weight 0", entry("a.A", [endpoint("10.0.0.1", { weight: 0 })])],
  [
    "two registries",
    entry("a.A", [endpoint("10.0.0.1", { origin: "not a label!" }), endpoint("10.0.0.2", { origin: "other" })]),
  ],
  [
    "parameters that are no labels",
    entry("a.A", [
      endpoint("10.0.0.1", { params: { "": "x", "a b": "c", long: "x".repeat(64), nul: "\u0000", ok: "1" } }),
    ]),
  ],
] as const;

describe("of any entry", () => {
  test.each(awkward)("with %s: Istio takes it, and it reads back as it was", (_name, one) => {
    const document = toServiceEntry(one, "trestle");
    expect(checkServiceEntry(document)).toEqual([]);
    expect(fromServiceEntry(JSON.parse(JSON.stringify(document)))).toEqual({
      owner: "trestle",
      host: one.host,
      entry: one,
    });
  });
});

test("what real providers registered becomes an entry that Istio takes and that reads back", () => {
  for (const name of [
    "zk-2.6.12-interface",
    "zk-2.7.23-interface",
    "zk-3.2.18-all",
    "zk-3.3.6-all-dubbo+tri",
    "zk-3.3.6-all-tri",
  ]) {
    const [one] = createZookeeperWorld({ name: "legacy" }).update(recordedTree(name)).entries;
    const document = toServiceEntry(one!, "trestle");
    expect(checkServiceEntry(document)).toEqual([]);
    expect(fromServiceEntry(document)?.entry).toEqual(one);
  }
});

describe("an endpoint that Istio cannot express is kept in the annotation alone", () => {
  const rows: readonly (readonly [name: string, addresses: readonly string[]])[] = [
    ["two protocols", ["10.0.0.1"]],
    ["group, version and all fields", []],
    ["IPv6", ["2001:db8::1"]],
    ["weight 0 beside others", ["10.0.0.2"]],
    ["all of weight 0", ["10.0.0.1"]],
    ["host names", ["10.0.0.1", "order-0.order"]],
  ];
  test.each(rows)("%s", (name, expected) => {
    const [, one] = awkward.find(([known]) => known === name)!;
    expect(toServiceEntry(one, "trestle").spec.endpoints.map((each) => each.address)).toEqual(expected);
  });
});

test("host names make the resolution DNS", () => {
  expect(toServiceEntry(awkward[3][1], "trestle").spec.resolution).toBe("DNS");
});

test("tokens and passwords are in no part of it", () => {
  const one = entry("a.A", [
    endpoint("10.0.0.1", { token: "t0ps3cret", params: { token: "t0ps3cret", "db.password": "t0ps3cret" } }),
  ]);
  expect(JSON.stringify(toServiceEntry(one, "trestle"))).not.toContain("t0ps3cret");
});

test("equal entries give equal text", () => {
  const one = (params: Readonly<Record<string, string>>) =>
    JSON.stringify(toServiceEntry(entry("a.A", [endpoint("10.0.0.1", { params })]), "trestle"));
  expect(one({ b: "1", a: "2" })).toBe(one({ a: "2", b: "1" }));
});

test("a protocol's port is named so that Istio knows what it carries", () => {
  expect(["dubbo", "tri", "rest", "constructor", "my+proto", "+"].map(portNameOf)).toEqual([
    "tcp-dubbo",
    "grpc-tri",
    "http-rest",
    "tcp-constructor",
    "tcp-my-proto",
    "tcp-other",
  ]);
});

test("a ServiceEntry of someone else reads by its spec", () => {
  const read = fromServiceEntry({
    kind: "ServiceEntry",
    metadata: { name: "x" },
    spec: {
      hosts: ["a.example"],
      ports: [{ number: 80, name: "tcp-dubbo", protocol: "TCP" }],
      endpoints: [
        { address: "10.0.0.2", labels: { version: "v1" }, weight: 5 },
        { address: "10.0.0.1", ports: { "tcp-dubbo": 81 } },
        { ports: {} },
        null,
      ],
    },
  });
  expect(read?.owner).toBe("");
  expect(read?.entry.service).toEqual({ interface: "a.example", group: "", version: "" });
  expect(read?.entry.endpoints.map((one) => [one.address, one.port, one.protocol, one.weight, one.params])).toEqual([
    ["10.0.0.1", 81, "dubbo", 1, {}],
    ["10.0.0.2", 80, "dubbo", 5, { version: "v1" }],
  ]);
});

test("what is no ServiceEntry is none", () => {
  for (const document of [
    null,
    1,
    "x",
    [],
    {},
    { kind: "Service", spec: { hosts: ["a"] } },
    { kind: "ServiceEntry" },
    { kind: "ServiceEntry", spec: { hosts: [1] } },
  ]) {
    expect(fromServiceEntry(document)).toBeUndefined();
  }
});
