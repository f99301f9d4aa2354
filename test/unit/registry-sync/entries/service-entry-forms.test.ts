import { expect, test } from "vitest";
import type { Endpoint } from "../../../../src/model/entry.ts";
import { fromServiceEntry, toServiceEntry } from "../../../../src/registry-sync/entries/service-entry.ts";
import { formOf, objectNameOf } from "../../../../src/registry-sync/entries/service-entry-forms.ts";
import { createShape } from "../../../../src/registry-sync/merge/shape.ts";
import { isDnsSubdomain } from "../../../../src/registry-sync/naming/kubernetes-names.ts";
import { createNaming, type NamingStyle } from "../../../../src/registry-sync/naming/naming-styles.ts";
import { styleLabels } from "../../../../src/registry-sync/naming/style-labels.ts";
import { endpoint, entry, world } from "../../../support/worlds.ts";

/** What Trestle writes of one service in a style. */
function written(style: NamingStyle, scheme: string, service: string, endpoints: readonly Endpoint[]) {
  const shape = createShape({
    registry: "legacy",
    naming: createNaming(style, { scheme }),
    labels: styleLabels(style, scheme, "legacy"),
  });
  const [made] = shape.apply(world("legacy", entry(service, endpoints))).entries;
  const document = toServiceEntry(made!, "trestle", { style, schemeOf: () => scheme });
  return { made: made!, document };
}

const params = { application: "shop", methods: "a,b", aeraki_meta_locality: "cn%2Fhz", aeraki_meta_app_version: "v2" };
const dubbo = [endpoint("10.0.0.1", { params }), endpoint("10.0.0.2:20881")];
const http = [endpoint("10.0.0.1:8080", { protocol: "http" }), endpoint("10.0.0.2:8081", { protocol: "http" })];

test("dubbo2istio: one TCP port, Aeraki's labels, locality and service account", () => {
  const { document } = written("dubbo2istio", "zookeeper", "g/com.acme.OrderService:1.0.0", dubbo);
  expect(document.metadata).toMatchObject({
    name: "aeraki-com-acme-orderservice-g-1-0-0",
    labels: { manager: "aeraki", registry: "dubbo2istio", "trestle.io/owner": "trestle" },
    annotations: { interface: "com.acme.OrderService", workloadSelector: "" },
  });
  expect(document.spec).toMatchObject({
    hosts: ["com.acme.orderservice-g-1-0-0"],
    location: "MESH_INTERNAL",
    resolution: "STATIC",
    ports: [{ number: 20880, name: "tcp-dubbo", protocol: "tcp" }],
    endpoints: [
      {
        address: "10.0.0.1",
        ports: { "tcp-dubbo": 20880 },
        serviceAccount: "default",
        locality: "cn/hz",
        labels: { application: "shop", version: "v2", registryName: "legacy" },
      },
      { address: "10.0.0.2", ports: { "tcp-dubbo": 20881 }, serviceAccount: "default" },
    ],
  });
});

test("slime, ZooKeeper: every instance's port is one of the service", () => {
  const { document } = written("slime", "zookeeper", "com.acme.OrderService:1.0.0", dubbo);
  expect(document.spec).toMatchObject({
    hosts: ["com.acme.OrderService::1.0.0"],
    location: "MESH_EXTERNAL",
    ports: [
      { number: 20880, name: "dubbo-20880", protocol: "DUBBO" },
      { number: 20881, name: "dubbo-20881", protocol: "DUBBO" },
    ],
    endpoints: [
      { ports: { "dubbo-20880": 20880, "dubbo-20881": 20880 } },
      { ports: { "dubbo-20880": 20881, "dubbo-20881": 20881 } },
    ],
  });
  expect(isDnsSubdomain(document.metadata.name)).toBe(true);
});

