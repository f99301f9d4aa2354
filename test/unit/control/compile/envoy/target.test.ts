import { expect, test } from "vitest";
import { encodeResource } from "../../../../../src/codecs/xds/resource-bytes.ts";
import {
  CLUSTER_TYPE,
  DUBBO_ROUTE_TYPE,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  ROUTE_TYPE,
} from "../../../../../src/codecs/xds/resources.ts";
import type { ServedSet } from "../../../../../src/codecs/xds/served.ts";
import { createCompiler } from "../../../../../src/control/compile/compiler.ts";
import { envoyNode } from "../../../../../src/control/compile/envoy/node.ts";
import { createEnvoyCompiler } from "../../../../../src/control/compile/envoy/target.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import { createSnapshot } from "../../../../../src/model/snapshot.ts";
import { entryOf } from "../../../../support/rule-cases.ts";

const PROTOCOLS = ["dubbo", "tri", "http"];
const services: Readonly<Record<string, readonly string[]>> = {
  "com.acme.Orders:1.0.0": ["dubbo://10.0.0.1:20880", "dubbo://10.0.0.2:20880?v=2"],
  "com.acme.Stock": ["tri://10.0.0.3:50051"],
  users: ["http://10.0.0.4:8080"],
};
const RULE = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders}
spec:
  hosts: [com.acme.Orders]
  http:
  - match: [{method: {exact: pay}}]
    timeout: 1s
    route: [{destination: {host: com.acme.Orders, subset: v2}}]
  - route: [{destination: {host: com.acme.Orders}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: orders}
spec:
  host: com.acme.Orders
  subsets: [{name: v2, labels: {v: "2"}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: entry}
spec:
  servers: [{port: {number: 8000, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: outside}
spec:
  hosts: [shop.example.com]
  gateways: [entry]
  http:
  - match: [{uri: {prefix: /users}}]
    route: [{destination: {host: users}}]
  - route: [{destination: {host: com.acme.Orders}}]
`;

function snapshotOf(of = services, rules = RULE) {
  const parsed = parseRules("rules.yaml", rules);
  return createSnapshot(
    Object.entries(of).map(([key, urls]) => entryOf(key, urls)),
    parsed.rules,
    PROTOCOLS,
  );
}

function createTarget() {
  const [base, target] = [createCompiler(), createEnvoyCompiler()];
  return (id: string, snapshot = snapshotOf(), metadata: object = {}) => {
    const node = { id: "any", dubbo: [], gatewayAddress: "0.0.0.0" };
    return target(
      base(snapshot, node),
      snapshot.entries,
      envoyNode({ id, metadata: metadata as Record<string, unknown> }),
    );
  };
}

const names = (set: ServedSet, type: string) => (set.types.get(type) ?? []).map(({ name }) => name);

test("a sidecar listens on Dubbo's port and on each port of HTTP services, with routes for each", () => {
  const { set } = createTarget()("sidecar~a~b~c");
  expect(names(set, LISTENER_TYPE)).toEqual(["127.0.0.1_20880", "127.0.0.1_50051", "127.0.0.1_8080"]);
  expect(names(set, ROUTE_TYPE)).toEqual(["50051", "8080"]);
  expect(names(set, DUBBO_ROUTE_TYPE)).toEqual(["dubbo"]);
  expect(names(set, CLUSTER_TYPE)).toEqual([
    "outbound|20880|v2|com.acme.orders-1-0-0",
    "outbound|20880||com.acme.orders-1-0-0",
    "outbound|50051||com.acme.stock",
    "outbound|8080||users",
  ]);
  expect(names(set, ENDPOINT_TYPE)).toEqual(names(set, CLUSTER_TYPE));
});

test("its node says which of the ports", () => {
  const { set } = createTarget()("sidecar~a~b~c", snapshotOf(), {
    TRESTLE: { bind: "10.0.0.9", dubboPort: 0, ports: [8080] },
  });
  expect(names(set, LISTENER_TYPE)).toEqual(["10.0.0.9_8080"]);
  expect(names(set, ROUTE_TYPE)).toEqual(["8080"]);
});

test("a gateway listens where Gateways say; what only Trestle can translate is answered 503", () => {
  const { set, findings } = createTarget()("router~a~b~c");
  expect(names(set, LISTENER_TYPE)).toEqual(["0.0.0.0_8000"]);
  const [routes] = set.types.get(ROUTE_TYPE)!;
  expect(routes!.resource).toMatchObject({
    virtualHosts: [
      {
        domains: ["shop.example.com"],
        routes: [
          { match: { prefix: "/users" }, route: { cluster: "outbound|8080||users" } },
          { directResponse: { status: 503 } },
        ],
      },
    ],
  });
  expect([names(set, DUBBO_ROUTE_TYPE), findings]).toEqual([[], []]);
});

test("what Envoy's Dubbo filter cannot do is a finding with the rule's place", () => {
  const { findings } = createTarget()("sidecar~a~b~c");
  expect(findings.map(({ code, at }) => [code, at])).toEqual([
    ["TR0701", expect.stringMatching(/^rules\.yaml:\d+:1$/)],
  ]);
});

test("services with group and version stand before those without, which Envoy takes for any", () => {
  const of = { "com.acme.A": [], "g/com.acme.A:2.0.0": [], "com.acme.A:1.0.0": [], "g/com.acme.A": [] };
  const { set } = createTarget()("sidecar~a~b~c", snapshotOf(of, ""));
  const { routeConfig } = set.types.get(DUBBO_ROUTE_TYPE)![0]!.resource as {
    routeConfig: { group?: string; version?: string }[];
  };
  expect(routeConfig.map(({ group = "", version = "" }) => `${group}:${version}`)).toEqual([
    "g:2.0.0",
    "g:",
    ":1.0.0",
    ":",
  ]);
});

test("every resource is of its type", () => {
  const target = createTarget();
  let seen = 0;
  for (const id of ["sidecar~a~b~c", "router~a~b~c"]) {
    for (const [type, list] of target(id).set.types)
      for (const { resource } of list) seen += encodeResource(type, resource).length > 0 ? 1 : 0;
  }
  expect(seen).toBeGreaterThan(10);
});

test("of what did not change nothing is made again", () => {
  const target = createTarget();
  const before = target("sidecar~a~b~c", snapshotOf()).set;
  const changed = target("sidecar~a~b~c", snapshotOf({ ...services, users: ["http://10.0.0.5:8080"] })).set;
  expect(changed.version).not.toBe(before.version);
  const pick = (set: ServedSet, type: string) => set.types.get(type)!.map(({ version }) => version);
  expect(pick(changed, CLUSTER_TYPE)).toEqual(pick(before, CLUSTER_TYPE));
  expect(pick(changed, ROUTE_TYPE)).toEqual(pick(before, ROUTE_TYPE));
  expect(pick(changed, ENDPOINT_TYPE).filter((one, i) => one !== pick(before, ENDPOINT_TYPE)[i])).toHaveLength(1);
  expect(target("sidecar~x~y~z", snapshotOf()).set.version).toBe(before.version);
});
