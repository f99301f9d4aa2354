import { expect, test } from "vitest";
import { CLUSTER_TYPE, ROUTE_TYPE, VIRTUAL_HOST_TYPE } from "../../../../../src/codecs/xds/resources.ts";
import { listVersion, type ServedList, type ServedSet } from "../../../../../src/codecs/xds/served.ts";
import { takesVirtualHosts, withVirtualHosts } from "../../../../../src/control/compile/envoy/virtual-hosts.ts";

const delta = { id: "sidecar~10.0.0.1~a~b", userAgentVersion: "1.40.0", isDeltaAds: true };

test.each([
  ["one delta stream for all types", delta, true],
  ["a later version", { ...delta, userAgentVersion: "1.41.2" }, true],
  ["the version after all of those", { ...delta, userAgentVersion: "2.0.0" }, true],
  ["a version that refuses it", { ...delta, userAgentVersion: "1.36.4" }, false],
  ["no version", { ...delta, userAgentVersion: "" }, false],
  ["state of the world, or a stream for each type", { ...delta, isDeltaAds: false }, false],
  ["a gateway", { ...delta, id: "router~10.0.0.1~a~b" }, false],
])("virtual hosts of their own: %s", (_, node, takes) => {
  expect(takesVirtualHosts(node)).toBe(takes);
});

const host = (name: string, to = name) => ({ name, domains: [name], routes: [{ route: { cluster: to } }] });
const routes = (name: string, ...virtualHosts: object[]) => ({
  name,
  version: listText(virtualHosts),
  resource: { name, virtualHosts },
});
const listText = (list: unknown): string => JSON.stringify(list);
const setOf = (...list: ServedList): ServedSet => ({
  version: listText(list),
  types: new Map<string, ServedList>([
    [CLUSTER_TYPE, []],
    [ROUTE_TYPE, list],
  ]),
});

test("routes ask for their virtual hosts, which are resources under the name of the routes", () => {
  const set = withVirtualHosts(setOf(routes("80", host("b"), host("a"), host("by-path")), routes("8080", host("x/y"))));
  expect(set.types.get(ROUTE_TYPE)!.map(({ resource }) => resource)).toEqual([
    { name: "80", vhds: { configSource: { ads: {}, resourceApiVersion: "V3" } } },
    { name: "8080", vhds: { configSource: { ads: {}, resourceApiVersion: "V3" } } },
  ]);
  const hosts = set.types.get(VIRTUAL_HOST_TYPE)!;
  expect(hosts.map(({ name }) => name)).toEqual(["80/a", "80/b", "80/by-path", "8080/x%2Fy"]);
  expect(hosts[0]!.resource).toEqual({ ...host("a"), name: "80/a" });
  expect([...set.together!]).toEqual([VIRTUAL_HOST_TYPE]);
});

test("a change of one host's routes is that host's alone, and the same set is made once", () => {
  const [a, b] = [host("a"), host("b")];
  const before = setOf(routes("80", a, b));
  const first = withVirtualHosts(before);
  expect(withVirtualHosts(before)).toBe(first);
  const next = withVirtualHosts(setOf(routes("80", a, host("b", "c"))));
  const [were, are] = [first, next].map((set) => set.types.get(VIRTUAL_HOST_TYPE)!);
  expect(are![0]).toBe(were![0]);
  expect(are![1]!.version).not.toBe(were![1]!.version);
  expect(next.types.get(ROUTE_TYPE)![0]).toBe(first.types.get(ROUTE_TYPE)![0]);
  expect([next.version === first.version, listVersion(are!) === listVersion(were!)]).toEqual([false, false]);
});
