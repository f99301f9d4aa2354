import { describe, expect, test } from "vitest";
import { compile } from "../../../../src/control/compile/compiler.ts";
import { explainCall } from "../../../../src/control/explain/explain.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { rulesOf } from "../../../support/rules.ts";

const RULES = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders}
spec:
  hosts: [com.acme.OrderService]
  http:
    - name: gold
      match: [{method: {exact: createOrder}, headers: {dubbo-arg-0.level: {exact: GOLD}}}]
      timeout: 2s
      retries: {attempts: 1, retryOn: reset}
      route:
        - {destination: {host: com.acme.OrderService, subset: v2}, weight: 25}
        - {destination: {host: com.acme.OrderService}, weight: 75}
    - name: shop
      match: [{headers: {dubbo-application: {exact: shop}}}]
      directResponse: {status: 429, body: {string: later}}
    - name: get
      match: [{method: {prefix: get}}]
      route: [{destination: {host: com.acme.OrderService}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: lanes}
spec:
  host: com.acme.OrderService
  subsets: [{name: v2, labels: {lane: v2}}]
`;

const entries = [
  entryOf("com.acme.OrderService:1.0.0", ["dubbo://10.0.0.1:20880?lane=v1", "dubbo://10.0.0.2:20880?lane=v2"]),
  entryOf("com.acme.StockService", ["dubbo://10.0.0.3:20880"]),
  entryOf("com.acme.StockService:2.0.0", ["dubbo://10.0.0.4:20880"]),
  entryOf("com.acme.TwiceService:1.0.0", ["dubbo://10.0.0.5:20880"]),
  entryOf("com.acme.TwiceService:2.0.0", ["dubbo://10.0.0.6:20880"]),
];
const resources = compile(createSnapshot(entries, rulesOf(RULES)), {
  id: "w",
  dubbo: [{ address: "10.0.0.5", port: 20880 }],
  applications: { "10.0.0.9": "shop" },
});
const explain = (method: string, headers: Record<string, string> = {}, caller?: string) =>
  explainCall(resources, { service: "com.acme.orderservice", method, headers, ...(caller && { caller }) });

describe("a call of a service with a rule", () => {
  test("names the listener, the rule, the place of the route, destinations with shares and providers, and policies", () => {
    const explanation = explain("createOrder", { "Dubbo-Arg-0.level": "GOLD" });
    expect(explanation).toMatchObject({
      service: "com.acme.OrderService:1.0.0",
      path: "/com.acme.OrderService/createOrder",
      listeners: ["dubbo_10.0.0.5_20880"],
      rule: "orders",
      routes: [
        { route: "orders/gold", verdict: "taken", at: expect.stringMatching(/:9$/) },
        { route: "orders/shop", verdict: "not reached", why: [] },
        { route: "orders/get", verdict: "not reached", why: [] },
      ],
      policies: "timeout 2s; retries 1 on reset, each at another provider",
    });
    expect(explanation.answer).toBeUndefined();
    expect(explanation.destinations).toEqual([
      expect.objectContaining({
        subset: "v2",
        share: 25,
        endpoints: [{ address: "10.0.0.2:20880", protocol: "dubbo", weight: 100, health: "healthy", tag: "" }],
      }),
      expect.objectContaining({ subset: "", share: 75, endpoints: [expect.anything(), expect.anything()] }),
    ]);
  });

  test("says of each route that does not match what the call lacks", () => {
    expect(explain("getOrder").routes.map(({ verdict, why }) => [verdict, why])).toEqual([
      [
        "does not match",
        [
          "path /com.acme.OrderService/getOrder is not /com.acme.OrderService/createOrder",
          "dubbo-arg-0.level is absent, asked is dubbo-arg-0.level = GOLD",
        ],
      ],
      ["does not match", ["dubbo-application is absent, asked is dubbo-application = shop"]],
      ["taken", []],
    ]);
  });

  test("is answered by a route that calls nobody, by what registries say of the caller's address", () => {
    expect(explain("getOrder", {}, "10.0.0.9")).toMatchObject({
      answer: { status: 429, reason: "later" },
      destinations: [],
    });
    expect(explain("getOrder", { "remote.application": "billing" }, "10.0.0.9").answer).toBeUndefined();
  });

  test("that no route takes is answered 404", () => {
    expect(explain("cancel")).toMatchObject({ answer: { status: 404 }, destinations: [], policies: "" });
  });
});

test("a service without a rule has one route, which names no place", () => {
  const call = { service: "com.acme.StockService:2.0.0", method: "count", headers: {} };
  expect(explainCall(resources, call)).toMatchObject({ rule: "", routes: [{ verdict: "taken", at: "" }] });
});

test.each([
  ["a service that is not there", { service: "com.acme.Nothing" }, "no service com.acme.Nothing is known"],
  [
    "an interface with two versions",
    { service: "com.acme.TwiceService" },
    "say group and version; there are: com.acme.T",
  ],
  ["a version that is not there", { service: "com.acme.StockService", version: "3" }, "has no such group and version"],
])("%s is refused", (_, call, message) => {
  expect(() => explainCall(resources, { method: "m", headers: {}, ...call })).toThrow(message);
});

test("the port of all services that speak HTTP takes calls of those alone", () => {
  const http = entryOf("shop", ["http://10.0.0.7:8080"]);
  const node = { id: "w", dubbo: [{ address: "10.0.0.5", port: 20880 }], http: [{ address: "10.0.0.5", port: 80 }] };
  const quiet = { ...entryOf("gone", []), endpoints: [] };
  const set = compile(createSnapshot([...entries, http, quiet], rulesOf(RULES), ["dubbo", "http"]), node);
  const listenersOf = (service: string) => explainCall(set, { service, method: "get", headers: {} }).listeners;
  expect(listenersOf("com.acme.OrderService")).toEqual(["dubbo_10.0.0.5_20880"]);
  expect(listenersOf("shop")).toContain("http_10.0.0.5_80");
  // What it will speak is not known.
  expect(listenersOf("gone")).toContain("http_10.0.0.5_80");
});

test("a version picks one of an interface's services", () => {
  const call = { service: "com.acme.StockService", version: "2.0.0", method: "m", headers: {} };
  expect(explainCall(resources, call).service).toBe("com.acme.StockService:2.0.0");
});

test("of an interface with several versions the one without is meant by a call that says none", () => {
  const entries = ["com.acme.A", "com.acme.A:2.0.0", "g/com.acme.A"].map((key) =>
    entryOf(key, ["dubbo://10.0.0.1:20880"]),
  );
  const known = compile(createSnapshot(entries, []), { id: "n", dubbo: [] });
  const explained = (more: object) =>
    explainCall(known, { service: "com.acme.A", method: "m", headers: {}, ...more }).service;
  expect([explained({}), explained({ version: "2.0.0" }), explained({ group: "g" })]).toEqual([
    "com.acme.A",
    "com.acme.A:2.0.0",
    "g/com.acme.A",
  ]);
});

test("routes by claims are explained by what the call's token says, where somebody says whose tokens are good", () => {
  const rules = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: v}
spec:
  hosts: [com.acme.StockService]
  http:
    - {name: writers, match: [{headers: {"@request.auth.claims.scope": {exact: write}}}], directResponse: {status: 200}}
    - {name: nobody, match: [{withoutHeaders: {"@request.auth.claims[sub]": {}}}], directResponse: {status: 401}}
    - {name: rest, directResponse: {status: 403}}
`;
  const jwt = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: jwt}
spec: {jwtRules: [{issuer: i, jwks: '{"keys": [{"kty": "RSA"}]}'}]}
`;
  const verdicts = (claims: object | undefined, ...texts: string[]) =>
    explainCall(compile(createSnapshot(entries, rulesOf(rules, ...texts)), { id: "w", dubbo: [] }), {
      ...{ service: "com.acme.StockService", group: "", version: "", method: "get", headers: {} },
      ...(claims && { claims: claims as Record<string, unknown> }),
    }).routes.map(({ verdict, why }) => why[0] ?? verdict);
  expect(verdicts({ sub: "a", scope: "read write" }, jwt)).toEqual(["taken", "not reached", "not reached"]);
  expect(verdicts({ sub: "a" }, jwt)).toEqual([
    "its token says otherwise, asked is claim scope = write",
    "its token says otherwise, asked is not (claim sub is there)",
    "taken",
  ]);
  expect(verdicts(undefined, jwt)[0]).toBe("no token is known of the call, asked is claim scope = write");
  expect(verdicts({ sub: "a", scope: "write" })[1]).toBe("taken");
});
