import { describe, expect, test } from "vitest";
import { silentLogger } from "../../../../src/base/log.ts";
import { AuthzStats } from "../../../../src/bridge-proxy/authz/audit.ts";
import { HostAuthz } from "../../../../src/bridge-proxy/authz/gate.ts";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import { ruleRequest } from "../../../../src/bridge-proxy/http/guard.ts";
import { decideHttp, matchHttp } from "../../../../src/bridge-proxy/http/head.ts";
import { RouteTable } from "../../../../src/bridge-proxy/route.ts";
import type { Cluster } from "../../../../src/bridge-proxy/upstream/cluster.ts";
import type { RequestHead } from "../../../../src/codecs/http1/head.ts";
import { CART, configsOf, policyText } from "../../../support/policies.ts";

const peer = peerFrom("10.0.0.1");
const cluster = { service: { interface: "cart", group: "", version: "", host: CART.host, subset: "" } } as Cluster;

function routesFor(...policies: string[]): RouteTable {
  return routesBy({}, policies);
}

/** With a route whose action says `more`. */
function routesBy(more: object, policies: readonly string[]): RouteTable {
  const route = { name: "all", match: { prefix: "/" }, route: { cluster: "c", ...more } };
  const typedPerFilterConfig = configsOf(policies, CART)!;
  const virtualHosts = [{ name: CART.host, domains: [CART.host, "cart"], routes: [route], typedPerFilterConfig }];
  const stats = new AuthzStats(silentLogger, () => 0);
  return new RouteTable(
    { name: "dubbo", virtualHosts },
    () => cluster,
    (configs) => new HostAuthz(configs, stats),
  );
}

function outcome(
  routes: RouteTable,
  method: string,
  target: string,
  headers: Readonly<Record<string, string | string[]>> = {},
): string {
  const all = (name: string): string[] => [headers[name] ?? []].flat();
  const fields = { get: (name: string) => all(name)[0], all };
  const head = { method, target, fields } as unknown as RequestHead;
  const decision = decideHttp(routes.hostOf("cart")!, method);
  const ruling = ruleRequest(routes, { peer, decision, route: matchHttp(decision, head)!, head });
  return ruling?.denial?.reason ?? "passed";
}

const denyAdmin = policyText("d", '{action: DENY, rules: [{to: [{operation: {paths: ["/admin", "/admin/*"]}}]}]}');
const allowShop = policyText("a", '{rules: [{to: [{operation: {methods: [GET], paths: ["/shop/*"]}}]}]}');

describe("paths that go round DENY of /admin", () => {
  const rows: [string, string][] = [
    ["/admin", "denied"],
    ["/admin/users", "denied"],
    ["/admin?x=/shop", "denied"],
    ["/shop", "passed"],
    ["//admin", "undecodable"],
    ["/shop//admin", "undecodable"],
    ["/shop/../admin", "undecodable"],
    ["/./admin", "undecodable"],
    ["/shop/..;/admin", "undecodable"],
    ["/shop/..;x=1/admin", "undecodable"],
    ["/%2fadmin", "undecodable"],
    ["/shop/%2e%2e/admin", "undecodable"],
    ["/shop%5c..%5cadmin", "undecodable"],
    ["/shop\\admin", "undecodable"],
    ["/admin%00", "undecodable"],
    ["/%2561dmin", "undecodable"],
    ["/admin;x=1", "denied"],
    ["/admin;/users", "denied"],
    ["/admin/", "denied"],
    ["/admin.", "denied"],
    ["/%61dmin", "denied"],
    ["/admin#x", "undecodable"],
    ["/admin%23x", "undecodable"],
    ["http://cart/admin", "denied"],
    ["http://cart//admin", "undecodable"],
    ["/;/admin", "undecodable"],
    ["/shop/;x=1/admin", "undecodable"],
    ["/admin%3bx", "undecodable"],
    ["/admin%0a", "undecodable"],
    ["/admin%7F", "undecodable"],
    ["/admin%20", "denied"],
    ["/%20admin", "denied"],
    ["/admin%20/users", "denied"],
    ["/adm%20in", "passed"],
  ];
  test.each(rows)("%s is %s", (target, expected) => {
    expect(outcome(routesFor(denyAdmin), "GET", target)).toBe(expected);
  });
});

test("a path is looked at as it was sent, and as it is rewritten", () => {
  const regexRewrite = { pattern: { regex: "/v-(.*)-(.*)" }, substitution: "/\\1/\\2" };
  const routes = routesBy({ regexRewrite }, [denyAdmin]);
  expect(outcome(routes, "GET", "/v-shop-admin")).toBe("passed");
  expect(outcome(routes, "GET", "/v-admin-x")).toBe("denied");
  expect(outcome(routes, "GET", "/v--admin")).toBe("undecodable");
  expect(outcome(routes, "GET", "/v-a/.-./admin")).toBe("undecodable");
});

