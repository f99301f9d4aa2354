import { expect, test } from "vitest";
import { originOf } from "../../../../../src/codecs/xds/origins.ts";
import { encodeResource } from "../../../../../src/codecs/xds/resource-bytes.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "../../../../../src/codecs/xds/resources.ts";
import type { ServedSet } from "../../../../../src/codecs/xds/served.ts";
import { createCompiler } from "../../../../../src/control/compile/compiler.ts";
import { createGrpcCompiler } from "../../../../../src/control/compile/grpc/target.ts";
import type { Entry } from "../../../../../src/model/entry.ts";
import { createSnapshot } from "../../../../../src/model/snapshot.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { rulesOf } from "../../../../support/rules.ts";

const services: Readonly<Record<string, readonly string[]>> = {
  "com.acme.Old": ["dubbo://10.0.0.1:20880"],
  "com.acme.Stock:1.0.0": ["dubbo://10.0.0.2:20880", "tri://10.0.0.2:50051"],
};

function createTarget() {
  const [base, target] = [createCompiler(), createGrpcCompiler()];
  return (of = services) => {
    const snapshot = createSnapshot(
      Object.entries(of).map(([key, urls]) => entryOf(key, urls)),
      [],
      ["dubbo", "tri", "http"],
    );
    return target(base(snapshot, { id: "any", dubbo: [] }), snapshot.entries);
  };
}

const names = (set: ServedSet, type: string) => set.types.get(type)!.map(({ name }) => name);

test("a service that speaks gRPC has a listener for each of its names, with routes, a cluster and endpoints", () => {
  const set = createTarget()();
  expect(names(set, LISTENER_TYPE)).toEqual(["com.acme.stock-1-0-0:50051", "com.acme.stock:50051"]);
  const own = ["outbound|50051||com.acme.stock-1-0-0"];
  expect([names(set, ROUTE_TYPE), names(set, CLUSTER_TYPE), names(set, ENDPOINT_TYPE)]).toEqual([own, own, own]);
  for (const [type, list] of set.types)
    for (const { resource } of list) expect(encodeResource(type, resource).length).toBeGreaterThan(0);
});

test("other spellings of its names, and servers' listeners, are found when they are asked for", () => {
  const { find } = createTarget()();
  expect(find!(LISTENER_TYPE, "com.acme.Stock:50051")).toMatchObject({ name: "com.acme.Stock:50051" });
  expect(find!(LISTENER_TYPE, "com.acme.Stock:1")).toMatchObject({ name: "com.acme.Stock:1" });
  expect(find!(LISTENER_TYPE, "com.acme.stock")).toMatchObject({
    resource: { apiListener: { apiListener: { rds: { routeConfigName: "outbound|50051||com.acme.stock-1-0-0" } } } },
  });
  expect(find!(LISTENER_TYPE, "xds.istio.io/grpc/lds/inbound/0.0.0.0:1")).toBeDefined();
  expect(find!(LISTENER_TYPE, "com.acme.Old:20880")).toBeUndefined();
  expect(find!(CLUSTER_TYPE, "com.acme.Stock:50051")).toBeUndefined();
});

test("of what did not change nothing is made again", () => {
  const target = createTarget();
  const before = target();
  const after = target({ ...services, "com.acme.Stock:1.0.0": ["tri://10.0.0.9:50051"] });
  expect(after.types.get(LISTENER_TYPE)).toBe(before.types.get(LISTENER_TYPE));
  expect(after.types.get(ROUTE_TYPE)).toBe(before.types.get(ROUTE_TYPE));
  expect(after.types.get(ENDPOINT_TYPE)).not.toBe(before.types.get(ENDPOINT_TYPE));
  expect(after.version).not.toBe(before.version);
});

test("a cluster that a client refuses is known by the rule that it was made of", () => {
  const entries = [entryOf("com.acme.Stock:1.0.0", ["tri://10.0.0.1:50051"])];
  const rule =
    "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: pool}\nspec: {host: com.acme.Stock, trafficPolicy: {connectionPool: {http: {http2MaxRequests: 5}}}}\n";
  const snapshot = createSnapshot(entries, rulesOf(rule), ["dubbo", "tri", "http"]);
  const set = createGrpcCompiler()(createCompiler()(snapshot, { id: "any", dubbo: [] }), entries);
  const [cluster] = set.types.get(CLUSTER_TYPE)!;
  expect(cluster!.resource).toMatchObject({ circuitBreakers: { thresholds: [{ maxRequests: 5 }] } });
  expect(originOf(cluster!.resource)).toMatchObject({ rule: "pool" });
});

test("a further port is asked for by its number", () => {
  const [base, target] = [createCompiler(), createGrpcCompiler()];
  const [first, second] = ["tri://10.0.0.1:1", "tri://10.0.0.1:2"].map((url) => entryOf("Shop", [url])) as [
    Entry,
    Entry,
  ];
  const further = { ...second, host: "shop:2", service: { ...second.service, version: "2" }, portOf: "shop" };
  const snapshot = createSnapshot([first, further], [], ["tri"]);
  const set = target(base(snapshot, { id: "any", dubbo: [] }), snapshot.entries);
  expect(names(set, LISTENER_TYPE)).toEqual(["shop:1", "shop:2"]);
  expect(names(set, CLUSTER_TYPE)).toEqual(["outbound|1||shop", "outbound|2||shop"]);
  const routesFor = (name: string) => JSON.stringify(set.find!(LISTENER_TYPE, name)).match(/outbound\|\d/)?.[0];
  expect(["Shop", "Shop:2", "shop:3"].map(routesFor)).toEqual(["outbound|1", "outbound|2", "outbound|1"]);
});
