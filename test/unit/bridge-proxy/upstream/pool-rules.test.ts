import { expect, test } from "vitest";
import { compilePool, PoolBudget } from "../../../../src/bridge-proxy/upstream/pool-rules.ts";
import { type Cluster, HTTP_PROTOCOL_OPTIONS, type HttpProtocolOptions } from "../../../../src/codecs/xds/cluster.ts";
import { clusterOf } from "../../../support/xds-fixtures.ts";

const NONE = Number.POSITIVE_INFINITY;

function rulesOf(extra: Partial<Cluster>, name = "") {
  return compilePool({ ...clusterOf("com.acme.A", name), ...extra }, undefined);
}

function options(said: HttpProtocolOptions): Partial<Cluster> {
  return { typedExtensionProtocolOptions: { [HTTP_PROTOCOL_OPTIONS]: said } };
}

test.each<[string, Partial<Cluster>]>([
  ["nothing said", {}],
  [
    "times and numbers of 0",
    { connectTimeout: "0s", ...options({ commonHttpProtocolOptions: { idleTimeout: "0s" } }) },
  ],
  ["limits that are none", { circuitBreakers: { thresholds: [{ maxConnections: 4_294_967_295, maxRequests: 5 }] } }],
])("connections are shared with other clusters: %s", (_, extra) => {
  expect(rulesOf(extra)).toBeUndefined();
});

test("what is said of connections is compiled", () => {
  expect(
    rulesOf({
      connectTimeout: "0.5s",
      upstreamConnectionOptions: { tcpKeepalive: { keepaliveTime: 30, keepaliveProbes: 3 } },
      ...options({
        commonHttpProtocolOptions: { idleTimeout: "5s", maxConnectionDuration: "60s", maxRequestsPerConnection: 7 },
        explicitHttpConfig: { http2ProtocolOptions: { maxConcurrentStreams: 9 } },
      }),
    }),
  ).toMatchObject({
    connectTimeoutMs: 500,
    keepAliveMs: 30_000,
    idleMs: 5_000,
    maxAgeMs: 60_000,
    maxCalls: 7,
    maxStreams: 9,
    budget: { maxPending: NONE, isFull: false, overPending: undefined },
  });
  expect(rulesOf({ upstreamConnectionOptions: { tcpKeepalive: {} } })?.keepAliveMs).toBe(7_200_000);
});

test("clusters that say the same share connections, unless those are counted", () => {
  const timed = { connectTimeout: "1s" };
  const counted = { circuitBreakers: { thresholds: [{ maxConnections: 1 }] as const } };
  expect(rulesOf(timed, "v1")!.key).toBe(rulesOf(timed, "v2")!.key);
  expect(rulesOf(timed)!.key).not.toBe(rulesOf({ connectTimeout: "2s" })!.key);
  expect(rulesOf(counted, "v1")!.key).not.toBe(rulesOf(counted, "v2")!.key);
});

test("a cluster in the place of one that said the same goes on with its counts", () => {
  const cluster = { ...clusterOf("com.acme.A"), connectTimeout: "1s" };
  const before = compilePool(cluster, undefined);
  expect(compilePool({ ...cluster }, before)).toBe(before);
  expect(compilePool({ ...cluster, connectTimeout: "2s" }, before)).not.toBe(before);
});

test("connections count over all providers, and so do calls that wait for one, in a line or at one that is being made", () => {
  const budget = new PoolBudget("outbound", 3, 2);
  const [one, two] = [
    { connectionCount: 1, waitingCalls: 0 },
    { connectionCount: 1, waitingCalls: 0 },
  ];
  budget.add(one);
  budget.add(two);
  expect(budget.isFull).toBe(false);
  one.connectionCount = 2;
  expect(budget.isFull).toBe(true);
  budget.delete(two);
  expect(budget.isFull).toBe(false);
  budget.pending = 1;
  expect(budget.overPending).toBeUndefined();
  one.waitingCalls = 1;
  expect(budget.overPending).toBe("outbound has 2 calls waiting for a connection, its limit");
});
