import { expect, test } from "vitest";
import { Cluster, type HostPools } from "../../../../src/bridge-proxy/upstream/cluster.ts";
import { clusterOf, endpointsOf } from "../../../support/xds-fixtures.ts";

const KEY = "com.acme.A";

function poolsOf(): HostPools {
  return { dubbo: poolOf(), tri: poolOf(), http: poolOf() } as unknown as HostPools;
}

function poolOf(): object {
  const hosts = new Map<string, object>();
  const host = (address: string, port: number) => {
    const key = `${address}:${port}`;
    if (!hosts.has(key)) hosts.set(key, { address, port, active: 0, state: "ready", warm() {} });
    return hosts.get(key);
  };
  return { host, version: 0 };
}

test("endpoints keep what providers say of themselves; unhealthy ones are left out", () => {
  const assignment = endpointsOf(KEY, "", [
    { port: 1, weight: 5, tag: "a", token: "t", warmupMs: 9, startedAtMs: 8, payloadBytes: 7 },
    { port: 2 },
  ]);
  const second = { ...assignment.endpoints[0]!.lbEndpoints[1]!, healthStatus: "UNHEALTHY" as const };
  const cluster = new Cluster(
    clusterOf(KEY),
    { ...assignment, endpoints: [{ lbEndpoints: [assignment.endpoints[0]!.lbEndpoints[0]!, second] }] },
    poolsOf(),
  );
  expect(cluster.dubbo.endpoints).toMatchObject([
    { weight: 5, tag: "a", token: "t", warmupMs: 9, startedAtMs: 8, payloadBytes: 7, host: { port: 1 } },
  ]);
});

test("clusters that list one address share its host", () => {
  const pools = poolsOf();
  const one = new Cluster(clusterOf(KEY), endpointsOf(KEY, "", [{ port: 1 }, { port: 2 }]), pools);
  const two = new Cluster(clusterOf(KEY, "v2"), endpointsOf(KEY, "v2", [{ port: 2 }]), pools);
  expect(two.dubbo.endpoints[0]!.host).toBe(one.dubbo.endpoints[1]!.host);
});

test("without endpoints it has nobody to choose", () => {
  const cluster = new Cluster(clusterOf(KEY), undefined, poolsOf());
  expect(cluster.dubbo.untagged.pick(0, Math.random)).toBeUndefined();
  expect([cluster.hasTags, cluster.dubbo.setsToken, cluster.maxRequests]).toEqual([
    false,
    false,
    Number.POSITIVE_INFINITY,
  ]);
});

test("Dubbo's rule of tags: those with the tag, else those without any, unless it is forced", () => {
  const cluster = new Cluster(clusterOf(KEY), endpointsOf(KEY, "", [{ port: 1 }, { port: 2, tag: "gray" }]), poolsOf());
  const ports = (tag: string, forced = false) =>
    cluster.dubbo.forTag(tag, forced)?.endpoints.map(({ host }) => host.port);
  expect([ports(""), ports("gray"), ports("gray", true), ports("blue"), ports("blue", true)]).toEqual([
    [1],
    [2],
    [2],
    [1],
    undefined,
  ]);
});

test("endpoints are apart by what they speak, and a change of that is told", () => {
  const dubbo = { port: 1 };
  const tri = { port: 2, protocol: "tri" as const };
  const cluster = new Cluster(clusterOf(KEY), endpointsOf(KEY, "", [dubbo, tri]), poolsOf());
  const kinds = () => [
    cluster.dubbo.endpoints.length,
    cluster.tri.endpoints.length,
    cluster.bridgesTriple,
    cluster.bridgesDubbo,
  ];
  expect(kinds()).toEqual([1, 1, false, false]);
  expect(cluster.update(endpointsOf(KEY, "", [dubbo]))).toBe(true);
  expect(kinds()).toEqual([1, 0, true, false]);
  expect(cluster.update(endpointsOf(KEY, "", [tri]))).toBe(true);
  expect(kinds()).toEqual([0, 1, false, true]);
  expect(cluster.update(endpointsOf(KEY, "", [tri, { ...tri, port: 3 }]))).toBe(false);
  expect(cluster.update(undefined)).toBe(true);
  expect(kinds().slice(0, 2)).toEqual([0, 0]);
});

test("calls are led to the other protocol's endpoints where none of their own can be reached", () => {
  const cluster = new Cluster(
    clusterOf(KEY),
    endpointsOf(KEY, "", [{ port: 1 }, { port: 2, protocol: "tri" }]),
    poolsOf(),
  );
  const set = (group: "dubbo" | "tri", state: string) => Object.assign(cluster[group].endpoints[0]!.host, { state });
  const bridged = () => [cluster.bridgesDubbo, cluster.bridgesTriple];
  set("dubbo", "down");
  expect(bridged()).toEqual([true, false]);
  set("tri", "down");
  expect(bridged()).toEqual([false, false]);
  set("dubbo", "ready");
  expect(bridged()).toEqual([false, true]);
});

test("it says why it takes no call", () => {
  const cluster = new Cluster(clusterOf(KEY, "v2", { maxRequests: 2 }), undefined, poolsOf());
  expect(cluster.noProvider).toBe(`no provider of ${cluster.service.host} in subset v2`);
  cluster.waiting = 1;
  expect(cluster.overLimit).toBeUndefined();
  cluster.waiting = 2;
  expect(cluster.overLimit).toBe(`${cluster.name} has 2 calls waiting, its limit`);
});
