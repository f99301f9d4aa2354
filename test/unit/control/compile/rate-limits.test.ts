import { expect, test } from "vitest";
import { LOCAL_LIMIT_FILTER } from "../../../../src/codecs/xds/rate-limit.ts";
import { compileLimits, withLimits } from "../../../../src/control/compile/rate-limits.ts";
import { indexEntries } from "../../../../src/control/rules/hosts.ts";
import type { MetaRouter } from "../../../../src/model/rules/meta-router.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { rulesOf } from "../../../support/rules.ts";

const entry = entryOf("com.acme.A:1.0.0", ["dubbo://10.0.0.1:20880"]);
const limiter = entryOf("limits", ["tri://10.0.0.9:8081"]);
const shop = entryOf("shop", ["http://10.0.0.2:80"]);

function compiled(limits: string, of = entry) {
  const [rule] = rulesOf(
    `apiVersion: metaprotocol.aeraki.io/v1alpha1\nkind: MetaRouter\nmetadata: {name: r}\nspec: {hosts: [com.acme.A], ${limits}}\n`,
  );
  return compileLimits(of, rule as MetaRouter, indexEntries([entry, limiter, shop]));
}

const bucket = "tokenBucket: {maxTokens: 10, tokensPerFill: 5, fillInterval: 1s}";

test("conditions become descriptors; one that no call of the service meets is left out", () => {
  const limits = compiled(
    `localRateLimit: {${bucket}, conditions: [{match: {attributes: {interface: {exact: com.acme.B}}}, ${bucket}}, {match: {attributes: {method: {exact: get}, level: {}}}, ${bucket}}]}`,
  );
  const filled = { maxTokens: 10, tokensPerFill: 5, fillInterval: "1s" };
  expect(limits.typedPerFilterConfig[LOCAL_LIMIT_FILTER]).toMatchObject({
    tokenBucket: filled,
    descriptors: [{ entries: [{ key: "header_match", value: "r/1" }], tokenBucket: filled }],
  });
  const headers = [
    { name: ":path", stringMatch: { exact: "/com.acme.A/get" } },
    { name: "level", presentMatch: true },
  ];
  expect(limits.rateLimits).toEqual([
    { stage: 1, actions: [{ headerValueMatch: { descriptorValue: "r/1", headers } }] },
  ]);
  expect(limits.need).toBeUndefined();
});

test("of a service that speaks HTTP a method is the request's", () => {
  const { rateLimits } = compiled(
    `localRateLimit: {conditions: [{match: {attributes: {method: {exact: GET}}}, ${bucket}}]}`,
    shop,
  );
  expect(rateLimits[0]!.actions[0]!.headerValueMatch!.headers).toEqual([
    { name: ":method", stringMatch: { exact: "GET" } },
  ]);
});

test("a global limit names the cluster of its service, known or not", () => {
  const asks = (service: string) =>
    compiled(
      `globalRateLimit: {domain: d, match: {attributes: {method: {prefix: get}}}, rateLimitService: "${service}", requestTimeout: 50ms, denyOnFail: true, descriptors: [{property: method, descriptorKey: m}]}`,
    );
  const { typedPerFilterConfig, rateLimits, need } = asks("outbound|8081||limits");
  expect(typedPerFilterConfig).toMatchObject({
    "envoy.filters.http.ratelimit": {
      domain: "d",
      timeout: "0.050s",
      failureModeDeny: true,
      rateLimitService: { grpcService: { envoyGrpc: { clusterName: need!.name } } },
    },
  });
  expect(rateLimits).toMatchObject([
    { stage: 2, actions: [{ headerValueMatch: {} }, { requestHeaders: { headerName: "method", descriptorKey: "m" } }] },
  ]);
  expect(need).toMatchObject({ host: "limits", entry: limiter });
  expect(asks("nobody").need).toMatchObject({ host: "nobody", entry: undefined });
  expect(asks("nobody:81").need).toMatchObject({ name: "outbound|20880||nobody:81", host: "nobody:81" });
});

test("a virtual host keeps what else it says", () => {
  const limits = compiled(`localRateLimit: {${bucket}}`);
  const host = {
    name: "a",
    domains: ["a"],
    routes: [],
    typedPerFilterConfig: { "envoy.filters.http.jwt_authn": { providers: {} } },
  };
  const made = withLimits(host, limits);
  expect(Object.keys(made.typedPerFilterConfig!)).toEqual(["envoy.filters.http.jwt_authn", LOCAL_LIMIT_FILTER]);
  expect(made.rateLimits).toBeUndefined();
});
