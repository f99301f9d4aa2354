import { expect, test } from "vitest";
import type { Endpoint } from "../../../../../src/model/entry.ts";
import { type KubePort, readService, readSlice } from "../../../../../src/registry-sync/sources/kubernetes/objects.ts";
import { createKubernetesWorld, kubernetesHost } from "../../../../../src/registry-sync/sources/kubernetes/world.ts";

const service = (
  name: string,
  ports: readonly object[],
  more: { annotations?: object; labels?: object; type?: string } = {},
) =>
  readService({
    metadata: { name, namespace: "shop", annotations: more.annotations, labels: more.labels },
    spec: { ports, type: more.type },
  })!;
const slice = (
  name: string,
  of: string,
  ports: readonly Partial<KubePort>[],
  ...endpoints: readonly (string | object)[]
) =>
  readSlice({
    metadata: { name, namespace: "shop", labels: { "kubernetes.io/service-name": of } },
    ports,
    endpoints: endpoints.map((one) => (typeof one === "string" ? { addresses: [one] } : one)),
  })!;

function cluster(isOwnAddress?: (address: string, port: number) => boolean) {
  return createKubernetesWorld({ name: "k8s", ...(isOwnAddress && { isOwnAddress }) });
}

const http = [{ name: "http", port: 80 }];
const http8080 = [{ name: "http", port: 8080 }];

test("a Service with its slices is an entry name.namespace, under the host that everybody knows", () => {
  const k8s = cluster();
  k8s.replaceServices([service("order", http, { labels: { version: "v1" } })]);
  k8s.replaceSlices([
    slice("order-2", "order", http8080, { addresses: ["10.0.0.2"], conditions: { ready: false } }),
    slice("order-1", "order", http8080, { addresses: ["10.0.0.1"], zone: "a", targetRef: { kind: "Pod", name: "p" } }),
  ]);
  expect(k8s.world()).toMatchObject({
    name: "k8s",
    entries: [
      {
        host: "order.shop.svc.cluster.local",
        service: { interface: "order.shop", group: "", version: "" },
        endpoints: [
          {
            ...{ address: "10.0.0.1", port: 8080, protocol: "http", weight: 100, disabled: false, origin: "k8s" },
            params: { version: "v1", namespace: "shop", service: "order", zone: "a", pod: "p", port: "http" },
          },
          { address: "10.0.0.2", disabled: true },
        ],
      },
    ],
  });
  expect(kubernetesHost(k8s.world().entries[0]!)).toBe("order.shop.svc.cluster.local");
});

test.each([
  ["the name", { name: "http-web" }, {}, "http"],
  ["the second word of the name", { name: "tcp-dubbo" }, {}, "dubbo"],
  ["gRPC's name", { name: "grpc" }, {}, "tri"],
  ["appProtocol over the name", { name: "http", appProtocol: "dubbo" }, {}, "dubbo"],
  ["Kubernetes' own appProtocol", { name: "x", appProtocol: "kubernetes.io/h2c" }, {}, "tri"],
  [
    "the annotation over both",
    { name: "http", appProtocol: "http" },
    { annotations: { "trestle.io/protocol": "tri" } },
    "tri",
  ],
  ["the label", { name: "x" }, { labels: { "trestle.io/protocol": "Dubbo" } }, "dubbo"],
  ["nothing", { name: "x" }, {}, "tcp"],
  ["a word that is none", { name: "constructor" }, { annotations: { "trestle.io/protocol": "__proto__" } }, "tcp"],
])("the protocol of a port is said by %s", (_name, port, more, protocol) => {
  const k8s = cluster();
  k8s.replaceServices([service("a", [{ port: 80, ...port }], more)]);
  k8s.replaceSlices([slice("a-1", "a", [{ name: port.name, port: 8080 }], "10.0.0.1")]);
  expect(k8s.world().entries[0]!.endpoints[0]!.protocol).toBe(protocol);
});

test("of several ports of one protocol the first of the Service counts, or the one that the annotation names", () => {
  const ports = [
    { name: "http-api", port: 80 },
    { name: "http-admin", port: 81 },
    { name: "tri", port: 50051 },
  ];
  const of = (annotations: object) => {
    const k8s = cluster();
    k8s.replaceServices([service("a", ports, { annotations })]);
    k8s.replaceSlices([
      slice(
        "a-1",
        "a",
        [
          { name: "http-admin", port: 9001 },
          { name: "tri", port: 50051 },
          { name: "http-api", port: 9000 },
        ],
        "10.0.0.1",
      ),
    ]);
    return k8s.world().entries[0]!.endpoints.map(({ protocol, port }) => `${protocol} ${port}`);
  };
  expect(of({})).toEqual(["http 9000", "tri 50051"]);
  expect(of({ "trestle.io/port": "http-admin" })).toEqual(["http 9001"]);
  expect(of({ "trestle.io/port": "50051" })).toEqual(["tri 50051"]);
});

