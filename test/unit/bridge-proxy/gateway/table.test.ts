import { expect, test } from "vitest";
import type { HostAuthz } from "../../../../src/bridge-proxy/authz/gate.ts";
import type { TokenWord } from "../../../../src/bridge-proxy/authz/jwt.ts";
import { GatewayTable, isEmpty, linesIn, lookupIn } from "../../../../src/bridge-proxy/gateway/table.ts";
import { Cluster, type HostPools } from "../../../../src/bridge-proxy/upstream/cluster.ts";
import { JWT_FILTER } from "../../../../src/codecs/xds/authz.ts";
import { TRESTLE_METADATA } from "../../../../src/codecs/xds/core.ts";
import type { HeaderLookup } from "../../../../src/codecs/xds/match.ts";
import type { Route } from "../../../../src/codecs/xds/route.ts";
import { clusterName, clusterOf, endpointsOf } from "../../../support/xds-fixtures.ts";

const KEY = "g/com.acme.A:1.0.0";
const cluster = clusterName(KEY);
const pool = { host: (address: string, port: number) => ({ address, port }), version: 0 };
const target = () =>
  new Cluster(clusterOf(KEY), endpointsOf(KEY, "", [{ port: 1 }]), {
    dubbo: pool,
    tri: pool,
    http: pool,
  } as unknown as HostPools);

function tableOf(hosts: Readonly<Record<string, readonly Route[]>>): GatewayTable {
  const virtualHosts = Object.entries(hosts).map(([domain, routes]) => ({ name: domain, domains: [domain], routes }));
  return new GatewayTable({ name: "gateway_80", virtualHosts }, target);
}

const when = (name: string, match: Route["match"], prefixRewrite?: string): Route => ({
  name,
  match,
  route: { cluster, ...(prefixRewrite !== undefined && { prefixRewrite }) },
});

function find(routes: readonly Route[], target: string, verb = "POST", ...fields: string[]) {
  const [path = "", query = ""] = target.split("?");
  const all = [":method", verb, ...fields];
  const found = tableOf({ "*": routes })
    .hostFor("x")!
    .find({ path, verb, lookup: lookupIn(all, `?${query}`), lines: linesIn(all) });
  return typeof found === "object" && "compiled" in found ? found.compiled.name : found;
}

test.each([
  ["api.example.com", "api.example.com"],
  ["API.Example.com:8080", "api.example.com"],
  ["api.example.com.", "api.example.com"],
  ["other.example.com", "*.example.com"],
  ["a.b.example.com", "*.example.com"],
  ["x.deep.example.com", "*.deep.example.com"],
  ["example.com", "*"],
  ["[::1]:8080", "*"],
  ["", "*"],
  ["*.example.com", "*.example.com"],
])("Host %s is of the domain %s", (authority, domain) => {
  const table = tableOf({ "api.example.com": [], "*.example.com": [], "*.deep.example.com": [], "*": [] });
  expect(table.hostFor(authority)?.domain).toBe(domain);
});

test("a Host of no domain has no routes", () => {
  expect(tableOf({ "api.example.com": [] }).hostFor("other.com")).toBeUndefined();
  expect(new GatewayTable(undefined, target).hostFor("a")).toBeUndefined();
});

