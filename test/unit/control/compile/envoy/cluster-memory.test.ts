import { expect, test } from "vitest";
import { clusterNameOf, compileCluster } from "../../../../../src/control/compile/clusters.ts";
import { compileEndpoints } from "../../../../../src/control/compile/endpoints.ts";
import { ClusterMemory, clusterNames } from "../../../../../src/control/compile/envoy/cluster-memory.ts";
import type { Entry } from "../../../../../src/model/entry.ts";
import { entryOf } from "../../../../support/rule-cases.ts";

function compiled(entry: Entry, memory = new ClusterMemory()) {
  const name = clusterNameOf(entry, "");
  const cluster = { name, version: "1", resource: compileCluster(entry, "", undefined) };
  const endpoints = { name, version: "1", resource: compileEndpoints(name, entry.endpoints) };
  return { again: () => memory.compile(cluster, endpoints, entry), made: memory.compile(cluster, endpoints, entry) };
}

test("a service has a cluster for each of its ports, with the providers of that protocol", () => {
  const { made } = compiled(entryOf("com.acme.A", ["dubbo://10.0.0.1:20880", "tri://10.0.0.1:50051"]));
  expect(made.map(({ cluster }) => cluster.name)).toEqual(["outbound|20880||com.acme.a", "outbound|50051||com.acme.a"]);
  const ports = made.map(({ endpoints }) => JSON.stringify(endpoints).match(/portValue":\d+/g));
  expect(ports).toEqual([['portValue":20880'], ['portValue":50051']]);
});

test("protocols that share a port share its cluster", () => {
  const { made } = compiled(entryOf("com.acme.A", ["dubbo://10.0.0.1:20880", "tri://10.0.0.1:20880"]));
  expect(made).toHaveLength(1);
  expect(made[0]!.cluster.resource).toHaveProperty("typedExtensionProtocolOptions");
  expect(JSON.stringify(made[0]!.endpoints).match(/portValue/g)).toHaveLength(1);
});

test("providers by DNS name stand in the cluster, without an endpoint list of their own", () => {
  const { made } = compiled(entryOf("orders", ["http://orders.example.com:80"]));
  expect(made).toMatchObject([{ cluster: { resource: { type: "STRICT_DNS" } } }]);
  expect(made[0]!.endpoints).toBeUndefined();
});

test("what did not change is not made again", () => {
  const { made, again } = compiled(entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"]));
  expect(again()).toBe(made);
});

test("names of destinations are those of the providers that can be asked", () => {
  const all = [
    entryOf("com.acme.A", ["dubbo://h:1", "tri://h:2"]),
    entryOf("com.acme.B", ["dubbo://h:3"]),
    entryOf("com.acme.C", []),
  ];
  const byHost = new Map(all.map((entry) => [entry.host, entry]));
  const name = (spoken: "dubbo" | "tri", of: string) => clusterNames(byHost, spoken)(of);
  expect(name("tri", "outbound|1|v1|com.acme.a")).toBe("outbound|2|v1|com.acme.a");
  expect(name("dubbo", "outbound|1|v1|com.acme.a")).toBe("outbound|1|v1|com.acme.a");
  expect(name("tri", "outbound|3||com.acme.b")).toBeUndefined();
  expect(name("tri", "outbound|20880||com.acme.c")).toBe("outbound|20880||com.acme.c");
  expect(name("tri", "outbound|20880||nobody")).toBe("outbound|20880||nobody");
});

test("a service's ports may change while a subset's providers stay: its clusters are made anew", () => {
  const before = entryOf("com.acme.A", ["tri://10.0.0.1:50051", "tri://10.0.0.2:50050"]);
  const after = entryOf("com.acme.A", ["tri://10.0.0.1:50051"]);
  const memory = new ClusterMemory();
  const name = clusterNameOf(before, "v1");
  const cluster = { name, version: "1", resource: compileCluster(before, "v1", undefined) };
  const endpoints = { name, version: "1", resource: compileEndpoints(name, after.endpoints) };
  const names = (entry: Entry) => memory.compile(cluster, endpoints, entry).map((one) => one.cluster.name);
  expect(names(before)).toEqual(["outbound|50050|v1|com.acme.a"]);
  expect(names(after)).toEqual(["outbound|50051|v1|com.acme.a"]);
});

test("a further port's cluster has its service's name, as Istio's have", () => {
  const entry = { ...entryOf("shop:9090", ["http://10.0.0.1:9090"]), host: "shop:9090", portOf: "shop" };
  const { made } = compiled(entry);
  expect(made.map(({ cluster }) => cluster.name)).toEqual(["outbound|9090||shop"]);
  const clusterOf = clusterNames(new Map([[entry.host, entry]]), "http");
  expect(clusterOf("outbound|9090|v1|shop:9090")).toBe("outbound|9090|v1|shop");
});
