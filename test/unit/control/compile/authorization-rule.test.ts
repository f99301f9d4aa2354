import { describe, expect, test } from "vitest";
import { JWT_FILTER } from "../../../../src/codecs/xds/authz.ts";
import { compileAuthorizationRule } from "../../../../src/control/compile/authorization-rule.ts";
import { hostMatcher } from "../../../../src/control/compile/authorization-text.ts";
import { DEFAULT_MESH } from "../../../../src/model/mesh.ts";
import type { AuthorizationPolicy } from "../../../../src/model/rules/authorization.ts";
import { CART, ORDERS, policiesOf, policyText } from "../../../support/policies.ts";

function compiled(rule: string, entry = ORDERS, isAllow = true) {
  const policy = policiesOf(policyText("p", `{rules: [${rule}]}`))[0] as AuthorizationPolicy;
  return compileAuthorizationRule(policy.rules[0]!, { entry, namespace: "default", isAllow, mesh: DEFAULT_MESH });
}
const operation = (fields: string, entry = ORDERS, isAllow = true) =>
  compiled(`{to: [{operation: {${fields}}}]}`, entry, isAllow)?.permissions;
const any = [{ any: true }];
const path = (matcher: object) => [{ urlPath: { path: matcher } }];

describe("operations of a Dubbo service", () => {
  const rows: [string, string, object | undefined][] = [
    ["a method", "methods: [get]", path({ exact: "/com.acme.Orders/get" })],
    ["the start of a method", 'methods: ["get*"]', path({ prefix: "/com.acme.Orders/get" })],
    ["the end of a method", 'methods: ["*All"]', path({ safeRegex: { regex: "/com\\.acme\\.Orders/[^/]*All" } })],
    ["any method", 'methods: ["*"]', any],
    ["other methods", "notMethods: [get]", [{ notRule: path({ exact: "/com.acme.Orders/get" })[0] }]],
    ["a path of it", "paths: [/com.acme.Orders/get]", path({ exact: "/com.acme.Orders/get" })],
    ["a path of another", "paths: [/com.acme.Other/get]", undefined],
    ["paths of a package", 'paths: ["/com.acme.*"]', path({ prefix: "/com.acme." })],
    ["one segment", 'paths: ["/com.acme.Orders/{*}"]', path({ safeRegex: { regex: "/com\\.acme\\.Orders/[^/]+" } })],
    ["all segments", 'paths: ["/{**}"]', path({ safeRegex: { regex: "/.*" } })],
    ["health checks", 'paths: ["/grpc.health.v1.Health/*"]', path({ prefix: "/grpc.health.v1.Health/" })],
    ["its host", "hosts: [COM.acme.orders]", any],
    ["its host with a port", 'hosts: ["com.acme.orders:*"]', any],
    ["its interface", "hosts: [com.acme.Orders]", any],
    ["another host", "hosts: [com.acme.other]", undefined],
    ["no host of it", "notHosts: [com.acme.orders]", undefined],
    ["a port that some have", 'ports: ["20880"]', undefined],
    ["ports that all have", 'ports: ["20880", "20881"]', undefined],
    ["no port of it", 'notPorts: ["1"]', any],
    ["a port among those that must not be", 'notPorts: ["20880"]', undefined],
  ];
  test.each(rows)("%s", (_, fields, permissions) => {
    expect(operation(fields)).toEqual(permissions);
  });

  test("in other actions than ALLOW a port that some have is enough", () => {
    expect(operation('ports: ["20880"]', ORDERS, false)).toEqual(any);
    expect(operation('notPorts: ["20880"]', ORDERS, false)).toEqual(any);
    expect(operation('ports: ["1"]', ORDERS, false)).toBeUndefined();
  });
});

test("hosts with a port let calls through to that one alone, and refuse them at all of a service's", () => {
  const at = (port: number) => ({ ports: [{ protocol: "dubbo", port }] });
  const first = { ...ORDERS, ...at(80) };
  const further = { ...ORDERS, ...at(9090), host: "com.acme.orders:9090", portOf: ORDERS.host };
  const named = (fields: string, isAllow: boolean) =>
    [first, further, ORDERS].map((entry) => operation(fields, entry, isAllow) !== undefined);
  expect(named("hosts: [com.acme.orders]", true)).toEqual([true, true, true]);
  expect(named('hosts: ["com.acme.orders:9090"]', true)).toEqual([false, true, true]);
  expect(named('hosts: ["com.acme.orders:9090"]', false)).toEqual([true, true, true]);
  expect(named('notHosts: ["com.acme.orders:9090"]', true)).toEqual([false, false, false]);
});

