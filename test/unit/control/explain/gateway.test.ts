import { describe, expect, test } from "vitest";
import { GatewayTable, lookupIn } from "../../../../src/bridge-proxy/gateway/table.ts";
import { Cluster, type HostPools } from "../../../../src/bridge-proxy/upstream/cluster.ts";
import { plainPath } from "../../../../src/codecs/request-path.ts";
import { explainAtGateway } from "../../../../src/control/explain/gateway.ts";
import { explainAt, gatewayCase, requestOf } from "../../../support/gateway-cases.ts";
import { policyText } from "../../../support/policies.ts";

describe("a request that becomes a call", () => {
  test("is told server, routes with their places, what it calls, where it goes, and policies", () => {
    const deny = policyText("d", "{action: DENY, rules: [{to: [{operation: {methods: [drop]}}]}]}");
    const told = explainAt("/orders/getOrder", { verb: "POST", caller: "10.9.9.9" }, { port: 8080 }, [deny]);
    expect(told).toMatchObject({
      gateway: { gateway: "default/edge", address: "10.0.0.5:8080", tls: "plain text", domain: "api.example.com" },
      path: "POST /orders/getOrder",
      rule: "api",
      service: "com.acme.Orders",
      calls: "com.acme.Orders.getOrder",
      destinations: [{ host: "com.acme.orders", endpoints: [{ address: "10.0.0.1:20880" }] }],
      authorization: [{ for: "com.acme.orders", decision: "allowed" }],
    });
    expect(told.gateway?.at).toMatch(/^r\.yaml:\d+$/);
    expect(told.routes.map(({ verdict }) => verdict)).toEqual([
      "does not match",
      "taken",
      ...Array(5).fill("not reached"),
    ]);
    const [denied] = explainAt("/orders/drop", { verb: "POST" }, { port: 8080 }, [deny]).authorization;
    expect(denied).toMatchObject({ decision: "denied" });
    expect(explainAt("/who").calls).toBe("com.acme.Orders.whoAmI");
  });

  test("has arguments that no policy reads, and an application that nobody says", () => {
    const when = (key: string) =>
      policyText("d", `{action: DENY, rules: [{when: [{key: 'request.headers[${key}]', values: [a]}]}]}`);
    const decided = (key: string, headers = {}) =>
      explainAt("/orders/get", { verb: "POST", headers }, { port: 8080 }, [when(key)]).authorization[0];
    expect(decided("dubbo-arg-0")).toMatchObject({
      decision: "denied",
      why: ["a policy asks for dubbo-arg-0, which is not read of calls from outside"],
    });
    expect(decided("dubbo-application", { "dubbo-application": "a" })?.decision).toBe("allowed");
    expect(decided("x", { x: "a" })?.decision).toBe("denied");
  });
});

test("what is known of resources alone is told by a proxy that has no rules", () => {
  const deny = policyText("d", "{action: DENY, rules: [{to: [{operation: {methods: [drop]}}]}]}");
  const { resources } = gatewayCase(deny);
  const told = (target: string) => explainAtGateway(resources, requestOf(target, { verb: "POST" }), { port: 8080 });
  expect(told("/orders/get")).toMatchObject({
    gateway: { gateway: "", domain: "api.example.com" },
    calls: "com.acme.Orders.get",
    authorization: [{ decision: "allowed" }],
  });
  expect(told("/orders/drop").authorization).toMatchObject([{ decision: "denied" }]);
});

test("a request to a service that speaks HTTP stays one", () => {
  const told = explainAt("/shop/cart?v=1", { verb: "DELETE" });
  expect(told).toMatchObject({ service: "shop", policies: "/shop/ of the path becomes /" });
  expect([told.calls, told.answer]).toEqual([undefined, undefined]);
  const deny = policyText("d", "{action: DENY, rules: [{to: [{operation: {paths: [/cart], methods: [DELETE]}}]}]}");
  const decided = explainAt("/shop/cart?v=1", { verb: "DELETE" }, { port: 8080 }, [deny]).authorization;
  expect(decided).toMatchObject([{ for: "shop", decision: "denied" }]);
});

