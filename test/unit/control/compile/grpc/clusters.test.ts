import { expect, test } from "vitest";
import type { Cluster } from "../../../../../src/codecs/xds/cluster.ts";
import type { ClusterLoadAssignment } from "../../../../../src/codecs/xds/endpoint.ts";
import { compileEndpoints } from "../../../../../src/control/compile/endpoints.ts";
import { grpcCluster } from "../../../../../src/control/compile/grpc/clusters.ts";
import { endpointOf } from "../../../../support/rule-cases.ts";
import { clusterOf } from "../../../../support/xds-fixtures.ts";

const at = (...urls: string[]) => compileEndpoints("c", urls.map(endpointOf)).endpoints[0]!.lbEndpoints;
const make = (cluster: Partial<Cluster>, endpoints: ClusterLoadAssignment["endpoints"] = []) =>
  grpcCluster({ ...clusterOf("com.acme.A"), ...cluster }, { clusterName: "c", endpoints }, "n", ["tri"]);

test("a cluster has what gRPC reads and nothing that it refuses", () => {
  const transportSocket = { name: "envoy.transport_sockets.tls" } as unknown as NonNullable<Cluster["transportSocket"]>;
  const circuitBreakers = { thresholds: [{ maxRequests: 5, maxConnections: 1 }] as const };
  const outlierDetection = { consecutive5xx: 5, interval: "10s", enforcingSuccessRate: 0 };
  expect(make({ connectTimeout: "1s", transportSocket, circuitBreakers, outlierDetection }).cluster).toEqual({
    name: "n",
    type: "EDS",
    edsClusterConfig: { edsConfig: { ads: {}, resourceApiVersion: "V3" } },
    lbPolicy: "ROUND_ROBIN",
    circuitBreakers: { thresholds: [{ maxRequests: 5 }] },
    outlierDetection: { interval: "10s", enforcingSuccessRate: 0 },
  });
});

test.each([
  ["RANDOM", "ROUND_ROBIN"],
  ["LEAST_REQUEST", "ROUND_ROBIN"],
  ["RING_HASH", "RING_HASH"],
  ["MAGLEV", "RING_HASH"],
] as const)("%s is %s", (lbPolicy, expected) => {
  expect(make({ lbPolicy }).cluster["lbPolicy"]).toBe(expected);
});

test("a ring is no larger than gRPC takes", () => {
  const ringHashLbConfig = { minimumRingSize: 1024, maximumRingSize: 99_999_999 };
  expect(make({ lbPolicy: "RING_HASH", ringHashLbConfig }).cluster["ringHashLbConfig"]).toEqual({
    minimumRingSize: "1024",
    maximumRingSize: "8388608",
  });
});

test("each locality stands once, with a weight; empty ones are gone and priorities have no gaps", () => {
  const { endpoints } = make({}, [
    { lbEndpoints: at("tri://10.0.0.1:1"), priority: 3, locality: { zone: "a" } },
    { lbEndpoints: at("dubbo://10.0.0.2:1"), priority: 0 },
    { lbEndpoints: at("tri://10.0.0.3:1"), priority: 3, locality: { zone: "a" }, loadBalancingWeight: 4 },
    { lbEndpoints: at("tri://10.0.0.4:1"), priority: 5 },
  ]);
  expect(endpoints).toMatchObject({
    endpoints: [
      { locality: { zone: "a" }, priority: 0, loadBalancingWeight: 5 },
      { locality: {}, priority: 1, loadBalancingWeight: 1 },
    ],
  });
  expect(JSON.stringify(endpoints).match(/10\.0\.0\.\d/g)).toEqual(["10.0.0.1", "10.0.0.3", "10.0.0.4"]);
});

test("one DNS name is the cluster's own address; beside others names are left out", () => {
  const one = make({}, [{ lbEndpoints: at("tri://orders.example.com:1") }]);
  expect([one.cluster["type"], one.endpoints]).toEqual(["LOGICAL_DNS", undefined]);
  const two = make({}, [{ lbEndpoints: at("tri://orders.example.com:1", "tri://10.0.0.1:1") }]);
  expect(JSON.stringify(two.endpoints)).not.toContain("example");
});