test.each<[string, Route["match"], string, string, string[], string | undefined]>([
  ["a prefix", { prefix: "/a/" }, "/a/b", "POST", [], "r"],
  ["another path", { prefix: "/a/" }, "/b/a", "POST", [], undefined],
  ["a path in other letters", { path: "/A", caseSensitive: false }, "/a", "POST", [], "r"],
  ["an expression", { safeRegex: { regex: "/a/\\d+/b" } }, "/a/12/b", "POST", [], "r"],
  ["a header", { prefix: "/", headers: [{ name: "x", stringMatch: { exact: "1" } }] }, "/a", "POST", ["x", "1"], "r"],
  ["no such header", { prefix: "/", headers: [{ name: "x", presentMatch: true }] }, "/a", "POST", [], undefined],
  [
    "a parameter",
    { prefix: "/", queryParameters: [{ name: "v", stringMatch: { exact: "a+b" } }] },
    "/a?u=1&v=a+b",
    "POST",
    [],
    "r",
  ],
  [
    "no such parameter",
    { prefix: "/", queryParameters: [{ name: "v", presentMatch: true }] },
    "/a?w=1",
    "POST",
    [],
    undefined,
  ],
  ["another method than POST", { prefix: "/" }, "/a", "GET", [], "verb"],
  [
    "a method that is named",
    { prefix: "/", headers: [{ name: ":method", stringMatch: { exact: "GET" } }] },
    "/a",
    "GET",
    [],
    "r",
  ],
  [
    "one that is not",
    { prefix: "/", headers: [{ name: ":method", stringMatch: { exact: "GET" } }] },
    "/a",
    "POST",
    [],
    "verb",
  ],
])("a route by %s", (_, match, target, verb, fields, found) => {
  expect(find([when("r", match)], target, verb, ...fields)).toBe(found);
});

test("the first route that takes a request decides, whether it is found by its first part or not", () => {
  const routes = [
    when("narrow", { prefix: "/com.acme.A/get" }),
    when("named", { prefix: "/com.acme.A/" }),
    when("all", { prefix: "/" }),
    when("never", { prefix: "/com.acme.B/" }),
  ];
  expect(["/com.acme.A/getIt", "/com.acme.A/put", "/com.acme.B/put", "/"].map((path) => find(routes, path))).toEqual([
    "narrow",
    "named",
    "all",
    "all",
  ]);
});

test("a route of calls is without what it makes of paths: policies are asked of /interface/method as it is", () => {
  const mirrors = { requestMirrorPolicies: [{ cluster }] };
  const written = { ...when("r", { prefix: "/a/" }), route: { cluster, prefixRewrite: "/", ...mirrors } };
  const host = (metadata?: Route["metadata"]) => tableOf({ "*": [{ ...written, ...(metadata && { metadata }) }] });
  const rewrites = (table: GatewayTable) => {
    const found = table.hostFor("x")!.find({ path: "/a/get", verb: "POST", lookup: () => undefined });
    if (typeof found !== "object" || !("compiled" in found)) throw new Error("no route");
    const { rewrite, mirrors: copies } = found.compiled;
    return [rewrite?.path?.("/a/get"), copies?.[0]?.route.rewrite?.path?.("/a/get"), found.methodOf("/a/get")];
  };
  expect(rewrites(host())).toEqual([undefined, undefined, "get"]);
  const http = { filterMetadata: { [TRESTLE_METADATA]: { protocol: "http" as const } } };
  expect(rewrites(host(http))).toEqual(["/get", "/get", "get"]);
});

test.each<[Route["match"], string | undefined, string, string]>([
  [{ prefix: "/" }, undefined, "/com.acme.A/get", "get"],
  [{ prefix: "/" }, undefined, "/any/thing/get", ""],
  [{ prefix: "/orders" }, undefined, "/orders/com.acme.A/get", "get"],
  [{ prefix: "/orders/" }, undefined, "/orders/x/get", ""],
  [{ prefix: "/com.acme." }, undefined, "/com.acme.A/get", "get"],
  [{ prefix: "/com.acme." }, undefined, "/com.acme.B/get", ""],
  [{ prefix: "/orders/" }, undefined, "/orders//get", ""],
  [{ prefix: "/orders" }, "/com.acme.A/", "/orders/get", "get"],
  [{ prefix: "/orders/" }, "/com.acme.A/", "/orders/get", "get"],
  [{ prefix: "/orders/" }, "/x/find", "/orders/ById", "findById"],
  [{ path: "/orders" }, "/com.acme.A/create", "/orders", "create"],
  [{ safeRegex: { regex: "/o/.*" } }, "/com.acme.A/list", "/o/1/2", "list"],
  [{ prefix: "/orders/" }, undefined, "/orders/", ""],
])("a route by %j rewritten to %s calls, of %s, the method %j", (match, rewrite, path, method) => {
  const host = tableOf({ "*": [when("r", match, rewrite)] }).hostFor("x")!;
  const found = host.find({ path, verb: "POST", lookup: () => undefined });
  expect(typeof found === "object" && "compiled" in found && found.methodOf(path)).toBe(method);
});

