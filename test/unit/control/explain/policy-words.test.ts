import { expect, test } from "vitest";
import { CORS_FILTER, type Route } from "../../../../src/codecs/xds/route.ts";
import { describePolicies } from "../../../../src/control/explain/policy-words.ts";

const set = (key: string) => ({
  header: { key, value: "secret" },
  appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" as const,
});

test.each<[Route, string]>([
  [{ match: {} }, ""],
  [
    {
      match: {},
      route: { timeout: "2s" },
      typedPerFilterConfig: {
        "envoy.filters.http.fault": {
          delay: { fixedDelay: "1s", percentage: { numerator: 5, denominator: "HUNDRED" } },
        },
      },
    },
    "timeout 2s; delay 1s for 5%",
  ],
  [
    {
      match: {},
      route: {
        retryPolicy: {
          retryOn: "5xx",
          numRetries: 2,
          perTryTimeout: "1s",
          retriableStatusCodes: [418],
          retryBackOff: { baseInterval: "0.1s" },
          retryHostPredicate: [{ name: "p" }],
        },
      },
    },
    "retries 2 on 5xx (418), 1s for each try, after 0.1s and longer each time, each at another provider",
  ],
  [
    { match: { prefix: "/a" }, route: { prefixRewrite: "/b", hostRewriteLiteral: "h" } },
    "/a of the path becomes /b; Host becomes h",
  ],
  [{ match: { path: "/a" }, route: { prefixRewrite: "/b" } }, "the path becomes /b"],
  [
    { match: {}, requestHeadersToAdd: [set("a")], requestHeadersToRemove: ["b"], responseHeadersToRemove: ["c"] },
    "sets a, removes b; of answers removes c",
  ],
  [
    {
      match: {},
      route: { weightedClusters: { clusters: [{ name: "x", weight: 1, requestHeadersToAdd: [set("a")] }] } },
    },
    "for x: sets a",
  ],
  [
    {
      match: {},
      route: {
        requestMirrorPolicies: [
          { cluster: "m", runtimeFraction: { defaultValue: { numerator: 1, denominator: "HUNDRED" } } },
        ],
        hashPolicy: [
          { header: { headerName: "x" } },
          { cookie: { name: "c", ttl: "0s" } },
          { connectionProperties: { sourceIp: true } },
        ],
      },
    },
    "a copy to m for 1%; hash of x, cookie c, given where it is absent, the caller's address",
  ],
  [
    {
      match: {},
      typedPerFilterConfig: {
        [CORS_FILTER]: { allowOriginStringMatch: [{ exact: "https://a" }, { prefix: "" }], allowMethods: "POST" },
      },
    },
    "pages of https://a or any may call by POST",
  ],
])("%#: a route's policies are said in words, and no values", (route, words) => {
  expect(describePolicies(route)).toBe(words);
});