test("slime, Nacos: port 80 beside those of the instances", () => {
  const { document } = written("slime", "nacos", "order", http);
  expect(document.spec).toMatchObject({
    hosts: ["order.nacos.svc.cluster.local"],
    ports: [
      { number: 80, name: "http-80", protocol: "HTTP" },
      { number: 8080, name: "http-8080" },
      { number: 8081, name: "http-8081" },
    ],
    endpoints: [{ ports: { "http-80": 8080, "http-8080": 8080, "http-8081": 8080 } }, { ports: { "http-80": 8081 } }],
  });
});

test.each([
  [
    "zookeeper",
    "com.acme.OrderService:1.0.0",
    dubbo,
    "providers:com.acme.OrderService:1.0.0:.zookeeper",
    20880,
    "Dubbo",
  ],
  ["nacos", "order", http, "order.DEFAULT-GROUP.public.nacos", 8080, "HTTP"],
  ["eureka", "order", http, "ORDER.eureka", 8080, "HTTP"],
  [
    "nacos",
    "a.B",
    [endpoint("10.0.0.1:50051", { protocol: "tri" })],
    "providers:a.B::.DEFAULT-GROUP.public.nacos",
    50051,
    "GRPC",
  ],
] as const)("higress, %s: %s", (scheme, service, endpoints, host, number, word) => {
  const { document } = written("higress", scheme, service, endpoints);
  expect(document.spec).toMatchObject({
    hosts: [host],
    location: "MESH_INTERNAL",
    ports: [{ number, name: word, protocol: word }],
  });
  expect(document.spec.endpoints[0]!.ports).toEqual({ [word]: endpoints[0]!.port });
});

test("nacos-istio: the first instance's port, the protocol in capitals, the label of Nacos", () => {
  const { document } = written("nacos-istio", "nacos", "order", http);
  expect(document.metadata.labels).toMatchObject({ registryType: "nacos" });
  expect(document.spec).toMatchObject({
    hosts: ["order.DEFAULT-GROUP.public.nacos"],
    ports: [{ number: 8080, name: "http", protocol: "HTTP" }],
    endpoints: [{ ports: { http: 8080 } }, { ports: { http: 8081 } }],
  });
});

test.each(["dubbo2istio", "slime", "higress", "nacos-istio"] as const)(
  "%s: what was written is read back as it was, so that nothing is written twice",
  (style) => {
    for (const [scheme, service, endpoints] of [
      ["zookeeper", "g/com.acme.OrderService:1.0.0", dubbo],
      ["nacos", "order", http],
    ] as const) {
      const { made, document } = written(style, scheme, service, endpoints);
      const read = fromServiceEntry(JSON.parse(JSON.stringify(document)))!.entry;
      expect(read).toEqual({
        ...made,
        endpoints: made.endpoints.map((one) => ({ ...one, params: { ...one.params } })),
      });
      expect(toServiceEntry(read, "trestle", { style, schemeOf: () => scheme })).toEqual(document);
    }
  },
);

test("no other tool's form is used for what that tool never wrote", () => {
  const spring = entry("order", http);
  const style = (name: NamingStyle, scheme: string) => ({ style: name, schemeOf: () => scheme });
  expect(formOf(spring, http, "http", style("dubbo2istio", "nacos"))).toBeUndefined();
  expect(formOf(spring, http, "http", style("slime", "zookeeper"))).toBeUndefined();
  expect(formOf(spring, http, "http", style("nacos-istio", "eureka"))).toBeUndefined();
  expect(formOf(spring, http, "http", style("trestle", "nacos"))).toBeUndefined();
});

test("an object's name is always legal, and told apart", () => {
  const hosts = ["a.b", "a:b", "a_b", "::", `${"x".repeat(300)}:y`, "A.b", "-.-", "providers:a.b:1.0:.nacos"];
  const names = hosts.map(objectNameOf);
  expect(names[0]).toBe("a.b");
  for (const [index, name] of names.entries()) expect(isDnsSubdomain(name), hosts[index]).toBe(true);
  expect(new Set(names).size).toBe(hosts.length);
});
