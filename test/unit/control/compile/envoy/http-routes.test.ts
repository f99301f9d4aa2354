import { expect, test } from "vitest";
import type { Route } from "../../../../../src/codecs/xds/route.ts";
import { envoyRoute, readsArguments, tripleName } from "../../../../../src/control/compile/envoy/http-routes.ts";

const lower = (route: Partial<Route>) =>
  envoyRoute({ match: { prefix: "/" }, ...route }, (name) => (name === "none" ? undefined : `to-${name}`));
const percentage = { numerator: 100, denominator: "HUNDRED" } as const;

test("a route without a limit says 0, since Envoy's own is 15 s", () => {
  expect(lower({ route: { cluster: "a" } })).toEqual({
    match: { prefix: "/" },
    route: { cluster: "to-a", timeout: "0s" },
  });
  expect(lower({ route: { cluster: "a", timeout: "2s" } })).toMatchObject({ route: { timeout: "2s" } });
});

test("Trestle's words for group, version and application are those of Triple", () => {
  const headers = ["dubbo-group", "dubbo-version", "dubbo-application", "color"].map((name) => ({
    name,
    presentMatch: true,
  }));
  const names = ["tri-service-group", "tri-service-version", "tri-consumer-appname", "color"];
  expect(lower({ match: { path: "/a", headers }, route: { cluster: "a" } })).toMatchObject({
    match: { path: "/a", headers: names.map((name) => ({ name, presentMatch: true })) },
  });
  expect(tripleName("x")).toBe("x");
});

test("a route that asks for an argument is left out", () => {
  const route: Route = {
    match: { prefix: "/", headers: [{ name: "dubbo-arg-0", presentMatch: true }] },
    route: { cluster: "a" },
  };
  expect(readsArguments(route)).toBe(true);
  expect(lower(route)).toBeUndefined();
});

test("a destination that Envoy cannot reach is left out of the shares; a route of such alone answers 503", () => {
  const clusters = [
    { name: "a", weight: 1 },
    { name: "none", weight: 9 },
  ];
  expect(lower({ route: { weightedClusters: { clusters } } })).toMatchObject({
    route: { weightedClusters: { clusters: [{ name: "to-a", weight: 1 }] } },
  });
  expect(lower({ route: { cluster: "none" } })).toMatchObject({ directResponse: { status: 503 } });
});

test("mirrors lead to clusters of the target", () => {
  const requestMirrorPolicies = [{ cluster: "b" }, { cluster: "none" }];
  expect(lower({ route: { cluster: "a", requestMirrorPolicies } })).toMatchObject({
    route: { requestMirrorPolicies: [{ cluster: "to-b" }] },
  });
});

test("a value is plain text: no command of Envoy's is read in it", () => {
  const requestHeadersToAdd = [
    { header: { key: "x", value: "100% %REQ(a)%" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" },
  ] as const;
  const value = { requestHeadersToAdd: [{ header: { value: "100%% %%REQ(a)%%" } }] };
  expect(lower({ route: { cluster: "a" }, requestHeadersToAdd })).toMatchObject(value);
  const weightedClusters = { clusters: [{ name: "a", weight: 1, requestHeadersToAdd }] };
  expect(lower({ route: { weightedClusters } })).toMatchObject({ route: { weightedClusters: { clusters: [value] } } });
});

test.each([
  ["a delay of 0 is no fault", { delay: { fixedDelay: "0s", percentage } }, {}],
  [
    "a status that is not final becomes 503",
    { abort: { httpStatus: 100, percentage } },
    { "envoy.filters.http.fault": { abort: { httpStatus: 503, percentage } } },
  ],
  [
    "delay and abort stay as they are",
    { delay: { fixedDelay: "1s", percentage }, abort: { grpcStatus: 14, percentage } },
    { "envoy.filters.http.fault": { delay: { fixedDelay: "1s", percentage }, abort: { grpcStatus: 14, percentage } } },
  ],
])("%s", (_, fault, typedPerFilterConfig) => {
  expect(lower({ route: { cluster: "a" }, typedPerFilterConfig: { "envoy.filters.http.fault": fault } })).toMatchObject(
    { typedPerFilterConfig },
  );
  expect(Object.keys(typedPerFilterConfig)).toEqual(
    Object.keys(
      (
        lower({ route: { cluster: "a" }, typedPerFilterConfig: { "envoy.filters.http.fault": fault } }) as {
          typedPerFilterConfig: object;
        }
      ).typedPerFilterConfig,
    ),
  );
});

test("a prefix of nothing, which Envoy refuses, is every text", () => {
  const every = { safeRegex: { regex: ".*" } };
  const match = {
    prefix: "/",
    headers: [{ name: "a", stringMatch: { prefix: "" } }],
    queryParameters: [{ name: "q", stringMatch: { prefix: "" } }],
  };
  expect(lower({ match, route: { cluster: "a" } })).toMatchObject({
    match: { headers: [{ stringMatch: every }], queryParameters: [{ stringMatch: every }] },
  });
  const cors = { allowOriginStringMatch: [{ prefix: "" }, { exact: "https://a" }] };
  expect(lower({ route: { cluster: "a" }, typedPerFilterConfig: { "envoy.filters.http.cors": cors } })).toMatchObject({
    typedPerFilterConfig: { "envoy.filters.http.cors": { allowOriginStringMatch: [every, { exact: "https://a" }] } },
  });
});

test("a direct answer below 200 becomes 503; the rule that a route came from is kept", () => {
  const metadata = { filterMetadata: { "io.trestle": { rule: "r", file: "f", line: 3 } } };
  expect(lower({ directResponse: { status: 100 }, metadata })).toMatchObject({
    directResponse: { status: 503 },
    metadata,
  });
});

test("a header that is set to nothing is, and a prefix that becomes a slash leaves one", () => {
  const option = { header: { key: "x", value: "" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" as const };
  const match = { prefix: "/v1" };
  const regexRewrite = { pattern: { regex: "^/v1/?" }, substitution: "/" };
  expect(lower({ match, route: { cluster: "a", prefixRewrite: "/" }, requestHeadersToAdd: [option] })).toMatchObject({
    ...{ route: { regexRewrite }, requestHeadersToAdd: [{ ...option, keepEmptyValue: true }] },
  });
  expect(lower({ match, redirect: { prefixRewrite: "/" } })).toMatchObject({ redirect: { regexRewrite } });
});

test("a destination's header that is the Host becomes the rewrite that Envoy has for it", () => {
  const set = (key: string) => ({ header: { key, value: "v" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" as const });
  const weightedClusters = { clusters: [{ name: "a", weight: 1, requestHeadersToAdd: [set("host"), set("x")] }] };
  expect(lower({ route: { weightedClusters } })).toMatchObject({
    route: { weightedClusters: { clusters: [{ hostRewriteLiteral: "v", requestHeadersToAdd: [set("x")] }] } },
  });
});

test("what policies say of who may call is left out", () => {
  const typedPerFilterConfig = { "envoy.filters.http.rbac": {} } as unknown as NonNullable<
    Route["typedPerFilterConfig"]
  >;
  expect(lower({ route: { cluster: "a" }, typedPerFilterConfig })).toMatchObject({ typedPerFilterConfig: {} });
  expect(JSON.stringify(lower({ route: { cluster: "a" }, typedPerFilterConfig }))).not.toContain("rbac");
});