test("calls are counted under the service they go to", () => {
  const found = tableOf({ "*": [when("r", { prefix: "/" })] })
    .hostFor("x")!
    .find({ path: "/", verb: "POST", lookup: () => undefined });
  if (typeof found !== "object" || !("compiled" in found)) throw new Error("no route");
  const decision = found.decisionFor("get");
  expect(decision).toMatchObject({
    method: "get",
    host: { key: { interface: "com.acme.A", group: "g", version: "1.0.0" } },
  });
  expect(found.decisionFor("get")).toBe(decision);
  for (let i = 0; i < 1_024; i++) found.decisionFor(`m${i}`);
  expect(found.decisionFor("get")).not.toBe(decision);
});

test("an answer of a rule's own holds for every HTTP method, unlike a route without one", () => {
  const denied: Route = { name: "denied", match: { prefix: "/admin/" }, directResponse: { status: 403 } };
  const routes = [denied, when("all", { prefix: "/", headers: [{ name: ":method", stringMatch: { exact: "GET" } }] })];
  expect(["GET", "POST", "DELETE"].map((verb) => find(routes, "/admin/get", verb))).toEqual(Array(3).fill("denied"));
});

test("a rule for a method holds for its overloads, one for an overload for that alone", () => {
  const denied = (path: string): Route => ({ name: "denied", match: { path }, directResponse: { status: 403 } });
  const all = when("all", { prefix: "/orders/" });
  const paths = ["/orders/find", "/orders/find~", "/orders/find~l", "/orders/find~S"];
  expect(paths.map((path) => find([denied("/orders/find"), all], path))).toEqual(Array(4).fill("denied"));
  expect(paths.map((path) => find([denied("/orders/find~l"), all], path))).toEqual(["all", "all", "denied", "all"]);
});

test("a route that takes another HTTP method alone comes before a later answer of a rule's own", () => {
  const rest: Route = { name: "rest", match: { prefix: "/" }, directResponse: { status: 404 } };
  expect(find([when("orders", { prefix: "/orders/" }), rest], "/orders/get", "GET")).toBe("verb");
  expect(find([when("orders", { prefix: "/orders/" }), rest], "/other", "GET")).toBe("rest");
});

test("a route by a claim asks for the request's token, and no other does", () => {
  const claim = { filter: JWT_FILTER, path: [{ key: "payload" }, { key: "group" }], value: { presentMatch: true } };
  const by = when("claim", { prefix: "/in/", dynamicMetadata: [claim] });
  const asked: string[] = [];
  const policies = {
    tokenOf(header: HeaderLookup, hasWaited: boolean) {
      asked.push(`${header("t")} ${hasWaited}`);
      return word;
    },
  };
  let word: TokenWord = { claims: { group: "a" } };
  const table = new GatewayTable(
    {
      name: "gateway_80",
      virtualHosts: [
        {
          name: "*",
          domains: ["*"],
          routes: [by, when("rest", { prefix: "/" })],
          typedPerFilterConfig: { [JWT_FILTER]: { providers: {} } },
        },
      ],
    },
    target,
    { compilePolicies: () => policies as unknown as HostAuthz },
  );
  const host = table.hostFor("x")!;
  const find = (path: string) => {
    const found = host.find({ path, verb: "POST", lookup: (name) => (name === "t" ? "token" : undefined) }, true);
    return typeof found !== "object" ? found : "compiled" in found ? found.compiled.name : found.message;
  };
  expect(host.asksClaims).toBe(true);
  expect([find("/in/m"), find("/m")]).toEqual(["claim", "rest"]);
  word = { claims: undefined };
  expect(find("/in/m")).toBe("rest");
  word = { denial: { reason: "unauthenticated", message: "bad", policy: "Jwt" } };
  expect(find("/in/m")).toBe("bad");
  expect(asked).toEqual(["token true", "token true", "token true"]);
  expect(tableOf({ "*": [when("r", { prefix: "/" })] }).hostFor("x")!.asksClaims).toBe(false);
});

