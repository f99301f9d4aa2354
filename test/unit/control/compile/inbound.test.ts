import { expect, test } from "vitest";
import { TRESTLE_METADATA } from "../../../../src/codecs/xds/core.ts";
import { encodeResource } from "../../../../src/codecs/xds/resource-bytes.ts";
import { CLUSTER_TYPE, LISTENER_TYPE, type ResourceSet } from "../../../../src/codecs/xds/resources.ts";
import { compileInbound, withInbound } from "../../../../src/control/compile/inbound.ts";
import type { InboundProvider } from "../../../../src/control/compile/listeners.ts";
import { DEFAULT_MESH } from "../../../../src/model/mesh.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { rulesOf } from "../../../support/rules.ts";

const ORDERS: InboundProvider = {
  listen: { address: "10.0.0.5", port: 20_890 },
  to: { address: "10.0.0.2", port: 20_880 },
  protocol: "dubbo",
  labels: { app: "orders" },
};
const WEB: InboundProvider = {
  ...ORDERS,
  listen: { address: "10.0.0.5", port: 20_891 },
  to: { address: "10.0.0.3", port: 8_080 },
  protocol: "http",
  labels: {},
};
const NAME = "inbound|20880||10.0.0.2";

const peerAuthentication = (spec: string) =>
  `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a, namespace: default}\nspec: ${spec}\n`;

function compiled(providers: readonly InboundProvider[], ...texts: string[]) {
  return compileInbound(providers, { entries: [], rules: rulesOf(...texts), mesh: DEFAULT_MESH });
}

const factsOf = ({ listeners }: ReturnType<typeof compiled>) =>
  listeners.map(({ resource }) => resource.metadata.filterMetadata[TRESTLE_METADATA]);

test("a provider gets a listener whose routes lead every call to it", () => {
  const { listeners, routes, clusters, endpoints } = compiled([ORDERS]);
  expect(listeners).toMatchObject([
    {
      name: "inbound_10.0.0.5_20890",
      resource: { address: { socketAddress: { address: "10.0.0.5", portValue: 20_890 } } },
    },
  ]);
  expect(routes).toMatchObject([
    {
      name: NAME,
      resource: { virtualHosts: [{ domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: NAME } }] }] },
    },
  ]);
  expect(clusters).toMatchObject([
    { name: NAME, resource: { metadata: { filterMetadata: { [TRESTLE_METADATA]: { interface: "*" } } } } },
  ]);
  expect(endpoints[0]?.resource.endpoints[0]?.lbEndpoints).toMatchObject([
    { endpoint: { address: { socketAddress: { address: "10.0.0.2", portValue: 20_880 } } } },
  ]);
});

test("what it takes is what PeerAuthentication says of the provider and its own port", () => {
  const modes = (...texts: string[]) => factsOf(compiled([ORDERS, WEB], ...texts)).map((facts) => facts.inbound?.mtls);
  expect(modes()).toEqual(["PERMISSIVE", "PERMISSIVE"]);
  expect(modes(peerAuthentication("{mtls: {mode: STRICT}}"))).toEqual(["STRICT", "STRICT"]);
  const chosen =
    "{selector: {matchLabels: {app: orders}}, mtls: {mode: STRICT}, portLevelMtls: {'20880': {mode: DISABLE}}}";
  expect(modes(peerAuthentication(chosen))).toEqual(["DISABLE", "PERMISSIVE"]);
});

test("policies that select the provider stand in its virtual host", () => {
  const policy =
    "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: default}\nspec:\n  selector: {matchLabels: {app: orders}}\n  action: DENY\n  rules: [{from: [{source: {principals: [cluster.local/ns/default/sa/bad]}}]}]\n";
  const { routes } = compiled([ORDERS, WEB], policy);
  const configs = routes.map(({ resource }) => resource.virtualHosts[0]?.typedPerFilterConfig);
  expect(JSON.stringify(configs[0])).toContain("sa/bad");
  expect(configs[1]).toBeUndefined();
});

test("where policies are, a listener says what its provider is known to serve", () => {
  const deny =
    "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: default}\nspec: {action: DENY, rules: [{}]}\n";
  const entries = [
    entryOf("com.acme.A", ["dubbo://10.0.0.5:20890"]),
    entryOf("com.acme.B", ["tri://10.0.0.2:20880"]),
    entryOf("com.acme.C", ["dubbo://10.0.0.9:20890", "http://10.0.0.5:20891"]),
  ];
  const services = (...texts: string[]) =>
    factsOf(compileInbound([ORDERS, WEB], { entries, rules: rulesOf(...texts), mesh: DEFAULT_MESH })).map(
      ({ inbound }) => inbound?.services,
    );
  expect(services(deny)).toEqual([["com.acme.A", "com.acme.B"], undefined]);
  expect(services()).toEqual([undefined, undefined]);
});

test("its resources join a set in order of names, and a set without providers stays the same", () => {
  const one = (name: string) => ({ name, version: "1", resource: {} as never });
  const set: ResourceSet = {
    version: "v",
    listeners: [one("dubbo_a"), one("tri_a")],
    routes: [one("dubbo")],
    clusters: [one("outbound|1||a")],
    endpoints: [one("outbound|1||a")],
    schemas: [],
    virtualHosts: [],
  };
  expect(withInbound(set, compiled([]))).toBe(set);
  const joined = withInbound(set, compiled([WEB, ORDERS]));
  const names = (key: "listeners" | "routes" | "clusters") => joined[key].map(({ name }) => name);
  expect(names("listeners")).toEqual(["dubbo_a", "inbound_10.0.0.5_20890", "inbound_10.0.0.5_20891", "tri_a"]);
  expect(names("routes")).toEqual(["dubbo", NAME, "inbound|8080||10.0.0.3"]);
  expect(names("clusters")).toEqual([NAME, "inbound|8080||10.0.0.3", "outbound|1||a"]);
  expect(joined.version).not.toBe(set.version);
  expect(joined.version).toBe(withInbound(set, compiled([ORDERS, WEB])).version);
});

test("its listener and cluster are as Envoy's protos have them", () => {
  const { listeners, clusters } = compiled([ORDERS]);
  expect(() => encodeResource(LISTENER_TYPE, listeners[0]?.resource)).not.toThrow();
  expect(() => encodeResource(CLUSTER_TYPE, clusters[0]?.resource)).not.toThrow();
});
