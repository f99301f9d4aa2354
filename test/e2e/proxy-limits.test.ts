import { afterEach, beforeEach, expect, test } from "vitest";
import type { Cluster } from "../../src/codecs/xds/cluster.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE, ROUTE_TYPE } from "../../src/codecs/xds/resources.ts";
import type { VirtualHost } from "../../src/codecs/xds/route.ts";
import { globalLimit, limitedHost } from "../support/limits.ts";
import { type RateLimitServer, startRateLimitServer } from "../support/rate-limit-server.ts";
import { KEY, setRuleStage, toAll } from "../support/rule-stage.ts";
import { clusterOf, hostOf, named } from "../support/xds-fixtures.ts";

/** Limits of single calls, with a proxy in this process, peers made of bytes, and a rate limit service of gRPC's own server. */
const stage = setRuleStage();
const LIMITER = "outbound|8081||limits";
let server: RateLimitServer;

beforeEach(async () => {
  server = await startRateLimitServer();
});

afterEach(() => server.close());

async function limit({
  typedPerFilterConfig = {},
  rateLimits,
}: Pick<VirtualHost, "typedPerFilterConfig" | "rateLimits">) {
  const host = {
    name: hostOf(KEY),
    domains: [hostOf(KEY), KEY],
    routes: toAll(),
    typedPerFilterConfig,
    ...(rateLimits && { rateLimits }),
  };
  const cluster: Cluster = { ...clusterOf("limits"), name: LIMITER };
  const lbEndpoints = [
    {
      endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue: server.port } } },
      loadBalancingWeight: 100,
      metadata: { filterMetadata: { "io.trestle": { protocol: "tri" as const } } },
    },
  ];
  const assignment = { clusterName: LIMITER, endpoints: [{ lbEndpoints }] };
  await stage.proxy.apply([
    { typeUrl: CLUSTER_TYPE, resources: [named(LIMITER, cluster)], removedResources: [] },
    { typeUrl: ENDPOINT_TYPE, resources: [named(LIMITER, assignment)], removedResources: [] },
    { typeUrl: ROUTE_TYPE, resources: [named("dubbo", { name: "dubbo", virtualHosts: [host] })], removedResources: [] },
  ]);
}

async function statuses(count: number): Promise<string[]> {
  const seen: string[] = [];
  for (let i = 0; i < count; i++) {
    const { status, text } = await stage.call();
    seen.push(`${status}${text.includes("rate limit") ? " limited" : ""}`);
  }
  return seen;
}

test("calls over a local limit are exceptions, which providers never see; a change elsewhere leaves the bucket as it is", async () => {
  await stage.setUp({});
  await limit(limitedHost());
  expect(await statuses(6)).toEqual(["20", "20", "20", "20", "20 limited", "20 limited"]);
  expect(stage.one.calls).toBe(4);
  await limit(limitedHost());
  expect((await statuses(1))[0]).toBe("20 limited");
  const { calls } = stage.proxy.stats();
  expect(JSON.stringify(calls)).toContain('"RL"');
  const two = limitedHost().typedPerFilterConfig;
  await limit({ typedPerFilterConfig: { ...two } });
  expect((await statuses(1))[0]).toBe("20");
});

test("a rate limit service is asked for each call, and what it does not say in time is as the rule says", async () => {
  await stage.setUp({});
  const asks = [{ requestHeaders: { headerName: "method", descriptorKey: "m" } }];
  server.limit = () => 2;
  await limit(globalLimit(asks));
  expect(await statuses(3)).toEqual(["20", "20", "20 limited"]);
  expect(Object.fromEntries(server.asked)).toEqual({ "orders m=get": 3 });
  server.silent = true;
  expect(await statuses(1)).toEqual(["20"]);
  await limit(globalLimit(asks, true));
  expect(await statuses(1)).toEqual(["20 limited"]);
  server.close();
  expect(await statuses(2)).toEqual(["20 limited", "20 limited"]);
});
