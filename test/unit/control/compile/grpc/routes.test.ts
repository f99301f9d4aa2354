import { expect, test } from "vitest";
import type { Route } from "../../../../../src/codecs/xds/route.ts";
import { grpcRoutes } from "../../../../../src/control/compile/grpc/routes.ts";

const lower = (route: Partial<Route>) =>
  grpcRoutes([{ match: { prefix: "/" }, ...route }], (name) => (name === "none" ? undefined : `to-${name}`));
const percentage = { numerator: 50, denominator: "HUNDRED" } as const;

test("a time limit is that of the stream; without one nothing is said", () => {
  expect(lower({ route: { cluster: "a", timeout: "2s" } })).toEqual([
    { match: { prefix: "/" }, route: { cluster: "to-a", maxStreamDuration: { maxStreamDuration: "2s" } } },
  ]);
  expect(lower({ route: { cluster: "a", timeout: "0s" } })).toEqual([
    { match: { prefix: "/" }, route: { cluster: "to-a" } },
  ]);
});

test("shares have their sum beside them, and none of 0", () => {
  const clusters = ["a", "b", "none"].map((name, i) => ({ name, weight: i === 1 ? 0 : 20 }));
  expect(lower({ route: { weightedClusters: { clusters } } })).toMatchObject([
    { route: { weightedClusters: { clusters: [{ name: "to-a", weight: 20 }], totalWeight: 20 } } },
  ]);
});

test.each<[string, Partial<Route>]>([
  ["a direct answer", { directResponse: { status: 503 } }],
  ["a destination that gRPC cannot reach", { route: { cluster: "none" } }],
])("%s fails the call", (_, route) => {
  expect(lower(route)).toEqual([{ match: { prefix: "/" }, nonForwardingAction: {} }]);
});

test("retries are made after what gRPC knows", () => {
  const of = (retryOn: string, numRetries = 2) =>
    (lower({ route: { cluster: "a", retryPolicy: { retryOn, numRetries } } })[0]!["route"] as { retryPolicy?: object })
      .retryPolicy;
  expect(of("connect-failure,unavailable,cancelled")).toEqual({ retryOn: "unavailable,cancelled", numRetries: 2 });
  expect(of("5xx")).toBeUndefined();
  expect(of("unavailable", 0)).toBeUndefined();
});

test("a hash is made from headers; a caller's address is its channel", () => {
  const hashPolicy = [
    { header: { headerName: "user" }, terminal: true },
    { header: { headerName: "dubbo-arg-0" } },
    { cookie: { name: "c" } },
    { connectionProperties: { sourceIp: true } },
  ];
  expect(lower({ route: { cluster: "a", hashPolicy } })).toMatchObject([
    {
      route: {
        hashPolicy: [
          { header: { headerName: "user" }, terminal: true },
          { filterState: { key: "io.grpc.channel_id" } },
        ],
      },
    },
  ]);
});

test("faults pass, other filters' settings do not", () => {
  const fault = { abort: { grpcStatus: 14, percentage } };
  const typedPerFilterConfig = {
    "envoy.filters.http.fault": fault,
    "envoy.filters.http.cors": { allowOriginStringMatch: [] },
  };
  expect(lower({ route: { cluster: "a" }, typedPerFilterConfig })).toEqual([
    { match: { prefix: "/" }, route: { cluster: "to-a" }, typedPerFilterConfig: { "envoy.filters.http.fault": fault } },
  ]);
});

test("a route that asks for an argument or a query is left out; alternatives are routes of their own", () => {
  const match = (more: object) => ({ match: { path: "/a/b", ...more }, route: { cluster: "a" } });
  expect(lower(match({ headers: [{ name: "dubbo-arg-0", presentMatch: true }] }))).toEqual([]);
  expect(lower(match({ queryParameters: [{ name: "q", presentMatch: true }] }))).toEqual([]);
  expect(lower(match({ headers: [{ name: "x", stringMatch: { exact: "1" }, invertMatch: true }] }))).toHaveLength(2);
  expect(lower({ ...match({}), requestHeadersToRemove: ["x"] })).toEqual([
    { match: { path: "/a/b" }, route: { cluster: "to-a" } },
  ]);
});