test("of an HTTP service methods are verbs, paths are any and hosts are what callers write, too", () => {
  const header = (name: string, stringMatch: object) => [{ header: { name, stringMatch } }];
  expect(operation("methods: [GET]", CART)).toEqual(header(":method", { exact: "GET" }));
  expect(operation("paths: [/admin]", CART)).toEqual(path({ exact: "/admin" }));
  expect(operation("hosts: [shop.example]", CART)).toEqual(
    header(":authority", { exact: "shop.example", ignoreCase: true }),
  );
  expect(operation("hosts: [cart.http]", CART)).toEqual(any);
});

test("what refuses meets a Host with any port, and with a dot behind its name", () => {
  const wide = { header: { name: ":authority", stringMatch: hostMatcher("shop.example", true) } };
  expect(operation("hosts: [shop.example]", CART, false)).toEqual([wide]);
  expect(operation("notHosts: [shop.example]", CART)).toEqual([{ notRule: wide }]);
  const exact = { header: { name: ":authority", stringMatch: hostMatcher("shop.example", false) } };
  expect(operation("notHosts: [shop.example]", CART, false)).toEqual([{ notRule: exact }]);
});

describe("sources", () => {
  const authenticated = (matcher: object) => ({ authenticated: { principalName: matcher } });
  const rows: [string, object][] = [
    ["principals: [cluster.local/ns/a/sa/b]", authenticated({ exact: "spiffe://cluster.local/ns/a/sa/b" })],
    ['principals: ["*"]', authenticated({ safeRegex: { regex: ".+" } })],
    ['principals: ["cluster.local/*"]', authenticated({ prefix: "spiffe://cluster.local/" })],
    ['principals: ["*/sa/b"]', authenticated({ safeRegex: { regex: "spiffe://.*/sa/b" } })],
    ["namespaces: [a]", authenticated({ safeRegex: { regex: "spiffe://[^/]+/ns/a/sa/[^/]+" } })],
    ["serviceAccounts: [b]", authenticated({ safeRegex: { regex: "spiffe://[^/]+/ns/default/sa/b" } })],
    ["serviceAccounts: [a/b]", authenticated({ safeRegex: { regex: "spiffe://[^/]+/ns/a/sa/b" } })],
    ["trustDomains: [cluster.local]", authenticated({ safeRegex: { regex: "spiffe://cluster\\.local/.+" } })],
    ["notNamespaces: [a]", { notId: authenticated({ safeRegex: { regex: "spiffe://[^/]+/ns/a/sa/[^/]+" } }) }],
    ["ipBlocks: [10.0.0.0/8]", { directRemoteIp: { addressPrefix: "10.0.0.0", prefixLen: 8 } }],
    ['remoteIpBlocks: ["fd00::1"]', { remoteIp: { addressPrefix: "fd00::1", prefixLen: 128 } }],
  ];
  test.each(rows)("%s", (fields, principal) => {
    expect(compiled(`{from: [{source: {${fields}}}]}`)?.principals).toEqual([principal]);
  });

  test("a request principal is the token's issuer and subject", () => {
    const claim = (key: string, stringMatch: object) => ({
      metadata: { filter: JWT_FILTER, path: [{ key: "payload" }, { key }], value: { stringMatch } },
    });
    expect(compiled("{from: [{source: {requestPrincipals: [https://iss/*]}}]}")?.principals).toEqual([
      { andIds: { ids: [claim("iss", { exact: "https://iss" }), claim("sub", { safeRegex: { regex: ".+" } })] } },
    ]);
  });
});

