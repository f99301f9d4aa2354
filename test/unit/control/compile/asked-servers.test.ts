import { expect, test } from "vitest";
import { EXT_AUTHZ_FILTER, EXT_AUTHZ_TRIAL_FILTER, type ExtAuthz } from "../../../../src/codecs/xds/authz.ts";
import { askedServers, serversIn, underName } from "../../../../src/control/compile/asked-servers.ts";
import { named } from "../../../../src/control/compile/compile-need.ts";
import { indexEntries } from "../../../../src/control/rules/hosts.ts";
import { ORDERS } from "../../../support/policies.ts";
import { clusterOf } from "../../../support/xds-fixtures.ts";

const asks = (clusterName: string): ExtAuthz => ({
  grpcService: { envoyGrpc: { clusterName }, timeout: "1s" },
  transportApiVersion: "V3",
});

test("the servers of policies are clusters that are needed, whether their services are known or not", () => {
  const index = indexEntries([ORDERS]);
  expect(askedServers(undefined, index)).toEqual([]);
  expect(askedServers({}, index)).toEqual([]);
  const policies = {
    [EXT_AUTHZ_FILTER]: asks(`outbound|9000||${ORDERS.host}`),
    [EXT_AUTHZ_TRIAL_FILTER]: asks("outbound|9001||other"),
  };
  expect(askedServers(policies, index)).toEqual([
    { name: `outbound|9000||${ORDERS.host}`, entry: ORDERS, host: ORDERS.host, subset: "" },
    { name: "outbound|9001||other", entry: undefined, host: "other", subset: "" },
  ]);
});

test("a cluster has the name that it is asked for by", () => {
  const cluster = named(clusterOf("com.acme.A"));
  const endpoints = { name: cluster.name, version: "1", resource: { clusterName: cluster.name, endpoints: [] } };
  const compiled = { cluster, endpoints };
  expect(underName(compiled, cluster.name)).toBe(compiled);
  const other = underName(compiled, "outbound|9000||a");
  expect(other).toMatchObject({
    cluster: { name: "outbound|9000||a", resource: { name: "outbound|9000||a", metadata: cluster.resource.metadata } },
    endpoints: { name: "outbound|9000||a", resource: { clusterName: "outbound|9000||a" } },
  });
});

test("a server that a set has under another name is given under the one that it is asked for by", () => {
  const cluster = named(clusterOf("com.acme.A"));
  const endpoints = { name: cluster.name, version: "1", resource: { clusterName: cluster.name, endpoints: [] } };
  const set = { clusters: [cluster], endpoints: [endpoints] };
  const { host } = cluster.resource.metadata.filterMetadata["io.trestle"]!;
  const asking = (name: string) => serversIn(set, [undefined, { [EXT_AUTHZ_FILTER]: asks(name) }, {}]);
  const [made, ...more] = asking(`outbound|9000||${host}`);
  expect([made?.cluster.name, made?.endpoints.name, more]).toEqual([
    `outbound|9000||${host}`,
    `outbound|9000||${host}`,
    [],
  ]);
  expect(asking(cluster.name)).toEqual([]);
  expect(asking("outbound|9000||other")).toEqual([]);
  expect(serversIn(set, [undefined])).toEqual([]);
});

test("a server at a further port of a service is that one", () => {
  const further = { ...ORDERS, host: `${ORDERS.host}:9001`, portOf: ORDERS.host };
  const index = indexEntries([ORDERS, further]);
  const [asked] = askedServers({ [EXT_AUTHZ_FILTER]: asks(`outbound|9001||${ORDERS.host}`) }, index);
  expect(asked).toMatchObject({ name: `outbound|9001||${ORDERS.host}`, host: further.host });
  expect(asked!.entry).toBe(further);
});
