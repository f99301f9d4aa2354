import { expect, test } from "vitest";
import { decideHttp } from "../../../../src/bridge-proxy/http/head.ts";
import { ruledAnswer } from "../../../../src/bridge-proxy/http/ruled.ts";
import { parseRequestHead } from "../../../../src/codecs/http1/head.ts";
import { DEFAULT_HTTP1_LIMITS } from "../../../../src/codecs/http1/limits.ts";
import { FAULT_FILTER, type Route } from "../../../../src/codecs/xds/route.ts";
import { guardedConfig } from "../../../support/guarded-routes.ts";
import { clusterName } from "../../../support/xds-fixtures.ts";

const KEY = "com.acme.A";
const match = { prefix: "/old" };

function answer(route: Omit<Route, "match">, lines = "") {
  const config = guardedConfig({ [KEY]: { routes: [{ match, ...route }] } });
  const text = Buffer.from(`GET /old/a?b=1 HTTP/1.1\r\nhost: shop:8080\r\n${lines}\r\n`);
  const { head } = parseRequestHead(text, 0, text.length, DEFAULT_HTTP1_LIMITS)!;
  const [compiled] = decideHttp(config.routes.hostOf(KEY)!, "GET").candidates;
  return ruledAnswer(compiled!, head, () => 0);
}

test("a route that leads on answers nothing", () => {
  expect(answer({ route: { cluster: clusterName(KEY) } })).toBeUndefined();
});

test("a redirect says the whole place, by what the request came, with the rule's headers", () => {
  const redirect = { prefixRewrite: "/new" };
  const responseHeadersToAdd = [
    { header: { key: "x-why", value: "moved" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" as const },
  ];
  expect(answer({ redirect, responseHeadersToAdd })).toMatchObject({
    status: 301,
    fields: [
      ["location", "http://shop:8080/new/a?b=1"],
      ["x-why", "moved"],
    ],
  });
  expect(answer({ redirect }, "x-forwarded-proto: https\r\n")).toMatchObject({
    fields: [["location", "https://shop:8080/new/a?b=1"]],
  });
});

test("a direct response has its body, an injected abort goes before a redirect", () => {
  const directResponse = { status: 403, body: { inlineString: "closed" } };
  expect(answer({ directResponse })).toMatchObject({ status: 403, body: Buffer.from("closed"), fields: [] });
  const percentage = { numerator: 100, denominator: "HUNDRED" } as const;
  const typedPerFilterConfig = { [FAULT_FILTER]: { abort: { httpStatus: 418, percentage } } };
  expect(answer({ redirect: {}, typedPerFilterConfig })).toMatchObject({ status: 418, fields: [] });
});
