import { describe, expect, test } from "vitest";
import { silentLogger } from "../../../../src/base/log.ts";
import { placeOf, servedOf, XdsOutput } from "../../../../src/cli/mesh/xds-output.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "../../../../src/codecs/xds/resources.ts";
import { CARRIED_PROTOCOLS } from "../../../../src/control/compile/endpoints.ts";
import { parseRules } from "../../../../src/control/rules/parse.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { NODE } from "../../../support/xds-playbook.ts";

const snapshot = createSnapshot([entryOf("com.acme.OrderService", ["dubbo://10.0.0.1:20880"])], [], CARRIED_PROTOCOLS);
const LISTEN = { dubbo: [{ address: "10.0.0.8", port: 20_880 }], tri: [], gatewayAddress: "10.0.0.8" };
const TRESTLE = { ...NODE, userAgentName: "trestle", metadata: { TRESTLE_LISTEN: LISTEN } };

describe("what a node says of its place", () => {
  test.each([
    ["nothing", {}, { labels: {} }],
    [
      "a namespace and labels",
      { NAMESPACE: "shop", LABELS: { app: "a" } },
      { namespace: "shop", labels: { app: "a" } },
    ],
    ["what is of another kind", { NAMESPACE: 5, LABELS: ["a"] }, { labels: {} }],
    ["labels that are no texts", { LABELS: { app: "a", n: 1 } }, { labels: { app: "a" } }],
  ])("%s", (_name, metadata, place) => {
    expect(placeOf({ metadata })).toEqual(place);
  });

  test("a locality is whole, or there is none", () => {
    expect(placeOf({ metadata: {}, locality: { region: "eu" } }).locality).toEqual({
      region: "eu",
      zone: "",
      subZone: "",
    });
    expect(placeOf({ metadata: {}, locality: { zone: "a" } }).locality).toBeUndefined();
  });
});

describe("what clients elsewhere are given", () => {
  test("nothing before there is anything", () => {
    const output = new XdsOutput(silentLogger);
    expect([output.resourcesFor(TRESTLE), output.resourcesFor(NODE)]).toEqual([undefined, undefined]);
    expect([output.clients(), output.exposeMetrics(), output.address]).toEqual([[], "", undefined]);
  });

  test("a Trestle proxy gets its listeners and all that a proxy of this process gets", () => {
    const output = new XdsOutput(silentLogger);
    output.update(snapshot, {});
    const { types } = output.resourcesFor(TRESTLE)!;
    expect(types.get(LISTENER_TYPE)?.map(({ name }) => name)).toEqual(["dubbo_10.0.0.8_20880"]);
    expect(types.get(ROUTE_TYPE)?.map(({ name }) => name)).toEqual(["dubbo"]);
    expect(types.get(CLUSTER_TYPE)?.map(({ name }) => name)).toEqual(["outbound|20880||com.acme.orderservice"]);
    expect(types.get(ENDPOINT_TYPE)).toHaveLength(1);
  });

  test("two proxies share what does not depend on where they listen", () => {
    const output = new XdsOutput(silentLogger);
    output.update(snapshot, {});
    const other = { ...TRESTLE, id: "other", metadata: { TRESTLE_LISTEN: { ...LISTEN, dubbo: [] } } };
    const [a, b] = [output.resourcesFor(TRESTLE)!, output.resourcesFor(other)!];
    expect(a.types.get(CLUSTER_TYPE)).toBe(b.types.get(CLUSTER_TYPE));
    expect(a.version).not.toBe(b.version);
  });

  test("an Envoy gets another form of the same", () => {
    const output = new XdsOutput(silentLogger);
    output.update(snapshot, {});
    const set = output.resourcesFor({ ...NODE, userAgentName: "envoy" })!;
    expect(set.types.get(LISTENER_TYPE)?.length).toBeGreaterThan(0);
    expect(JSON.stringify(set.types.get(CLUSTER_TYPE))).toContain("edsClusterConfig");
  });

  test("secrets are not served", () => {
    const secret = { name: "default", version: "1", resource: { name: "default" } };
    const set = {
      version: "",
      listeners: [],
      routes: [],
      virtualHosts: [],
      clusters: [],
      endpoints: [],
      schemas: [],
      secrets: [secret],
    };
    expect([...servedOf(set as never).types.values()].flat()).toEqual([]);
  });
});

test("PeerAuthentications and policies choose the providers of a proxy elsewhere by its own namespace", () => {
  const { rules } = parseRules(
    "a.yaml",
    `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: strict, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: nobody, namespace: shop}
spec: {}
`,
  );
  const inbound = [
    { listen: { address: "10.0.0.8", port: 20_890 }, to: { address: "127.0.0.1", port: 20_880 }, protocol: "dubbo" },
  ];
  const output = new XdsOutput(silentLogger);
  output.update(createSnapshot([], rules, CARRIED_PROTOCOLS), {});
  const given = (NAMESPACE: string) => {
    const metadata = { NAMESPACE, TRESTLE_LISTEN: { ...LISTEN, dubbo: [], inbound } };
    const { types } = output.resourcesFor({ ...TRESTLE, id: NAMESPACE, metadata })!;
    return JSON.stringify([types.get(LISTENER_TYPE), types.get(ROUTE_TYPE)]);
  };
  expect([given("shop").includes("STRICT"), given("shop").includes("rbac")]).toEqual([true, true]);
  expect([given("other").includes("STRICT"), given("other").includes("rbac")]).toEqual([false, false]);
});

test("a Sidecar object narrows what an Envoy of its namespace is given", () => {
  const { rules } = parseRules(
    "a.yaml",
    `apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: narrow, namespace: shop}
spec: {egress: [{hosts: ["*/com.acme.orderservice"]}]}
`,
  );
  const entries = ["com.acme.OrderService", "com.acme.StockService"].map((key) =>
    entryOf(key, ["dubbo://10.0.0.1:20880"]),
  );
  const output = new XdsOutput(silentLogger);
  output.update(createSnapshot(entries, rules, CARRIED_PROTOCOLS), {});
  const clusters = (NAMESPACE: string) =>
    output
      .resourcesFor({ ...NODE, userAgentName: "envoy", metadata: { NAMESPACE } })!
      .types.get(CLUSTER_TYPE)!
      .map(({ name }) => name)
      .join();
  expect(clusters("shop")).toContain("com.acme.orderservice");
  expect(clusters("shop")).not.toContain("com.acme.stockservice");
  expect(clusters("other")).toContain("com.acme.stockservice");
});
