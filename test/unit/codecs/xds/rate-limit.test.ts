import { expect, test } from "vitest";
import { DENY_FILTER } from "../../../../src/codecs/xds/authz.ts";
import { GLOBAL_LIMIT_FILTER, LOCAL_LIMIT_FILTER, withoutLimits } from "../../../../src/codecs/xds/rate-limit.ts";
import { decodeResource, encodeResource } from "../../../../src/codecs/xds/resource-bytes.ts";
import { ROUTE_TYPE } from "../../../../src/codecs/xds/resources.ts";
import { globalLimit, limitedHost } from "../../../support/limits.ts";

test("limits are told from what else a virtual host says", () => {
  const { typedPerFilterConfig: configs } = limitedHost();
  expect(withoutLimits(undefined)).toBeUndefined();
  expect(withoutLimits(configs)).toBeUndefined();
  expect(withoutLimits({ ...configs, [DENY_FILTER]: { rbac: {} } })).toEqual({ [DENY_FILTER]: { rbac: {} } });
});

test("limits go as bytes and come back", () => {
  const host = limitedHost();
  const table = { name: "dubbo", virtualHosts: [host] };
  const back = decodeResource(ROUTE_TYPE, encodeResource(ROUTE_TYPE, table)) as unknown as typeof table;
  const read = back.virtualHosts[0]!;
  expect(read.typedPerFilterConfig![LOCAL_LIMIT_FILTER]).toMatchObject(host.typedPerFilterConfig![LOCAL_LIMIT_FILTER]!);
  expect(read.rateLimits).toEqual(host.rateLimits);
});

test("a global limit too goes as bytes and comes back with all that a proxy reads", () => {
  const limits = globalLimit([{ requestHeaders: { headerName: "method", descriptorKey: "m" } }], true);
  const host = { name: "a", domains: ["a"], routes: [], ...limits };
  const table = { name: "dubbo", virtualHosts: [host] };
  const back = decodeResource(ROUTE_TYPE, encodeResource(ROUTE_TYPE, table)) as unknown as typeof table;
  const { "@type": _, ...read } = limits.typedPerFilterConfig![GLOBAL_LIMIT_FILTER]!;
  expect(back.virtualHosts[0]!.typedPerFilterConfig![GLOBAL_LIMIT_FILTER]).toMatchObject({
    ...read,
    timeout: "0.100s",
  });
  expect(back.virtualHosts[0]!.rateLimits).toEqual(limits.rateLimits);
});