test("annotations make a Service a Dubbo interface; several of one key are one entry", () => {
  const annotations = {
    "trestle.io/interface": "com.acme.Order",
    "trestle.io/group": "g",
    "trestle.io/version": "1.0",
  };
  const k8s = cluster();
  const ports = [{ name: "dubbo", port: 20880 }];
  k8s.replaceServices([service("b", ports, { annotations }), service("a", ports, { annotations })]);
  k8s.replaceSlices([
    slice("a-1", "a", ports, "10.0.0.1", "10.0.0.3"),
    slice("b-1", "b", ports, "10.0.0.2", "10.0.0.3"),
  ]);
  const { entries } = k8s.world();
  expect(entries).toHaveLength(1);
  expect(entries[0]).toMatchObject({ service: { interface: "com.acme.Order", group: "g", version: "1.0" } });
  expect(entries[0]!.host).toMatch(/^com\.acme\.order-g-1-0-[0-9a-f]{8}$/);
  expect(entries[0]!.endpoints.map(({ address, params }) => [address, params["service"]])).toEqual([
    ["10.0.0.1", "a"],
    ["10.0.0.2", "b"],
    ["10.0.0.3", "a"],
  ]);
  k8s.service("shop/a", undefined);
  expect(k8s.world().entries[0]!.endpoints.map(({ address }) => address)).toEqual(["10.0.0.2", "10.0.0.3"]);
});

test("what changes is followed, and what does not keeps its identity", () => {
  const k8s = cluster();
  k8s.replaceServices([service("a", http), service("b", http)]);
  k8s.replaceSlices([slice("a-1", "a", http8080, "10.0.0.1"), slice("b-1", "b", http8080, "10.0.0.2")]);
  const first = k8s.world();
  expect(k8s.world()).toBe(first);
  k8s.slice("shop/a-1", slice("a-1", "a", http8080, "10.0.0.1"));
  expect(k8s.world()).toBe(first);
  k8s.slice("shop/a-1", slice("a-1", "a", http8080, "10.0.0.9"));
  const second = k8s.world();
  expect(second.entries[0]!.endpoints[0]!.address).toBe("10.0.0.9");
  expect(second.entries[1]).toBe(first.entries[1]);
  k8s.slice("shop/a-1", slice("a-1", "b", http8080, "10.0.0.9"));
  expect(k8s.world().entries.map(({ endpoints }) => endpoints.length)).toEqual([0, 2]);
  k8s.replaceServices([service("b", http)]);
  k8s.replaceSlices([]);
  expect(k8s.world().entries.map(({ host, endpoints }) => [host, endpoints.length])).toEqual([
    ["b.shop.svc.cluster.local", 0],
  ]);
});

test("a slice may come before its Service; services of names alone have no entry; own addresses are left out", () => {
  const k8s = cluster((address) => address === "10.0.0.1");
  k8s.slice("shop/a-1", slice("a-1", "a", http8080, "10.0.0.1", "10.0.0.2"));
  expect(k8s.world().entries).toEqual([]);
  k8s.service("shop/a", service("a", http));
  k8s.service("shop/x", service("x", http, { type: "ExternalName" }));
  expect(k8s.world().entries.map(({ endpoints }) => endpoints.map(({ address }) => address))).toEqual([["10.0.0.2"]]);
});

test("an address that two slices name is taken as ready where one of them says so", () => {
  const k8s = cluster();
  k8s.service("shop/a", service("a", http));
  k8s.slice("shop/a-1", slice("a-1", "a", http8080, { addresses: ["10.0.0.1"], conditions: { ready: false } }));
  k8s.slice("shop/a-2", slice("a-2", "a", http8080, "10.0.0.1"));
  expect(k8s.world().entries[0]!.endpoints.map(({ disabled }) => disabled)).toEqual([false]);
});

test.each<readonly [name: string, conditions: readonly object[], taking: readonly string[]]>([
  [
    "one that is ready beside one that terminates",
    [{ ready: true }, { ready: false, terminating: true, serving: true }],
    ["1"],
  ],
  [
    "all terminate and serve",
    [
      { ready: false, terminating: true, serving: true },
      { ready: false, terminating: true, serving: false },
    ],
    ["1"],
  ],
  [
    "all terminate and are published as ready",
    [
      { ready: true, terminating: true },
      { ready: true, terminating: true },
    ],
    ["1", "2"],
  ],
  [
    "published as ready while it terminates, beside another",
    [{ ready: true, terminating: true }, { ready: true }],
    ["2"],
  ],
  ["none is ready, none terminates", [{ ready: false }, { ready: false }], []],
])("who takes calls: %s", (_name, conditions, taking) => {
  const k8s = cluster();
  k8s.replaceServices([service("a", http)]);
  const endpoints = conditions.map((one, i) => ({ addresses: [`10.0.0.${i + 1}`], conditions: one }));
  k8s.replaceSlices([slice("a-1", "a", http8080, ...endpoints)]);
  const shown = k8s.world().entries[0]!.endpoints;
  expect(shown).toHaveLength(2);
  expect(shown.filter(({ disabled }) => !disabled).map(({ address }) => address.slice(7))).toEqual(taking);
});

