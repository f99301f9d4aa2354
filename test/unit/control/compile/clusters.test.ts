import { expect, test } from "vitest";
import {
  clusterName,
  clusterNameOf,
  compileCluster,
  compileUnknownCluster,
} from "../../../../src/control/compile/clusters.ts";
import { compileEndpoints } from "../../../../src/control/compile/endpoints.ts";
import type { DestinationRule } from "../../../../src/model/rules/destination-rule.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { destinationRuleText, rulesOf } from "../../../support/rules.ts";

const entry = entryOf("g/com.acme.A:1.0.0", ["dubbo://10.0.0.1:20881"]);
const rule = rulesOf(
  destinationRuleText(
    "d",
    "com.acme.A",
    "trafficPolicy: {connectionPool: {http: {http2MaxRequests: 2}}}, subsets: [{name: v, trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}}, {name: v}]",
  ),
)[0] as DestinationRule;

test("clusters are named as Istio's users know them", () => {
  expect(clusterName(20880, "v1", "com.acme.a")).toBe("outbound|20880|v1|com.acme.a");
  expect(clusterNameOf(entry, "")).toBe(`outbound|20881||${entry.host}`);
});

test("a cluster says which service its endpoints serve", () => {
  expect(compileCluster(entry, "", undefined)).toEqual({
    name: `outbound|20881||${entry.host}`,
    type: "EDS",
    lbPolicy: "RANDOM",
    metadata: {
      filterMetadata: {
        "io.trestle": { interface: "com.acme.A", group: "g", version: "1.0.0", host: entry.host, subset: "" },
      },
    },
  });
});

test.each<[string, string[], string[] | undefined]>([
  ["of all providers, each once", ["?methods=b,a", "?methods=a,c"], ["a", "b", "c"]],
  ["not where one does not say", ["?methods=a", ""], undefined],
  ["not where one takes any", ["?methods=*"], undefined],
  ["not where they are too many", [`?methods=${Array.from({ length: 1_001 }, (_, i) => `m${i}`).join()}`], undefined],
  ["not without providers", [], undefined],
])("a cluster names the methods %s", (_, queries, methods) => {
  const urls = queries.map((query, i) => `dubbo://10.0.0.${i + 1}:20880${query}`);
  const { metadata } = compileCluster(entryOf("com.acme.A", urls), "", undefined);
  expect(metadata.filterMetadata["io.trestle"].methods).toEqual(methods);
});

test("a subset's cluster has its policy over that of the host", () => {
  expect(compileCluster(entry, "v", rule)).toMatchObject({
    name: `outbound|20881|v|${entry.host}`,
    lbPolicy: "ROUND_ROBIN",
    circuitBreakers: { thresholds: [{ maxRequests: 2 }] },
  });
});

test("a destination that is not known has a cluster of its own", () => {
  expect(compileUnknownCluster("c", "com.acme.x", "v")).toMatchObject({
    name: "c",
    metadata: { filterMetadata: { "io.trestle": { interface: "com.acme.x", subset: "v" } } },
  });
});

test("endpoints that say so take mutual TLS where no rule says how they are connected to", () => {
  const behind = { ...entry.endpoints[0]!, labels: { "security.istio.io/tlsMode": "istio" } };
  const mixed = { ...entry, endpoints: [behind, ...entry.endpoints] };
  const { transportSocket, transportSocketMatches } = compileCluster(mixed, "", undefined);
  expect(transportSocket).toBeUndefined();
  expect(transportSocketMatches).toMatchObject([
    { match: { tlsMode: "istio" }, transportSocket: { typedConfig: { sni: `outbound_.20881_._.${entry.host}` } } },
  ]);
  const disabled = rulesOf(destinationRuleText("d", "com.acme.A", "trafficPolicy: {tls: {mode: DISABLE}}"))[0];
  expect(compileCluster(mixed, "", disabled as DestinationRule).transportSocketMatches).toBeUndefined();
  expect(compileEndpoints("c", mixed.endpoints).endpoints[0]?.lbEndpoints.map(({ metadata }) => metadata)).toEqual([
    { filterMetadata: { "io.trestle": {}, "envoy.transport_socket_match": { tlsMode: "istio" } } },
    undefined,
  ]);
});

test("a further port asks providers for the same as the first, under its service's name", () => {
  const further = {
    ...entryOf("shop:9090", ["http://10.0.0.1:9090?security.istio.io/tlsMode=istio"]),
    ...{ host: "shop:9090", portOf: "shop", ports: [{ protocol: "http", port: 9090 }] },
  };
  const cluster = compileCluster(further, "", undefined);
  expect(cluster.name).toBe("outbound|9090||shop:9090");
  expect(cluster.metadata.filterMetadata["io.trestle"]).toMatchObject({ interface: "shop", version: "" });
  expect(JSON.stringify(cluster.transportSocketMatches)).toContain('"outbound_.9090_._.shop"');
});
