import { expect, test } from "vitest";
import { compileVirtualHost, type HashOf } from "../../../../src/control/compile/routes.ts";
import { indexEntries } from "../../../../src/control/rules/hosts.ts";
import { lowerService } from "../../../../src/control/rules/lower/lower.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { virtualServiceOf } from "../../../support/rules.ts";

const entry = entryOf("com.acme.A:1.0.0", []);
const compiled = (http: string, hashOf?: HashOf) => {
  const rule = virtualServiceOf("[com.acme.A]", http);
  return compileVirtualHost(
    entry,
    lowerService(entry, rule, indexEntries([entry])),
    ({ host, subset }) => `${host}/${subset}`,
    hashOf,
  ).routes;
};

test("a service is asked for by its host and by its key", () => {
  const host = compileVirtualHost(entry, { host: entry.host, rule: undefined, routes: [] }, ({ host: name }) => name);
  expect(host).toEqual({
    name: "com.acme.a-1-0-0",
    domains: ["com.acme.a-1-0-0", "com.acme.A:1.0.0"],
    routes: [{ name: "default", match: { prefix: "/" }, route: { cluster: "com.acme.a-1-0-0" } }],
  });
});

test("without a rule too the hash of the service's calls is made", () => {
  const hashPolicy = [{ connectionProperties: { sourceIp: true } }];
  const lowered = { host: entry.host, rule: undefined, routes: [] };
  expect(
    compileVirtualHost(
      entry,
      lowered,
      () => "c",
      () => hashPolicy,
    ).routes[0]?.route,
  ).toEqual({
    cluster: "c",
    hashPolicy,
  });
});

test("a host that equals its key is named once", () => {
  const lower = entryOf("com.acme.lower", []);
  expect(compileVirtualHost(lower, { host: lower.host, rule: undefined, routes: [] }, () => "c").domains).toEqual([
    "com.acme.lower",
  ]);
});

test("one destination is a plain cluster, one that changes attachments is weighted", () => {
  expect(compiled("[{route: [{destination: {host: com.acme.A}}]}]")[0]!.route).toEqual({
    cluster: "com.acme.a-1-0-0/",
  });
  expect(
    compiled("[{route: [{destination: {host: com.acme.A}, headers: {request: {add: {a: b}}}}]}]")[0]!.route,
  ).toEqual({
    weightedClusters: {
      clusters: [
        {
          name: "com.acme.a-1-0-0/",
          weight: 100,
          requestHeadersToAdd: [{ header: { key: "a", value: "b" }, appendAction: "APPEND_IF_EXISTS_OR_ADD" }],
        },
      ],
    },
  });
});

test("timeout, retries, faults and changes stand where Envoy has them", () => {
  const [route] = compiled(
    "[{timeout: 2s, retries: {attempts: 1, retryOn: reset}, fault: {abort: {httpStatus: 503}}, headers: {request: {set: {a: b}, remove: [c]}}, route: [{destination: {host: com.acme.A, subset: v}}]}]",
  );
  expect(route).toEqual({
    name: "r/0",
    match: { prefix: "/" },
    route: {
      cluster: "com.acme.a-1-0-0/v",
      timeout: "2s",
      retryPolicy: expect.objectContaining({ retryOn: "reset", numRetries: 1, hostSelectionRetryMaxAttempts: "5" }),
    },
    requestHeadersToAdd: [{ header: { key: "a", value: "b" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" }],
    requestHeadersToRemove: ["c"],
    typedPerFilterConfig: {
      "envoy.filters.http.fault": {
        abort: { httpStatus: 503, percentage: { numerator: 100, denominator: "HUNDRED" } },
      },
    },
    metadata: { filterMetadata: { "io.trestle": { rule: "r", file: "r.yaml", line: 6 } } },
  });
});

test("mirrors, a rewrite by a pattern, inputs of a hash and changes of answers stand where Envoy has them", () => {
  const [route] = compiled(
    "[{mirror: {host: com.acme.A, subset: v}, mirrorPercent: 5, rewrite: {uriRegexRewrite: {match: a, rewrite: b}}, headers: {response: {remove: [c]}}, route: [{destination: {host: com.acme.A, subset: v}}]}]",
    () => [{ header: { headerName: "user" } }],
  );
  expect(route).toMatchObject({
    route: {
      requestMirrorPolicies: [
        {
          cluster: "com.acme.a-1-0-0/v",
          runtimeFraction: { defaultValue: { numerator: 50_000, denominator: "MILLION" } },
        },
      ],
      regexRewrite: { pattern: { regex: "a" }, substitution: "b" },
      hashPolicy: [{ header: { headerName: "user" } }],
    },
    responseHeadersToRemove: ["c"],
  });
});

test("an answer of bytes is inline", () => {
  const [route] = compiled("[{directResponse: {status: 200, body: {bytes: AAEC}}}]");
  expect(route?.directResponse).toEqual({ status: 200, body: { inlineBytes: "AAEC" } });
});

test("a direct answer has no route action", () => {
  const [route] = compiled("[{directResponse: {status: 418}}]");
  expect(route).toMatchObject({ directResponse: { status: 418 } });
  expect(route).not.toHaveProperty("route");
});
