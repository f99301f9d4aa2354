import { expect, test } from "vitest";
import { chooseEndpoint } from "../../../src/bridge-proxy/choose.ts";
import type { ProxyContext } from "../../../src/bridge-proxy/context.ts";
import { Cluster, type HostPools } from "../../../src/bridge-proxy/upstream/cluster.ts";
import { clusterOf, endpointsOf } from "../../support/xds-fixtures.ts";

const KEY = "com.acme.A";
const CONTEXT = { nowMs: 0, originMs: 0, random: () => 0 } as unknown as ProxyContext;
const ANY = { tag: "", tagForced: false, avoid: [], avoidsPriorities: false, hash: undefined };

function clusterWith(...endpoints: Parameters<typeof endpointsOf>[2]): Cluster {
  return new Cluster(clusterOf(KEY), endpointsOf(KEY, "", endpoints), pools());
}

function pools(): HostPools {
  return { dubbo: poolOf(), tri: poolOf(), http: poolOf() } as unknown as HostPools;
}

function poolOf(): object {
  return {
    host: (address: string, port: number) => ({ address, port, active: 0, state: "ready", warm() {} }),
    version: 0,
  };
}

test("a call gets an endpoint of its tag", () => {
  const cluster = clusterWith({ port: 1 }, { port: 2, tag: "gray" });
  expect(chooseEndpoint(CONTEXT, cluster.dubbo, { ...ANY, cluster, tag: "gray" })).toMatchObject({ host: { port: 2 } });
});

test("without an endpoint it is told so; where all had the call already, nothing is said", () => {
  const none = clusterWith();
  expect(chooseEndpoint(CONTEXT, none.dubbo, { ...ANY, cluster: none })).toEqual({
    reason: "no_endpoint",
    message: "no provider of host-of-com.acme.a",
  });
  const one = clusterWith({ port: 1 });
  const avoid = [one.dubbo.endpoints[0]!.host];
  expect(chooseEndpoint(CONTEXT, one.dubbo, { ...ANY, cluster: one, avoid })).toBeUndefined();
});

test("a cluster with as many calls as may wait takes no more", () => {
  const cluster = new Cluster(clusterOf(KEY, "", { maxRequests: 1 }), endpointsOf(KEY, "", [{ port: 1 }]), pools());
  cluster.waiting = 1;
  expect(chooseEndpoint(CONTEXT, cluster.dubbo, { ...ANY, cluster })).toEqual({
    reason: "overflow",
    message: `${cluster.name} has 1 calls waiting, its limit`,
  });
});

test("calls with one hash get one endpoint, where the cluster goes by that", () => {
  const endpoints = endpointsOf(KEY, "", [{ port: 1 }, { port: 2 }, { port: 3 }]);
  const cluster = new Cluster(clusterOf(KEY, "", { lbPolicy: "RING_HASH" }), endpoints, pools());
  const portsOf = (hash: number | undefined) => {
    const ports = Array.from({ length: 30 }, (_, i) => {
      const chosen = chooseEndpoint({ ...CONTEXT, random: () => i / 30 }, cluster.dubbo, { ...ANY, cluster, hash });
      return chosen !== undefined && "host" in chosen ? chosen.host.port : 0;
    });
    return new Set(ports).size;
  };
  expect([portsOf(undefined), portsOf(1), portsOf(2 ** 32 - 1)]).toEqual([3, 1, 1]);
});

test("with a word of the rule another priority comes first, if there is one left", () => {
  const cluster = clusterWith({ port: 1 }, { port: 2 }, { port: 3 });
  const endpoints = cluster.dubbo.endpoints.map((one, i) => ({ ...one, priority: i === 2 ? 1 : 0 }));
  const group = { endpoints, forCall: () => cluster.dubbo.forTag("", false) } as unknown as typeof cluster.dubbo;
  const choose = (...avoid: number[]) =>
    chooseEndpoint(CONTEXT, group, {
      ...ANY,
      cluster,
      avoid: avoid.map((i) => endpoints[i]!.host),
      avoidsPriorities: true,
    });
  expect(choose(0)).toMatchObject({ host: { port: 3 } });
  expect(choose(0, 2)).toMatchObject({ host: { port: 2 } });
  expect(choose(0, 1, 2)).toBeUndefined();
});
