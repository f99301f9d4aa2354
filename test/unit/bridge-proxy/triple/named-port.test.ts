import { expect, test } from "vitest";
import { RouteTable } from "../../../../src/bridge-proxy/route.ts";
import { atNamedPort } from "../../../../src/bridge-proxy/triple/named-port.ts";
import type { Cluster } from "../../../../src/bridge-proxy/upstream/cluster.ts";

const route = { name: "all", match: { prefix: "/" }, route: { cluster: "c" } };
const table = new RouteTable(
  {
    name: "dubbo",
    virtualHosts: [
      { name: "shop.example", domains: ["shop.example", "com.acme.Shop"], routes: [route] },
      { name: "shop.example:9091", domains: ["shop.example:9091", "com.acme.Shop:9091"], routes: [route] },
      { name: "com.acme.shop-1", domains: ["com.acme.shop-1", "com.acme.Shop:1"], routes: [route] },
    ],
  },
  () => ({}) as Cluster,
);
const named = (authority: string, group = "") =>
  atNamedPort(table, { interface: "com.acme.Shop", group, method: "get", authority })?.host.host;

test.each([
  ["the service's host", "shop.example:9091", "shop.example:9091"],
  ["its interface in any case", "COM.acme.shop:9091", "shop.example:9091"],
  ["a port that it does not have", "shop.example:9092", undefined],
  ["no port", "shop.example", undefined],
  ["another name", "10.0.0.5:9091", undefined],
  ["a number that is a version", "com.acme.shop:1", undefined],
])("an authority of %s", (_, authority, host) => {
  expect(named(authority)).toBe(host);
});

test("another group's calls name no port of it", () => {
  expect(named("shop.example:9091", "g")).toBeUndefined();
});
