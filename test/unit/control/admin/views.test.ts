import { expect, test } from "vitest";
import type { ResourceSet } from "../../../../src/codecs/xds/resources.ts";
import {
  viewConsumers,
  viewEndpoints,
  viewRoutes,
  viewRules,
  viewServices,
} from "../../../../src/control/admin/views.ts";
import { compile } from "../../../../src/control/compile/compiler.ts";
import { withRestMappings } from "../../../../src/control/rules/rest-entries.ts";
import { DEFAULT_MESH } from "../../../../src/model/mesh.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { adminSnapshot, adminSourcesOf } from "../../../support/admin-sources.ts";
import { rulesOf, virtualServiceText } from "../../../support/rules.ts";

const sources = adminSourcesOf();

test("services are listed with the rules in force", () => {
  const http = new Map([["com.acme.StockService", "10.0.0.9:31007"]]);
  expect(viewServices(adminSnapshot, new Map(), http)).toEqual([
    {
      host: "com.acme.orderservice-1-0-0",
      service: "com.acme.OrderService:1.0.0",
      endpoints: 1,
      carried: true,
      passes: "",
      registries: ["test"],
      virtualService: "orders",
      destinationRule: "lanes",
      http: "",
    },
    {
      host: "com.acme.stockservice",
      service: "com.acme.StockService",
      endpoints: 1,
      carried: false,
      passes: "",
      registries: ["test"],
      virtualService: "",
      destinationRule: "",
      http: "10.0.0.9:31007",
    },
  ]);
});

test("a service that is not led through the proxy says why", () => {
  const notLed = new Map([["com.acme.OrderService:1.0.0", "a router rules it"]]);
  expect(viewServices(adminSnapshot, notLed)[0]).toMatchObject({ carried: false, passes: "a router rules it" });
});

test.each(["com.acme.orderservice-1-0-0", "com.acme.OrderService:1.0.0", "com.acme.ORDERservice"])(
  "endpoints are found by %s",
  (wanted) => {
    expect(viewEndpoints(adminSnapshot, wanted)).toEqual([
      {
        host: "com.acme.orderservice-1-0-0",
        service: "com.acme.OrderService:1.0.0",
        address: "10.0.0.1:20880",
        protocol: "dubbo",
        weight: 100,
        tag: "gray",
        disabled: false,
        registry: "test",
        params: { lane: "v2", token: "[redacted]", "dubbo.tag": "gray" },
      },
    ]);
  },
);

test("without a service all endpoints are listed, with one that is not known none", () => {
  expect(viewEndpoints(adminSnapshot, undefined)).toHaveLength(2);
  expect(viewEndpoints(adminSnapshot, "x")).toEqual([]);
});

test("an endpoint says which workers send it no calls for now", () => {
  const one = { cluster: "c", host: "com.acme.orderservice-1-0-0", address: "10.0.0.1", port: 20_880, ejections: 1 };
  const worker = (name: string, subset: string, untilMs: number) => ({
    worker: name,
    calls: [],
    counters: {},
    gauges: {},
    ejected: [{ ...one, subset, untilMs }],
  });
  const stats = [worker("a", "", 0), worker("b", "v2", 1_000), { worker: "c", calls: [], counters: {}, gauges: {} }];
  expect(viewEndpoints(adminSnapshot, undefined, stats).map(({ ejected }) => ejected)).toEqual([
    [
      { worker: "a", subset: "", until: "1970-01-01T00:00:00.000Z" },
      { worker: "b", subset: "v2", until: "1970-01-01T00:00:01.000Z" },
    ],
    undefined,
  ]);
});

test("an endpoint says where it is, as far as its registry does", () => {
  const [entry] = adminSnapshot.entries;
  const [endpoint] = entry!.endpoints;
  const params = { ...endpoint!.params, region: "north", zone: "n1" };
  const snapshot = { ...adminSnapshot, entries: [{ ...entry!, endpoints: [{ ...endpoint!, params }, endpoint!] }] };
  expect(viewEndpoints(snapshot, undefined).map(({ locality }) => locality)).toEqual(["north/n1", undefined]);
});

test("endpoints of a service with several priorities say theirs", () => {
  const [entry] = adminSnapshot.entries;
  const [endpoint] = entry!.endpoints;
  const far = { ...endpoint!, address: "10.0.0.99" };
  const snapshot = { ...adminSnapshot, entries: [{ ...entry!, endpoints: [endpoint!, far] }] };
  const prioritiesOf = (priority: number) => {
    const group = (of: typeof far, rank: number) => ({
      priority: rank,
      lbEndpoints: [{ endpoint: { address: { socketAddress: { address: of.address, portValue: of.port } } } }],
    });
    const name = `outbound|20880||${entry!.host}`;
    const resource = { clusterName: name, endpoints: [group(endpoint!, 0), group(far, priority)] };
    const resources = { endpoints: [{ name, version: "1", resource }] } as unknown as ResourceSet;
    return viewEndpoints(snapshot, undefined, [], resources).map((one) => one.priority);
  };
  expect(prioritiesOf(1)).toEqual([0, 1]);
  expect(prioritiesOf(0)).toEqual([undefined, undefined]);
});

test("routes are told in words, in their order", () => {
  expect(viewRoutes(sources.resources())).toEqual([
    {
      host: "com.acme.orderservice-1-0-0",
      service: "com.acme.OrderService:1.0.0",
      route: "orders/0",
      match: "/com.acme.OrderService/createOrder and x-user = a and not (x-lane is there)",
      to: "outbound|20880|v2|com.acme.orderservice-1-0-0 90%, outbound|20880||com.acme.orderservice-1-0-0 10%",
      policies: "timeout 2s; retries 2 on reset, each at another provider; delay 1s; abort grpc 14",
      at: "r.yaml:6",
    },
    {
      host: "com.acme.orderservice-1-0-0",
      service: "com.acme.OrderService:1.0.0",
      route: "orders/1",
      match: "every call",
      to: "outbound|20880||com.acme.orderservice-1-0-0",
      policies: "",
      at: "r.yaml:6",
    },
  ]);
  expect(viewRoutes(undefined)).toEqual([]);
});