test.each<[string, Parameters<typeof explainAt>, number | undefined, string]>([
  ["no route", ["/none"], 404, "nothing is exposed"],
  ["another method", ["/orders/get"], 405, "does not take GET"],
  ["the OpenAPI document", ["/openapi.json"], 200, "OpenAPI"],
  ["a redirect", ["/old/x"], 301, "redirect to *://*/new"],
  ["a direct response", ["/gone"], 410, "gone"],
  ["nobody there", ["/nobody/x"], 503, "no provider"],
  ["Dubbo's own method", ["/orders/$invoke", { verb: "POST" }], 404, "no method for callers outside"],
  ["too many parts", ["/orders/a/b", { verb: "POST" }], 404, "more parts"],
  [
    "odd content",
    ["/orders/get", { verb: "POST", headers: { "Content-Type": "text/plain" } }],
    415,
    "application/json",
  ],
  ["gRPC to HTTP", ["/shop/a?v=1", { verb: "POST", headers: { "content-type": "application/grpc" } }], 404, "no gRPC"],
  ["a path of two readings", ["/shop/%2e%2e/gone?v=1"], 400, "several ways"],
  ["a Host that nobody takes", ["/", { authority: "other.org" }], 404, "no server of the port takes"],
  [
    "https asked for",
    ["/a?b", { authority: "moved.example.com" }, { port: 8081 }],
    301,
    "https://moved.example.com/a?b",
  ],
  ["plain text at TLS", ["/", {}, { port: 8443 }], undefined, "TLS alone"],
  ["TLS at plain text", ["/", { scheme: "https" }], undefined, "plain text"],
  ["TLS that is ended", ["/", { scheme: "tls" }, { port: 8443 }], undefined, "ask by https"],
])("%s is answered at the gateway", (_, asked, status, reason) => {
  const { answer, destinations } = explainAt(...asked);
  expect([answer?.status, answer?.reason, destinations]).toEqual([status, expect.stringContaining(reason), []]);
});

test("TLS that is not ended goes to places by their weights, by a rule with its place", () => {
  const told = explainAt("/", { scheme: "tls", authority: "a.pass.org" }, { port: 8444 });
  expect(told).toMatchObject({
    gateway: { gateway: "default/edge", tls: "TLS that is not ended, for a.pass.org" },
    rule: "pass",
    routes: [{ route: "pass", verdict: "taken", at: expect.stringMatching(/:\d+$/) }],
    destinations: [
      { host: "10.0.0.8:5432", share: 25 },
      { host: "10.0.0.9:5432", share: 75 },
    ],
  });
  expect(explainAt("/", { scheme: "tls", authority: "b.pass.org" }, { port: 8444 }).answer?.status).toBeUndefined();
});

test("preflight requests are told what the rule says", () => {
  const ask = (path: string, origin: string, method = "POST") =>
    explainAt(path, { verb: "OPTIONS", headers: { origin, "access-control-request-method": method } }).answer;
  expect(ask("/orders/get", "https://a.example")).toMatchObject({
    status: 204,
    reason: expect.stringContaining("with permission"),
  });
  expect(ask("/orders/get", "https://b.example")).toMatchObject({
    status: 204,
    reason: expect.stringContaining("does not allow"),
  });
  expect(ask("/who", "https://a.example", "GET")?.reason).toContain("no corsPolicy");
  expect(ask("/none", "https://a.example")?.status).toBe(404);
  expect(ask("/shop/a?v=1", "https://a.example")).toBeUndefined();
});

describe("what is explained is what the gateway does", () => {
  const { snapshot, resources } = gatewayCase();
  const pool = { host: (address: string, port: number) => ({ address, port }), version: 0 };
  const table = new GatewayTable(resources.routes.find(({ name }) => name === "gateway_8080")?.resource, (name) => {
    const cluster = resources.clusters.find((one) => one.name === name)!.resource;
    const endpoints = resources.endpoints.find((one) => one.name === name)?.resource;
    return new Cluster(cluster, endpoints, { dubbo: pool, tri: pool, http: pool } as unknown as HostPools);
  });
  const paths = [
    "/who",
    "/orders/get",
    "/orders/get~l",
    "/orders/",
    "/gone",
    "/gone/x",
    "/shop/a",
    "/shop/a?v=1",
    "/shop/%61?v=2",
    "/old",
    "/nobody/x",
    "/none",
    "/",
  ];
  const hosts = [
    "api.example.com",
    "API.example.com:8080",
    "b.example.com",
    "calls.example.com",
    "x.y.example.com",
    "example.com",
  ];
  test.each(hosts)("for %s", (authority) => {
    for (const target of paths)
      for (const verb of ["GET", "POST", "DELETE"])
        for (const headers of [{}, { "x-a": "b" }] as readonly Record<string, string>[]) {
          const request = requestOf(target, { authority, verb, headers });
          const told = explainAtGateway(resources, request, { port: 8080 }, snapshot);
          const host = table.hostFor(authority);
          const fields = [":method", verb, ":authority", authority, ...Object.entries(headers).flat()];
          const path = host?.carriesHttp === true ? plainPath(request.path) : request.path;
          const found = host?.find({ path, verb, lookup: lookupIn(fields, request.query) });
          const name = typeof found === "object" && "compiled" in found ? found.compiled.name : found;
          const taken = told.routes.find(({ verdict }) => verdict === "taken")?.route;
          const expected = taken ?? (told.answer?.status === 405 ? "verb" : undefined);
          expect([authority, target, verb, headers, expected]).toEqual([authority, target, verb, headers, name]);
        }
  });
});
