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

test("turns of round robin go on while endpoints are listed anew, and in the cluster that takes its place", () => {
  const resource = { ...clusterOf(KEY), lbPolicy: "ROUND_ROBIN" as const };
  const listed = () => endpointsOf(KEY, "", [{ port: 1 }, { port: 2 }, { port: 3 }]);
  const pools = poolsOf();
  let cluster = new Cluster(resource, listed(), pools);
  const ports: (number | undefined)[] = [];
  for (let updates = 0; updates < 6; updates++) {
    ports.push(cluster.dubbo.untagged.pick(0, Math.random)?.host.port);
    if (updates === 3) cluster = new Cluster({ ...resource }, listed(), pools, { before: cluster });
    else cluster.update(listed());
  }
  expect(ports).toEqual([1, 2, 3, 1, 2, 3]);
});

test("without endpoints it has nobody to choose", () => {
  const cluster = new Cluster(clusterOf(KEY), undefined, poolsOf());
  expect(cluster.dubbo.untagged.pick(0, Math.random)).toBeUndefined();
  expect([cluster.hasTags, cluster.dubbo.setsToken, cluster.limits.maxRequests]).toEqual([
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

test("an assignment's priorities, localities and health are its endpoints'", () => {
  const { clusterName, endpoints } = endpointsOf(KEY, "", [{ port: 1 }, { port: 2 }]);
  const [one, two] = endpoints[0]!.lbEndpoints;
  const near = { locality: { region: "r", zone: "z" }, loadBalancingWeight: 3, lbEndpoints: [one!] };
  const far = { priority: 1, lbEndpoints: [{ ...two!, healthStatus: "DRAINING" as const }] };
  const cluster = new Cluster(clusterOf(KEY), { clusterName, endpoints: [near, far] }, poolsOf());
  expect(cluster.dubbo.listed).toMatchObject([
    { priority: 0, locality: "r/z", localityWeight: 3, healthy: true, addedAtMs: 0 },
    { priority: 1, locality: "", localityWeight: 0, healthy: false, addedAtMs: 0 },
  ]);
  expect(cluster.dubbo.endpoints).toHaveLength(1);
});

test("who comes to those that are there is new, also for the cluster in its place", () => {
  const pools = poolsOf();
  const cluster = new Cluster(clusterOf(KEY), undefined, pools, { wallMs: 5 });
  const since = (of: Cluster) => of.dubbo.listed.map(({ addedAtMs }) => addedAtMs);
  cluster.update(endpointsOf(KEY, "", [{ port: 1 }]), 10);
  expect(since(cluster)).toEqual([0]);
  cluster.update(endpointsOf(KEY, "", [{ port: 1 }, { port: 2 }]), 20);
  expect(since(cluster)).toEqual([0, 20]);
  const assignment = endpointsOf(KEY, "", [{ port: 1 }, { port: 2 }, { port: 3 }]);
  expect(since(new Cluster(clusterOf(KEY), assignment, pools, { wallMs: 30, before: cluster }))).toEqual([0, 20, 30]);
});

test("a provider that fails is ejected: others take its calls, and where there are none the caller is told", () => {
  const resource = { ...clusterOf(KEY), outlierDetection: { consecutive5xx: 1, maxEjectionPercent: 100 } };
  const cluster = new Cluster(resource, endpointsOf(KEY, "", [{ port: 1 }, { port: 2 }]), poolsOf());
  const ports = () => cluster.dubbo.untagged.pick(0, () => 0)?.host.port;
  const [one, two] = cluster.dubbo.endpoints;
  expect([cluster.isCounted, cluster.isHashed, ports()]).toEqual([true, false, 1]);
  one!.record!.failed("reset", 1, 0);
  expect([cluster.ejected, ports()]).toEqual([1, 2]);
  two!.record!.failed("reset", 1, 1);
  expect([cluster.ejected, ports()]).toEqual([2, undefined]);
  expect(cluster.noProvider).toBe(`no provider of ${cluster.service.host}: 2 ejected`);
  expect(cluster.ejectedEndpoints()[1]).toEqual({
    cluster: cluster.name,
    host: cluster.service.host,
    subset: "",
    address: "127.0.0.1",
    port: 2,
    ejections: 1,
    untilMs: 30_001,
  });
  cluster.tick(100_000, 1_000);
  expect([cluster.ejected, ports()]).toEqual([0, 1]);
});

test("calls that hashes lead, limits count or answers are timed of cannot be carried without an eye on them", () => {
  const flags = (extra: object) => {
    const { isCounted, isHashed } = new Cluster({ ...clusterOf(KEY), ...extra }, undefined, poolsOf());
    return [isCounted, isHashed];
  };
  expect([
    flags({}),
    flags({ lbPolicy: "RING_HASH" }),
    flags({ lbPolicy: "MAGLEV" }),
    flags({ outlierDetection: {} }),
  ]).toEqual([
    [false, false],
    [false, true],
    [false, true],
    [true, false],
  ]);
});

test("retries are limited by a number, or by a share of the calls that wait", () => {
  const of = (thresholds: object) =>
    new Cluster({ ...clusterOf(KEY), circuitBreakers: { thresholds: [thresholds] } }, undefined, poolsOf());
  const fixed = of({ maxRetries: 1 });
  expect([fixed.mayRetry(0), fixed.isCounted]).toEqual([true, false]);
  fixed.retrying = 1;
  expect(fixed.mayRetry(0)).toBe(false);
  const budget = of({ retryBudget: { budgetPercent: { value: 50 }, minRetryConcurrency: 0 } });
  expect([budget.mayRetry(0), budget.isCounted]).toEqual([false, true]);
  budget.waiting = 4;
  budget.retrying = 1;
  expect(budget.mayRetry(0)).toBe(true);
});

test("a budget with an interval counts calls that began within it, answered or not", () => {
  const plain = clusterOf(KEY);
  const facts = plain.metadata.filterMetadata["io.trestle"];
  const cluster = new Cluster(
    {
      ...plain,
      circuitBreakers: { thresholds: [{ retryBudget: { budgetPercent: { value: 50 }, minRetryConcurrency: 0 } }] },
      metadata: { filterMetadata: { "io.trestle": { ...facts, retryWindow: "1s" } } },
    },
    undefined,
    poolsOf(),
  );
  for (let i = 0; i < 4; i++) cluster.recent!.add(10_000);
  cluster.retrying = 1;
  expect([cluster.mayRetry(10_500), cluster.mayRetry(12_000)]).toEqual([true, false]);
});

test("a tag rule's tags are sets though nobody has them, and a|b is a where that is what is set", () => {
  const plain = endpointsOf(KEY, "", [{ port: 1 }, { port: 2, tag: "gray" }]);
  const portsUnder = (force: boolean) => {
    const routing = { steps: [], tags: { rule: "/r", names: ["gray", "gone"], force } };
    const metadata = { filterMetadata: { "io.trestle": { routing } } };
    const assignment = { ...plain, endpoints: [{ ...plain.endpoints[0]!, metadata }] };
    const { dubbo, hasTags } = new Cluster(clusterOf(KEY), assignment, poolsOf());
    expect(hasTags).toBe(true);
    const ports = (tag: string, forced = false) => dubbo.forTag(tag, forced)?.endpoints.map(({ host }) => host.port);
    return [ports("gray|x|y"), ports("gray|x", true), ports("gone"), ports("gone|x"), ports("blue"), ports("")];
  };
  expect(portsUnder(true)).toEqual([[2], undefined, undefined, undefined, [1], [1]]);
  expect(portsUnder(false)).toEqual([[2], undefined, [1], [1], [1], [1]]);
});

test("a subset that is one of a tag takes every call, whatever tag it names", () => {
  const plain = endpointsOf(KEY, "", [{ port: 1, tag: "gray" }]);
  const metadata = { filterMetadata: { "io.trestle": { isOfTag: true as const } } };
  const cluster = new Cluster(clusterOf(KEY), plain, poolsOf());
  const ports = () =>
    ["", "gray", "blue"].map((tag) => cluster.dubbo.forTag(tag, true)?.endpoints.map(({ host }) => host.port));
  expect(ports()).toEqual([[], [1], undefined]);
  expect(cluster.update({ ...plain, endpoints: [{ ...plain.endpoints[0]!, metadata }] })).toBe(true);
  expect([cluster.hasTags, ...ports()]).toEqual([false, [1], [1], [1]]);
});

test("routers narrow what a call may have, and that they came or went is told", () => {
  const plain = endpointsOf(KEY, "", [
    { port: 1, values: { region: "hz" } },
    { port: 2, values: { region: "sh" } },
  ]);
  const step = { rule: "/r", text: "", force: false, when: [{ key: "method", is: ["get"] }] };
  const routing = { steps: [{ ...step, to: [{ match: [{ key: "region", is: ["sh"] }], weight: 1 }] }] };
  const metadata = { filterMetadata: { "io.trestle": { routing } } };
  const ruled = () => ({ ...plain, endpoints: [{ ...plain.endpoints[0]!, metadata: structuredClone(metadata) }] });
  const cluster = new Cluster(clusterOf(KEY), plain, poolsOf());
  expect([cluster.callKeys, cluster.update(ruled()), cluster.callKeys]).toEqual([undefined, true, ["method"]]);
  const ports = (method: string | undefined) => {
    const routed = method === undefined ? undefined : () => method;
    const set = cluster.dubbo.forCall({ tag: "", tagForced: false, routed }, Math.random);
    return set?.endpoints.map(({ host }) => host.port);
  };
  expect([ports("get"), ports("put"), ports(undefined)]).toEqual([[2], [1, 2], [1, 2]]);
  expect([cluster.update(ruled()), cluster.update(plain), cluster.callKeys]).toEqual([false, true, undefined]);
});