test("a route to services that speak HTTP takes every method, and means paths alone", () => {
  const metadata = { filterMetadata: { [TRESTLE_METADATA]: { protocol: "http" as const } } };
  const open = { ...when("http", { path: "/a" }), metadata };
  const closed: Route = { name: "closed", match: { path: "/b" }, directResponse: { status: 403 } };
  expect(find([open], "/a", "GET")).toBe("http");
  expect(find([open], "/a~l", "GET")).toBeUndefined();
  expect(find([when("call", { path: "/a" })], "/a", "GET")).toBe("verb");
  expect(find([when("call", { path: "/a" })], "/a~l")).toBe("call");
  const hostOf = (...routes: Route[]) => tableOf({ "*": routes }).hostFor("x")!;
  const foundIn = (host: ReturnType<typeof hostOf>) => host.find({ path: "/b", verb: "GET", lookup: () => undefined });
  // What is answered beside calls is answered as they are.
  expect(foundIn(hostOf(open, closed))).toMatchObject({ isHttp: true });
  expect(foundIn(hostOf(open, closed, when("call", { path: "/c" })))).toMatchObject({ isHttp: false });
  expect(hostOf(open)).toMatchObject({ carriesHttp: true, choosesByPath: true });
  expect(hostOf({ ...when("all", { prefix: "/" }), metadata })).toMatchObject({ choosesByPath: false });
  expect(hostOf(closed)).toMatchObject({ carriesHttp: false });
});

test("a route to nobody takes every method: whether it is of calls is not known", () => {
  const nobody = () =>
    new Cluster(clusterOf(KEY), undefined, { dubbo: pool, tri: pool, http: pool } as unknown as HostPools);
  const virtualHosts = [{ name: "*", domains: ["*"], routes: [when("gone", { path: "/a" })] }];
  const found = new GatewayTable({ name: "g", virtualHosts }, nobody)
    .hostFor("x")!
    .find({ path: "/a", verb: "GET", lookup: () => undefined });
  expect(typeof found === "object" && "compiled" in found && isEmpty(found)).toBe(true);
});

test("a lookup tells how a request came, joins lines of one name, and has the query", () => {
  const fields = [":scheme", "ftp", "a", "1", "b", "2", "a", "3"];
  const lookup = lookupIn(fields, "?q=%31", "https");
  expect([":scheme", "a", "b", "c", "?q", "?"].map(lookup)).toEqual(["https", "1,3", "2", undefined, "1", "?q=%31"]);
  expect([":scheme", "?q", "?"].map(lookupIn(fields, ""))).toEqual(["ftp", undefined, undefined]);
});

test("lines of a name are looked at each by itself, cookies and what an Envoy makes one as one", () => {
  const fields = [
    "a",
    "1",
    "a",
    "3",
    "cookie",
    "x=1",
    "cookie",
    "y=2",
    "accept",
    "b",
    "accept",
    "c",
    "u",
    "\u00c3\u00b6",
  ];
  const lines = linesIn(fields);
  expect(["a", "b", "cookie", "accept", ":scheme", "u"].map(lines)).toEqual([["1", "3"], [], [], ["b,c"], [], ["ö"]]);
  expect(lookupIn(fields, "")("u")).toBe("ö");
  const match = (exact: string): Route["match"] => ({ prefix: "/", headers: [{ name: "a", stringMatch: { exact } }] });
  for (const exact of ["1", "3"]) expect(find([when("line", match(exact))], "/x", "POST", ...fields)).toBe("line");
  expect(find([when("line", match("1,3"))], "/x", "POST", ...fields)).toBeUndefined();
  const name = "a";
  const not = { name, stringMatch: { exact: "3" }, invertMatch: true };
  expect(find([when("line", { prefix: "/", headers: [not] })], "/x", "POST", ...fields)).toBeUndefined();
});
