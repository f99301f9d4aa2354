import { describe, expect, test } from "vitest";
import { matchRoute } from "../../../src/bridge-proxy/match.ts";
import { decideHost, pickTarget, RouteTable } from "../../../src/bridge-proxy/route.ts";
import type { Cluster } from "../../../src/bridge-proxy/upstream/cluster.ts";
import type { Route } from "../../../src/codecs/xds/route.ts";
import { routesOf } from "../../support/xds-fixtures.ts";

const to = (cluster: string): Pick<Route, "route"> => ({ route: { cluster } });
const clusters = (name: string) => ({ name }) as Cluster;
const none = () => undefined;

const split: Route[] = [
  { name: "canary", match: { prefix: "/", headers: [{ name: "user", stringMatch: { exact: "ann" } }] }, ...to("v3") },
  { name: "create", match: { path: "/com.acme.A/create" }, ...to("v2") },
  { name: "rest", match: { prefix: "/" }, ...to("v1") },
];

function decide(routes: readonly Route[], method: string) {
  const table = new RouteTable(routesOf({ "com.acme.A": routes }), clusters);
  return table.decide("com.acme.A", "0.0.0", method)!.only!;
}

describe("a service with three routes", () => {
  const rows: [string, string, string | undefined][] = [
    ["create", "v2", undefined],
    ["get", "v1", undefined],
    ["create", "v3", "ann"],
    ["get", "v3", "ann"],
  ];
  test.each(rows)("%s goes to %s where the user is %s", (method, cluster, user) => {
    const route = matchRoute(decide(split, method), (name) => (name === "user" ? user : undefined));
    expect(pickTarget(route!, Math.random)?.cluster.name).toBe(cluster);
  });

  test("headers are needed only where a route before the first certain one asks for them", () => {
    expect(decide(split, "create").fixed).toBeUndefined();
    expect(decide(split.slice(1), "create").fixed?.name).toBe("create");
    expect(decide(split.slice(1), "get").fixed?.name).toBe("rest");
  });
});

test("a method that no route takes has no route", () => {
  expect(matchRoute(decide([split[1]!], "get"), none)).toBeUndefined();
});

describe("the service that a call means", () => {
  const table = new RouteTable(
    routesOf({ "com.acme.A": split, "com.acme.A:1.0.0": split, "g/com.acme.A:1.0.0": split, "h/com.acme.B": split }),
    clusters,
  );
  const rows: [string, string, string[]][] = [
    ["com.acme.A", "", [""]],
    ["com.acme.A", "0.0.0", [""]],
    ["com.acme.A", "1.0.0", ["", "g"]],
    ["ctx/com.acme.A", "1.0.0", ["", "g"]],
    ["com.acme.B", "", ["h"]],
  ];
  test.each(rows)("%s version %j is known in groups %j", (service, version, groups) => {
    const decision = table.decide(service, version, "m")!;
    expect([...decision.byGroup.keys()].sort()).toEqual(groups);
    expect(decision.only === undefined).toBe(groups.length > 1);
  });

  test.each([
    ["com.acme.C", ""],
    ["com.acme.A", "2.0.0"],
    ["host-of-com.acme.a", ""],
    ["__proto__", ""],
  ])("%s version %j is not known", (service, version) => {
    expect(table.decide(service, version, "m")).toBeUndefined();
  });

  test("of several services none is the only one", () => {
    expect(table.onlyHost()).toBeUndefined();
    expect(new RouteTable(routesOf({ "com.acme.A": split }), clusters).onlyHost()?.key.interface).toBe("com.acme.A");
  });
});

test("weights share calls out, and 0 takes none", () => {
  const weightedClusters = {
    clusters: [
      { name: "a", weight: 0 },
      { name: "b", weight: 30 },
      { name: "c", weight: 10 },
    ],
  };
  const route = decideHost(decide([{ match: { prefix: "/" }, route: { weightedClusters } }], "m").host, "m").fixed!;
  const at = (point: number) => pickTarget(route, () => point)?.cluster.name;
  expect([at(0), at(0.74), at(0.75), at(0.999)]).toEqual(["b", "b", "c", "c"]);
});

