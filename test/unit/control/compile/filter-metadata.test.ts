import { expect, test } from "vitest";
import { isFilterKey, isOtherProtocol, meetsFilterValue } from "../../../../src/control/compile/filter-metadata.ts";

const LUA = "experimental.envoy.filters.http.lua[who]";
const MYSQL = "experimental.envoy.filters.network.mysql_proxy[db.table]";

test("keys of Envoy's filters are told from others, and those of other protocols from those", () => {
  expect([LUA, MYSQL, "request.headers[experimental.envoy.filters.a]"].map(isFilterKey)).toEqual([true, true, false]);
  expect([LUA, MYSQL, "experimental.envoy.filters.network.mysql_proxy_of_ours[a]"].map(isOtherProtocol)).toEqual([
    ...[false, true, false],
  ]);
});

test("what is not known is unmet for ALLOW and met for all else, and words of other protocols are never said", () => {
  const values = (key: string, isAllow: boolean) => meetsFilterValue(key, isAllow, false);
  const notValues = (key: string, isAllow: boolean) => !meetsFilterValue(key, isAllow, true);
  expect([values(LUA, true), notValues(LUA, true)]).toEqual([false, false]);
  expect([values(LUA, false), notValues(LUA, false)]).toEqual([true, true]);
  for (const isAllow of [true, false])
    expect([values(MYSQL, isAllow), notValues(MYSQL, isAllow)]).toEqual([false, true]);
});
