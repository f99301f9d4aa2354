import { expect, test } from "vitest";
import type { Route, VirtualHost } from "../../../../../src/codecs/xds/route.ts";
import { dubboRoutes } from "../../../../../src/control/compile/envoy/dubbo-routes.ts";
import { parseServiceKey } from "../../../../../src/model/service.ts";
import { entryOf } from "../../../../support/rule-cases.ts";

const HOST = "com.acme.a";
const OWN = `outbound|20880||${HOST}`;

function lower(routes: readonly Partial<Route>[], key = "com.acme.A", more: object = {}) {
  const host = {
    name: HOST,
    domains: [HOST],
    routes: routes.map((route) => ({ match: { prefix: "/" }, route: { cluster: OWN }, ...route })),
    ...more,
  };
  const { config, shortcomings } = dubboRoutes(host as VirtualHost, { service: parseServiceKey(key) }, (name) =>
    name === "none" ? undefined : name,
  );
  return { config, routes: config["routes"] as readonly object[], codes: shortcomings.map(({ code }) => code) };
}

test("interface, group and version say which service; an empty one is not written, since Envoy takes none for any", () => {
  expect(lower([{}], "g/com.acme.A:1.0.0").config).toMatchObject({
    name: HOST,
    interface: "com.acme.A",
    group: "g",
    version: "1.0.0",
  });
  expect(lower([{}]).config).toEqual({
    name: HOST,
    interface: "com.acme.A",
    routes: [{ match: { method: { name: { safeRegex: { regex: ".*" } } } }, route: { cluster: OWN } }],
  });
});

test.each<[string, Route["match"], object | undefined]>([
  ["an exact path is a method", { path: "/com.acme.A/pay" }, { exact: "pay" }],
  ["a path in any case", { path: "/com.acme.a/PAY", caseSensitive: false }, { exact: "PAY", ignoreCase: true }],
  ["a prefix behind the interface", { prefix: "/com.acme.A/get" }, { prefix: "get" }],
  ["the interface as a prefix", { prefix: "/com.acme.A/" }, { safeRegex: { regex: ".*" } }],
  ["a prefix of the interface", { prefix: "/com." }, { safeRegex: { regex: ".*" } }],
  [
    "a regex behind the interface",
    { safeRegex: { regex: "/com\\.acme\\.A/(?:get|find).*" } },
    { safeRegex: { regex: "(?:get|find).*" } },
  ],
  [
    "a regex with a choice of whole paths is left out",
    { safeRegex: { regex: "/com.acme.A/a|/com.acme.A/b" } },
    undefined,
  ],
  ["another interface's path is left out", { path: "/com.acme.B/pay" }, undefined],
  ["another interface's prefix is left out", { prefix: "/com.acme.B/" }, undefined],
])("%s", (_, match, name) => {
  const { routes, codes } = lower([{ match }]);
  expect(routes).toEqual(name === undefined ? [] : [{ match: { method: { name } }, route: { cluster: OWN } }]);
  expect(codes).toEqual(name === undefined ? ["TR0705"] : []);
});

test("attachments are header conditions, under Dubbo's own names", () => {
  const headers = [
    { name: "dubbo-application", stringMatch: { exact: "web" } },
    { name: "color", presentMatch: true },
  ];
  expect(lower([{ match: { prefix: "/", headers } }]).routes).toMatchObject([
    {
      match: {
        headers: [
          { name: "remote.application", stringMatch: { exact: "web" } },
          { name: "color", presentMatch: true },
        ],
      },
    },
  ]);
});