test("faults, time-outs and mutations are compiled to numbers", () => {
  const percentage = { numerator: 25, denominator: "HUNDRED" } as const;
  const route = decide(
    [
      {
        match: { prefix: "/" },
        route: { cluster: "a", timeout: "1.5s" },
        requestHeadersToAdd: [
          { header: { key: "x", value: "1" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" },
          { header: { key: "y", value: "2" }, appendAction: "APPEND_IF_EXISTS_OR_ADD" },
        ],
        requestHeadersToRemove: ["z"],
        typedPerFilterConfig: {
          "envoy.filters.http.fault": {
            delay: { fixedDelay: "0.1s", percentage },
            abort: { httpStatus: 503, percentage },
          },
        },
      },
    ],
    "m",
  ).fixed!;
  expect(route).toMatchObject({
    timeoutMs: 1_500,
    fault: { delayMs: 100, delayShare: 0.25, abortShare: 0.25, abortHttp: 503 },
    mutations: { set: [["x", "1"]], add: [["y", "2"]], remove: ["z"] },
    retry: undefined,
  });
});

test("a service whose key is its host is found by it", () => {
  const table = new RouteTable(
    { name: "dubbo", virtualHosts: [{ name: "shop", domains: ["shop"], routes: [] }] },
    () => {
      throw new Error("no route asks for a cluster");
    },
  );
  expect(table.hostOf("shop")).toMatchObject({ host: "shop", key: { interface: "shop" } });
  expect(table.hostOf("stock")).toBeUndefined();
});

test("a virtual host for all takes whatever service and group no other has", () => {
  const all = { name: "in", domains: ["*"], routes: [{ name: "all", match: { prefix: "/" }, ...to("in") }] };
  const table = new RouteTable({ name: "in", virtualHosts: [all] }, clusters);
  const decision = table.decide("com.acme.B", "1.0.0", "get")!;
  expect([decision.only, decision.anyGroup, decision.byGroup.has("x")]).toEqual([undefined, true, true]);
  const one = decision.byGroup.get("g")!;
  expect([one.host.key, one.fixed?.name]).toEqual([{ interface: "com.acme.B", group: "g", version: "1.0.0" }, "all"]);
  expect(decision.byGroup.get("g")).toBe(one);
  for (let i = 0; i < 1_000; i++) decision.byGroup.get(`g${i}`);
  expect(decision.byGroup.size).toBeLessThanOrEqual(64);
  expect(table.hostOf("shop")?.key.interface).toBe("shop");
  expect(table.onlyHost()?.host).toBe("in");
});

test("a Host names a service by its host, or by its plain name where it has no group and version", () => {
  const table = new RouteTable(
    {
      name: "dubbo",
      virtualHosts: [
        { name: "shop-1", domains: ["shop-1", "Shop_1"], routes: [] },
        { name: "a.b-g", domains: ["a.b-g", "g/a.B"], routes: [] },
        { name: "stock", domains: ["stock", "shop-1:2"], routes: [] },
        { name: "in", domains: ["*"], routes: [] },
      ],
    },
    clusters,
  );
  const named = (authority: string) => table.hostNamed(authority)?.host;
  expect(["SHOP-1.:8080", "shop_1", "A.B-G", "stock:1"].map(named)).toEqual(["shop-1", "shop-1", "a.b-g", "stock"]);
  expect(["", "a.b", "g/a.b", "shop-2", "*", "in.x", "shop-1@stock"].map(named)).toEqual(Array(7).fill(undefined));
});

test("a Host with a number names the further port of it, one without that of 80", () => {
  const host = (name: string, key = name) => ({ name, domains: name === key ? [name] : [name, key], routes: [] });
  const names = ["shop.example", "shop.example:9090", "late", "late:80", "*.wide.example", "*.wide.example:81"];
  const keys: Readonly<Record<string, string>> = { "shop.example": "shop", "shop.example:9090": "shop:9090" };
  const table = new RouteTable({ name: "dubbo", virtualHosts: names.map((name) => host(name, keys[name])) }, clusters);
  const named = (authority: string) => table.hostNamed(authority)?.host;
  expect(["shop.example", "SHOP:9090", "shop.example.:9090", "shop:80"].map(named)).toEqual([
    ...["shop.example", "shop.example:9090", "shop.example:9090", "shop.example"],
  ]);
  expect(["late", "late:80", "late:8080"].map(named)).toEqual(["late:80", "late:80", "late"]);
  expect(["a.wide.example", "a.wide.example:81"].map(named)).toEqual(["*.wide.example", "*.wide.example:81"]);
  expect(table.hostOf("shop:9090")?.host).toBe("shop.example:9090");
});