describe("a header in several lines, of which servers take the first or the last", () => {
  const rows: [string, string[], string][] = [
    ["one that is denied", ["evil"], "denied"],
    ["one with a comma", ["ann, bob"], "passed"],
    ["two that differ", ["evil", "ann"], "undecodable"],
    ["twice the same", ["ann", "ann"], "passed"],
    ["another header", [], "passed"],
  ];
  const denyEvil = policyText("d", "{action: DENY, rules: [{when: [{key: 'request.headers[user]', values: [evil]}]}]}");
  test.each(rows)("%s", (_, user, expected) => {
    expect(outcome(routesFor(denyEvil), "GET", "/", { user, other: ["a", "b"] })).toBe(expected);
  });

  test("a list of addresses may be in several lines", () => {
    const deny = denyEvil.replace("[user]", "[x-forwarded-for]");
    expect(outcome(routesFor(deny), "GET", "/", { "x-forwarded-for": ["10.0.0.1", "10.0.0.2"] })).toBe("passed");
  });
});

test("ALLOW is of the path as it was sent", () => {
  const routes = routesFor(allowShop);
  expect(outcome(routes, "GET", "/shop/a/")).toBe("passed");
  expect(outcome(routes, "POST", "/shop/a")).toBe("denied");
  expect(outcome(routes, "GET", "/Shop/a")).toBe("denied");
  expect(outcome(routes, "GET", "/shop")).toBe("denied");
});

test("a Host that another service has opens nothing, and one with a port is the same", () => {
  const routes = routesFor(policyText("h", "{action: DENY, rules: [{to: [{operation: {hosts: [cart.http]}}]}]}"));
  for (const host of ["cart.http", "other", "cart.http:80", "CART.HTTP."])
    expect(outcome(routes, "GET", "/", { host })).toBe("denied");
});

test("escapes of letters stay what they are to ALLOW and are plain to DENY", () => {
  expect(outcome(routesFor(denyAdmin), "GET", "/%61dmin")).toBe("denied");
  expect(outcome(routesFor(allowShop), "GET", "/shop/caf%C3%A9")).toBe("passed");
});

test("without policies for the destination a path is what it is", () => {
  const none = new RouteTable(undefined, () => cluster);
  expect(none.hasPolicies).toBe(false);
});

test("what nobody needed to encode is decoded before ALLOW is asked, too", () => {
  const butAdmin = policyText("a", '{rules: [{to: [{operation: {notPaths: ["/admin"]}}]}]}');
  expect(outcome(routesFor(butAdmin), "GET", "/%61dmin")).toBe("denied");
  expect(outcome(routesFor(butAdmin), "GET", "/%61bout")).toBe("passed");
});

describe("of several destinations those with policies are kept from what they deny", () => {
  const open = { service: { interface: "open", group: "", version: "", host: "open", subset: "" } } as Cluster;

  /** To the cart with its policies, and to a service without any: by weight, or as a copy of what goes there. */
  function denied(action: object, target: string): { all: boolean; cart: boolean } {
    const route = { name: "all", match: { prefix: "/" }, route: action };
    const stats = new AuthzStats(silentLogger, () => 0);
    const typedPerFilterConfig = configsOf([denyAdmin], CART)!;
    const routes = new RouteTable(
      {
        name: "dubbo",
        virtualHosts: [
          { name: "front", domains: ["front"], routes: [route] },
          { name: CART.host, domains: [CART.host, "cart"], routes: [], typedPerFilterConfig },
        ],
      },
      (name) => (name === "cart" ? cluster : open),
      (configs) => new HostAuthz(configs, stats),
    );
    const head = { method: "GET", target, fields: { get: () => undefined, all: () => [] } } as unknown as RequestHead;
    const decision = decideHttp(routes.hostOf("front")!, "GET");
    const ruling = ruleRequest(routes, { peer, decision, route: matchHttp(decision, head)!, head });
    const isCart = [...(ruling?.denied?.keys() ?? [])].some((one) => one.cluster === cluster);
    return { all: ruling?.denial !== undefined, cart: isCart };
  }

  const split = { weightedClusters: { clusters: ["open", "cart"].map((name) => ({ name, weight: 50 })) } };
  const mirror = { cluster: "open", requestMirrorPolicies: [{ cluster: "cart" }] };

  test.each([
    ["/shop", { all: false, cart: false }],
    ["/admin", { all: false, cart: true }],
    ["/admin;x=1", { all: false, cart: true }],
    ["/admin/", { all: false, cart: true }],
    ["/%61dmin", { all: false, cart: true }],
  ])("%s", (target, expected) => {
    expect(denied(split, target)).toEqual(expected);
    expect(denied(mirror, target)).toEqual(expected);
  });

  test("a path that can be read in several ways goes to none of them, and to others only as the main call", () => {
    expect(denied(split, "//admin")).toEqual({ all: true, cart: true });
    expect(denied(mirror, "//admin")).toEqual({ all: false, cart: true });
  });
});
