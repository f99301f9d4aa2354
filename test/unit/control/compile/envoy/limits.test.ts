import { describe, expect, test } from "vitest";
import { LOCAL_LIMIT_FILTER } from "../../../../../src/codecs/xds/rate-limit.ts";
import { envoyLimits, limitedRoutes } from "../../../../../src/control/compile/envoy/limits.ts";
import { globalLimit, limitedHost } from "../../../../support/limits.ts";

const of = { interface: "com.acme.A", protocol: "tri" as const, clusterOf: (name: string) => `${name}!` };
const asks = (headerName: string) => ({ requestHeaders: { headerName, descriptorKey: "key" } });
const host = { name: "a", domains: ["a"], routes: [] };

test("a service without limits has none", () => {
  expect(envoyLimits(host, of)).toBeUndefined();
});

test("local limits are Envoy's, enforced on all calls; a path may have a query behind it", () => {
  const { filters, typedPerFilterConfig, rateLimits, isCut } = envoyLimits(limitedHost(), of)!;
  expect(filters.map(({ name }) => name)).toEqual([LOCAL_LIMIT_FILTER]);
  expect(typedPerFilterConfig).toMatchObject({
    [LOCAL_LIMIT_FILTER]: { tokenBucket: { maxTokens: 4 }, filterEnforced: { defaultValue: { numerator: 100 } } },
  });
  const path = { name: ":path", stringMatch: { safeRegex: { regex: "/com\\.acme\\.A/create(?:\\?.*)?" } } };
  const level = { name: "level", stringMatch: { exact: "gold" } };
  expect(rateLimits).toEqual([
    { stage: 1, actions: [{ headerValueMatch: { descriptorValue: "r/0", headers: [path, level] } }] },
  ]);
  expect(isCut).toBe(false);
});

test("a condition on an argument is left out, and one without conditions is of all calls", () => {
  const limits = (headers: object[]) =>
    envoyLimits(
      limitedHost({
        rateLimits: [
          { stage: 1, actions: [{ headerValueMatch: { descriptorValue: "r/0", headers: headers as never } }] },
        ],
      }),
      of,
    )!;
  expect(limits([{ name: "dubbo-arg-0", presentMatch: true }])).toMatchObject({
    isCut: true,
    rateLimits: [],
    typedPerFilterConfig: { [LOCAL_LIMIT_FILTER]: { descriptors: [] } },
  });
  expect(limits([]).rateLimits).toEqual([
    { stage: 1, actions: [{ genericKey: { descriptorKey: "header_match", descriptorValue: "r/0" } }] },
  ]);
});

describe("a global limit", () => {
  test("is a filter of its own that virtual hosts switch on", () => {
    const limits = envoyLimits({ ...host, ...globalLimit([asks("Level"), asks("interface")], true) }, of)!;
    const [filter] = limits.filters;
    expect(filter).toMatchObject({
      disabled: true,
      typedConfig: {
        domain: "orders",
        failureModeDeny: true,
        rateLimitService: {
          grpcService: { envoyGrpc: { clusterName: "outbound|8081||limits!", authority: "limits!" } },
        },
      },
    });
    expect(Object.keys(limits.typedPerFilterConfig)).toEqual([filter!["name"]]);
    expect(limits.rateLimits).toEqual([
      {
        stage: 2,
        actions: [
          { requestHeaders: { headerName: "level", descriptorKey: "key" } },
          { genericKey: { descriptorKey: "key", descriptorValue: "com.acme.A" } },
        ],
      },
    ]);
  });

  test.each([
    ["method", "tri", true],
    ["method", "http", false],
    ["path", "tri", false],
    ["dubbo-arg-0", "http", true],
  ] as const)("that tells %s of calls over %s is cut: %s", (property, protocol, isCut) => {
    const limits = envoyLimits({ ...host, ...globalLimit([asks(property)]) }, { ...of, protocol })!;
    expect(limits.isCut).toBe(isCut);
    expect(limits.filters).toHaveLength(isCut ? 0 : 1);
  });

  test("of some calls doubles the routes that lead somewhere, the narrower first", () => {
    const headers = [{ name: "color", stringMatch: { exact: "blue" } }];
    const match = { headerValueMatch: { descriptorValue: "match", headers } };
    const limits = envoyLimits({ ...host, ...globalLimit([match, asks("level")]) }, of)!;
    expect(limits.rateLimits).toEqual([]);
    const route = { name: "r", match: { prefix: "/" }, route: { cluster: "c" } };
    const direct = { name: "d", match: { prefix: "/" }, directResponse: { status: 404 } };
    const routes = limitedRoutes([route, direct], limits);
    expect(routes).toMatchObject([
      { name: "r", match: { prefix: "/", headers }, route: { cluster: "c", rateLimits: [{ stage: 2 }] } },
      route,
      direct,
    ]);
    expect(limitedRoutes([route], {})).toEqual([route]);
  });
});