test("an argument's exact text is asked for; a field, a prefix and an absence cannot be", () => {
  const of = (...headers: NonNullable<Route["match"]["headers"]>) =>
    lower([{ match: { path: "/com.acme.A/pay", headers } }]);
  const exact = { name: "dubbo-arg-1", stringMatch: { exact: "42" } };
  expect(of(exact).routes).toMatchObject([
    { match: { method: { name: { exact: "pay" }, paramsMatch: { 1: { exactMatch: "42" } } } } },
  ]);
  for (const header of [
    { name: "dubbo-arg-0.id", stringMatch: { exact: "42" } },
    { name: "dubbo-arg-0", stringMatch: { prefix: "4" } },
    { name: "dubbo-arg-0", presentMatch: true },
    { ...exact, invertMatch: true },
  ]) {
    expect(of(header)).toMatchObject({ routes: [], codes: ["TR0705"] });
  }
});

test("shares stay; a destination that no Dubbo2 can reach is left out", () => {
  const clusters = [
    { name: OWN, weight: 80 },
    { name: "none", weight: 20 },
  ];
  expect(lower([{ route: { weightedClusters: { clusters } } }]).routes).toMatchObject([
    { route: { weightedClusters: { clusters: [{ name: OWN, weight: 80 }] } } },
  ]);
  expect(lower([{ route: { cluster: "none" } }])).toMatchObject({ routes: [], codes: ["TR0708", "TR0711"] });
});

const percentage = { numerator: 100, denominator: "HUNDRED" } as const;
const mutation = [{ header: { key: "a", value: "b" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" }] as const;
const shortcomings: [string, Partial<Route>, string[]][] = [
  ["a time limit", { route: { cluster: OWN, timeout: "1s" } }, ["TR0701"]],
  ["no time limit", { route: { cluster: OWN, timeout: "0s" } }, []],
  ["retries", { route: { cluster: OWN, retryPolicy: { retryOn: "reset", numRetries: 1 } } }, ["TR0702"]],
  [
    "a fault",
    { typedPerFilterConfig: { "envoy.filters.http.fault": { abort: { httpStatus: 500, percentage } } } },
    ["TR0703"],
  ],
  ["a mirror", { route: { cluster: OWN, requestMirrorPolicies: [{ cluster: OWN }] } }, ["TR0704"]],
  ["changes to attachments", { requestHeadersToAdd: mutation }, ["TR0706"]],
  [
    "changes of one destination",
    { route: { weightedClusters: { clusters: [{ name: OWN, weight: 1, requestHeadersToRemove: ["a"] }] } } },
    ["TR0706"],
  ],
  ["another service", { route: { cluster: "outbound|20880||com.acme.b" } }, ["TR0708"]],
  ["a rewrite", { route: { cluster: OWN, prefixRewrite: "/com.acme.B/" } }, ["TR0708"]],
  ["a hash policy", { route: { cluster: OWN, hashPolicy: [{ header: { headerName: "a" } }] } }, ["TR0709"]],
];

test.each(shortcomings)("what Envoy cannot do is named: %s", (_, route, codes) => {
  const lowered = lower([route]);
  expect(lowered.codes).toEqual(codes);
  expect(lowered.routes).toHaveLength(1);
});

test("a direct answer is left out and named; a policy of the service is named once", () => {
  expect(lower([{ route: undefined, directResponse: { status: 503 } } as unknown as Route])).toMatchObject({
    routes: [],
    codes: ["TR0707"],
  });
  expect(lower([{}, {}], "com.acme.A", { typedPerFilterConfig: { "envoy.filters.http.rbac": {} } }).codes).toEqual([
    "TR0710",
  ]);
});

test.each([
  ["prefer.serialization=fastjson2,hessian2", ["TR0712"]],
  ["prefer.serialization=hessian2,fastjson2", []],
  ["serialization=kryo", ["TR0712"]],
  ["", []],
])("a provider with '%s' and its serialization", (query, codes) => {
  const { service, endpoints } = entryOf("com.acme.A", [`dubbo://10.0.0.1:20880?${query}`]);
  const host = { name: HOST, domains: [HOST], routes: [{ match: { prefix: "/" }, route: { cluster: OWN } }] };
  const { shortcomings } = dubboRoutes(host, { service, endpoints }, (name) => name);
  expect(shortcomings.map(({ code }) => code)).toEqual(codes);
});