describe("conditions", () => {
  const rows: [string, object][] = [
    [
      "{key: 'request.headers[User]', values: [ann, 'b*']}",
      {
        orIds: {
          ids: [
            { header: { name: "user", stringMatch: { exact: "ann" } } },
            { header: { name: "user", stringMatch: { prefix: "b" } } },
          ],
        },
      },
    ],
    ["{key: 'request.headers[x]', values: ['*']}", { header: { name: "x", presentMatch: true } }],
    [
      "{key: 'request.headers[dubbo-arg-0.userId]', notValues: ['1']}",
      { notId: { header: { name: "dubbo-arg-0.userId", stringMatch: { exact: "1" } } } },
    ],
    ["{key: source.ip, values: [10.1.1.1]}", { directRemoteIp: { addressPrefix: "10.1.1.1", prefixLen: 32 } }],
    [
      "{key: 'request.auth.claims[realm][roles]', values: [admin]}",
      {
        metadata: {
          filter: JWT_FILTER,
          path: [{ key: "payload" }, { key: "realm" }, { key: "roles" }],
          value: {
            orMatch: {
              valueMatchers: [
                { stringMatch: { exact: "admin" } },
                { listMatch: { oneOf: { stringMatch: { exact: "admin" } } } },
              ],
            },
          },
        },
      },
    ],
  ];
  test("what Envoy's filters would say is not met for ALLOW, and leaves the rest of a rule of DENY", () => {
    const rule =
      "{when: [{key: 'experimental.envoy.filters.http.lua[who]', values: [a]}, {key: connection.sni, values: [b]}]}";
    expect(compiled(rule)).toBeUndefined();
    expect(compiled(rule, ORDERS, false)).toEqual(
      compiled("{when: [{key: connection.sni, values: [b]}]}", ORDERS, false),
    );
    const table = "{when: [{key: 'experimental.envoy.filters.network.mysql_proxy[db.table]', values: ['[update]']}]}";
    expect([compiled(table), compiled(table, ORDERS, false)]).toEqual([undefined, undefined]);
  });

  test.each(rows)("%s", (condition, principal) => {
    expect(compiled(`{when: [${condition}]}`)?.principals).toEqual([principal]);
  });

  test("of the destination and of the connection", () => {
    expect(compiled("{when: [{key: destination.ip, values: [10.0.0.0/24]}]}")).toEqual({
      permissions: any,
      principals: any,
    });
    expect(compiled("{when: [{key: destination.ip, values: [10.0.0.1]}]}")).toBeUndefined();
    expect(compiled("{when: [{key: destination.port, values: ['1']}]}")).toBeUndefined();
    expect(compiled("{when: [{key: connection.sni, values: [a.b]}]}")?.permissions).toEqual([
      { requestedServerName: { exact: "a.b" } },
    ]);
  });
});

test("from, to and when must all hold, elements of a list any", () => {
  expect(
    compiled(
      "{from: [{source: {ipBlocks: [10.0.0.1]}}, {source: {ipBlocks: [10.0.0.2]}}], when: [{key: 'request.headers[a]', values: ['1']}]}",
    )?.principals,
  ).toEqual([
    {
      andIds: {
        ids: [
          { orIds: { ids: [1, 2].map((i) => ({ directRemoteIp: { addressPrefix: `10.0.0.${i}`, prefixLen: 32 } })) } },
          { header: { name: "a", stringMatch: { exact: "1" } } },
        ],
      },
    },
  ]);
});

describe("of providers that serve whatever they are asked for the path tells the interface", () => {
  const any = { ...ORDERS, host: "inbound|20880||10.0.0.1", service: { interface: "*", group: "", version: "" } };
  const rows: [string, object][] = [
    ["methods: [get]", path({ safeRegex: { regex: "/[^/]+/get" } })],
    ['methods: ["get*"]', path({ safeRegex: { regex: "/[^/]+/get[^/]*" } })],
    ['methods: ["*All"]', path({ safeRegex: { regex: "/[^/]+/[^/]*All" } })],
    ["paths: [/com.acme.Any/get]", path({ exact: "/com.acme.Any/get" })],
    ["hosts: [com.acme.Orders]", path({ prefix: "/com.acme.orders/", ignoreCase: true })],
    ['hosts: ["*.orders"]', path({ safeRegex: { regex: "(?i)/[^/]*\\.orders/.*" } })],
  ];
  test.each(rows)("%s", (fields, permissions) => {
    expect(operation(fields, any)).toEqual(permissions);
  });
});
