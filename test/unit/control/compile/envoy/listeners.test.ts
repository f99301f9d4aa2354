import { expect, test } from "vitest";
import { dubboListener, httpListener, tcpListener } from "../../../../../src/control/compile/envoy/listeners.ts";
import type { ProtoJson } from "../../../../../src/control/compile/targets.ts";

const at = { address: "127.0.0.1", port: 20880 };

function filterOf({ resource }: { readonly resource: object }): ProtoJson {
  const chains = (resource as ProtoJson)["filterChains"] as readonly {
    readonly filters: readonly { readonly typedConfig: ProtoJson }[];
  }[];
  expect(chains).toHaveLength(1);
  return chains[0]!.filters[0]!.typedConfig;
}

test("Dubbo calls of all services come in by one listener, whose routes come by the stream", () => {
  const listener = dubboListener(at);
  expect(listener.resource).toMatchObject({
    name: "127.0.0.1_20880",
    address: { socketAddress: { address: "127.0.0.1", portValue: 20880 } },
  });
  expect(filterOf(listener)).toMatchObject({ drds: { configSource: { ads: {} }, routeConfigName: "dubbo" } });
});

test("HTTP listeners end in the router; filters of policies come first", () => {
  const names = (filters: readonly ProtoJson[]) =>
    (filterOf(httpListener({ ...at, routeConfigName: "20880", filters }))["httpFilters"] as { name: string }[]).map(
      ({ name }) => name,
    );
  expect(names([])).toEqual(["envoy.filters.http.cors", "envoy.filters.http.fault", "envoy.filters.http.router"]);
  expect(names([{ name: "envoy.filters.http.rbac" }])[0]).toBe("envoy.filters.http.rbac");
});

test("a gateway passes on whose calls they are, and makes paths plain", () => {
  const of = (isGateway: boolean) => filterOf(httpListener({ ...at, routeConfigName: "r", isGateway }));
  expect(of(true)).toMatchObject({ useRemoteAddress: true, mergeSlashes: true, statPrefix: "gateway_127.0.0.1_20880" });
  expect(of(false)).not.toHaveProperty("useRemoteAddress");
});

test("a listener proves itself where it is told how", () => {
  const transportSocket = { name: "envoy.transport_sockets.tls" };
  expect(httpListener({ ...at, routeConfigName: "r", transportSocket }).resource).toMatchObject({
    filterChains: [{ transportSocket }],
  });
});

test("bytes of other protocols go to one cluster, or by what is known of the connection", () => {
  const db = [{ name: "outbound|3306||db", weight: 1 }];
  expect(filterOf(tcpListener(at, [{ clusters: db }]))).toMatchObject({ cluster: "outbound|3306||db" });
  const clusters = [...db, { name: "outbound|3306|v2|db", weight: 3 }];
  const split = tcpListener(at, [{ match: { serverNames: ["a.com"] }, clusters }, { clusters: db }]);
  expect(split.resource).toMatchObject({
    listenerFilters: [{ name: "envoy.filters.listener.tls_inspector" }],
    filterChains: [
      { filterChainMatch: { serverNames: ["a.com"] }, filters: [{ typedConfig: { weightedClusters: { clusters } } }] },
      {},
    ],
  });
});