test.each([
  ["{delay: {fixedDelay: 1s, percentage: {value: 12.5}}}", "delay 1s for 12.5%"],
  ["{delay: {fixedDelay: 1s, percent: 100}}", "delay 1s"],
  ["{abort: {httpStatus: 503, percent: 7}}", "abort 503 for 7%"],
  ["{abort: {httpStatus: 503, percentage: {}}}", "abort 503 for 0%"],
])("a fault %s is told as %s", (fault, policies) => {
  const http = `[{fault: ${fault}, route: [{destination: {host: com.acme.StockService}}]}]`;
  const rules = rulesOf(virtualServiceText("s", "[com.acme.StockService]", http));
  const node = { id: "n", dubbo: [] };
  const routes = viewRoutes(compile(createSnapshot(adminSnapshot.entries, rules, ["dubbo", "tri"]), node));
  expect(routes.find(({ service }) => service === "com.acme.StockService")?.policies).toBe(policies);
});

test("rules are listed with their place and the services that they are in force for", () => {
  expect(viewRules(adminSnapshot, sources.rules())).toEqual([
    {
      kind: "VirtualService",
      name: "orders",
      namespace: "default",
      hosts: ["com.acme.OrderService"],
      at: "r.yaml:1:1",
      services: ["com.acme.orderservice-1-0-0"],
      newest: true,
    },
    {
      kind: "DestinationRule",
      name: "lanes",
      namespace: "default",
      hosts: ["com.acme.OrderService"],
      at: "r.yaml:8:1",
      services: ["com.acme.orderservice-1-0-0"],
      newest: true,
    },
  ]);
});

test("rules that are for the mesh's namespace, or for another alone, are in force for their services", () => {
  const text = (name: string, exportTo: string) =>
    virtualServiceText(name, "[com.acme.StockService]", "[{route: [{destination: {host: com.acme.StockService}}]}]")
      .replace("}", ", namespace: shop}")
      .replace("spec:", `spec:\n  exportTo: ["${exportTo}"]`);
  const rules = rulesOf(text("own", "."), text("far", "edge"));
  const mesh = { ...DEFAULT_MESH, namespace: "shop" };
  const snapshot = createSnapshot(adminSnapshot.entries, rules, ["tri"], [], mesh);
  expect(viewRules(snapshot, { ...sources.rules(), rules }).map(({ services }) => services)).toEqual([
    ["com.acme.stockservice"],
    ["com.acme.stockservice"],
  ]);
  expect(viewServices(snapshot, new Map()).map(({ virtualService }) => virtualService)).toEqual(["", "own"]);
});

test("a delegate is in force for the services of those that delegate to it, where they have a route of it", () => {
  const root = virtualServiceText(
    "root",
    "[com.acme.OrderService]",
    "[{match: [{method: {exact: get}}], delegate: {name: used}}, {match: [{method: {exact: get}}], delegate: {name: other}}]",
  );
  const delegate = (name: string, method: string) =>
    virtualServiceText(
      name,
      "[]",
      `[{match: [{method: {exact: ${method}}}], route: [{destination: {host: com.acme.OrderService}}]}]`,
    );
  const rules = rulesOf([root, delegate("used", "get"), delegate("other", "put")].join("---\n"));
  const snapshot = createSnapshot(adminSnapshot.entries, rules);
  expect(viewRules(snapshot, { ...sources.rules(), rules }).map(({ name, services }) => [name, services])).toEqual([
    ["root", ["com.acme.orderservice-1-0-0"]],
    ["used", ["com.acme.orderservice-1-0-0"]],
    ["other", []],
  ]);
});

test("a RestMapping is in force for the service that it makes", () => {
  const rules = rulesOf(`apiVersion: trestle.io/v1alpha1
kind: RestMapping
metadata: {name: c}
spec:
  interface: com.acme.Stock
  endpoints: [{address: 10.0.0.3, port: 80}]
  methods: [{name: get, http: GET /}]`);
  const entries = withRestMappings([], rules, ({ interface: name }) => name.toLowerCase());
  expect(viewRules(createSnapshot(entries, rules), { ...sources.rules(), rules })).toMatchObject([
    { kind: "RestMapping", hosts: ["com.acme.Stock"], services: ["com.acme.stock"] },
  ]);
});

test("a rule of a file whose newest text is wrong is told to be old", () => {
  const set = sources.rules();
  const broken = { ...set, files: set.files.map((file) => ({ ...file, valid: false })) };
  expect(viewRules(adminSnapshot, broken).map(({ newest }) => newest)).toEqual([false, false]);
});

test("consumers are listed once each, in order, of one service by its key or interface", () => {
  const all = [...sources.consumers!(), ...sources.consumers!()].reverse();
  const shop = { service: "com.acme.OrderService:1.0.0", application: "shop", address: "10.0.0.4" };
  const go = { service: "*/com.acme.StockService:*", application: "go", address: "" };
  expect(viewConsumers(all, undefined)).toEqual([go, shop]);
  expect(viewConsumers(all, "com.acme.stockservice")).toEqual([go]);
  expect(viewConsumers(all, "com.acme.OrderService:1.0.0")).toEqual([shop]);
  expect(viewConsumers(all, "com.acme.OrderService:2.0.0")).toEqual([]);
});