test.each([
  [
    ["IPv4", "IPv6"],
    ["10.0.0.1", "10.0.0.2", "fd00::9"],
  ],
  [
    ["IPv6", "IPv4"],
    ["10.0.0.2", "fd00::1", "fd00::9"],
  ],
  [[], ["10.0.0.1", "10.0.0.2", "fd00::1", "fd00::9"]],
])(
  "a pod of both families counts once, at the address of the family that stands first of %j",
  (ipFamilies, expected) => {
    const pod = (name: string, address: string) => ({ addresses: [address], targetRef: { kind: "Pod", name } });
    const of = (addressType: string, ...endpoints: readonly object[]) =>
      readSlice({
        metadata: { name: `a-${addressType}`, namespace: "shop", labels: { "kubernetes.io/service-name": "a" } },
        ...{ addressType, ports: http8080, endpoints },
      })!;
    const k8s = cluster();
    k8s.replaceServices([
      readService({ metadata: { name: "a", namespace: "shop" }, spec: { ports: http, ipFamilies } })!,
    ]);
    k8s.replaceSlices([
      of("IPv4", pod("p", "10.0.0.1"), pod("four-alone", "10.0.0.2")),
      of("IPv6", pod("p", "fd00::1"), { addresses: ["fd00::9"] }),
    ]);
    expect(
      k8s
        .world()
        .entries[0]!.endpoints.map(({ address }) => address)
        .sort(),
    ).toEqual(expected);
  },
);

test("of a service that changes the instances that do not are the same objects", () => {
  const k8s = cluster();
  k8s.replaceServices([service("order", http)]);
  k8s.replaceSlices([slice("order-1", "order", http8080, "10.0.0.2")]);
  const [before] = k8s.world().entries[0]!.endpoints;
  k8s.slice("shop/order-2", slice("order-2", "order", http8080, "10.0.0.1"));
  const changed = k8s.world().entries[0]!.endpoints;
  expect(changed.map(({ address }) => address)).toEqual(["10.0.0.1", "10.0.0.2"]);
  expect(changed[1]).toBe(before);
  k8s.slice(
    "shop/order-1",
    slice("order-1", "order", http8080, { addresses: ["10.0.0.2"], conditions: { ready: false } }),
  );
  expect(k8s.world().entries[0]!.endpoints[1]).toMatchObject({ address: "10.0.0.2", disabled: true });
});

test("a further port of a protocol has the Service's number and its own endpoints; what nobody calls has none", () => {
  const k8s = cluster();
  const named = (...ports: readonly [string, number][]) => ports.map(([name, port]) => ({ name, port }));
  k8s.replaceServices([
    service("shop", named(["http", 80], ["http-admin", 9090], ["grpc", 90], ["grpc-b", 91], ["db", 1], ["db-b", 2])),
    service("one", named(["http", 80], ["http-admin", 9090]), { annotations: { "trestle.io/port": "http-admin" } }),
  ]);
  const offered = named(["http-admin", 9999], ["http", 8080], ["grpc", 50], ["grpc-b", 51], ["db", 1], ["db-b", 2]);
  k8s.replaceSlices([
    slice("shop-1", "shop", offered, "10.0.0.1", { addresses: ["10.0.0.2"], conditions: { ready: false } }),
    slice("shop-2", "shop", named(["http-admin", 9998]), "10.0.0.3"),
    slice("one-1", "one", named(["http", 8080], ["http-admin", 9999]), "10.0.0.4"),
  ]);
  const [one, shop] = k8s.world().entries;
  const placesOf = (endpoints: readonly Endpoint[]) => endpoints.map(({ address, port }) => `${address}:${port}`);
  expect(placesOf(shop!.endpoints)).toEqual([
    ...["10.0.0.1:1", "10.0.0.1:50", "10.0.0.1:8080", "10.0.0.2:1", "10.0.0.2:50", "10.0.0.2:8080"],
  ]);
  expect(shop!.ports).toEqual([
    { protocol: "http", port: 80 },
    { protocol: "tri", port: 90 },
  ]);
  expect(shop!.further!.map(({ protocol, port, endpoints }) => [protocol, port, ...placesOf(endpoints)])).toEqual([
    ["http", 9090, "10.0.0.1:9999", "10.0.0.2:9999", "10.0.0.3:9998"],
    ["tri", 91, "10.0.0.1:51", "10.0.0.2:51"],
  ]);
  expect([placesOf(one!.endpoints), one!.ports, one!.further]).toEqual([
    ["10.0.0.4:9999"],
    [{ protocol: "http", port: 9090 }],
    undefined,
  ]);
  const before = shop!.further![0]!.endpoints[0];
  k8s.slice("shop/shop-2", slice("shop-2", "shop", named(["http-admin", 9998]), "10.0.0.5"));
  expect(k8s.world().entries[1]!.further![0]!.endpoints[0]).toBe(before);
});
