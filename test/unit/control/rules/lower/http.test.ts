import { expect, test } from "vitest";
import { indexEntries } from "../../../../../src/control/rules/hosts.ts";
import { lowerHttpService } from "../../../../../src/control/rules/lower/http.ts";
import type { VirtualService } from "../../../../../src/model/rule.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { rulesOf, virtualServiceText } from "../../../../support/rules.ts";

const shop = entryOf("shop", ["http://10.0.0.1:80"]);

function lowered(http: string) {
  const [rule] = rulesOf(virtualServiceText("r", "[shop]", http)) as VirtualService[];
  return lowerHttpService(shop, rule, indexEntries([shop])).routes;
}

test("uri is the request's path, method and authority are headers, parameters conditions on the query", () => {
  const [route] = lowered(
    "[{match: [{uri: {exact: /a}, method: {exact: PUT}, authority: {prefix: x}, queryParams: {q: {exact: '1'}}}], rewrite: {uri: /b, authority: inner}, route: [{destination: {host: shop}}]}]",
  );
  expect(route).toMatchObject({
    path: { path: "/a" },
    headers: [
      { name: ":method", stringMatch: { exact: "PUT" } },
      { name: ":authority", stringMatch: { prefix: "x" } },
    ],
    query: [{ name: "q", stringMatch: { exact: "1" } }],
    rewrite: "/b",
    authority: "inner",
    targets: [{ host: "shop", weight: 100 }],
  });
});

test("the Host that headers set or add is one: a route's, before that of its destinations, and after rewrite.authority", () => {
  const changes = (more: string, host = "HOST: a, ") =>
    `[{${more}, headers: {request: {set: {${host}":path": /x, b: c}, add: {${host && '":authority": d'}}, remove: [host, ":method", e]}, response: {set: {":status": "1", host: x, f: g}}},
      route: [{destination: {host: shop}, weight: 1, headers: {request: {add: {Host: own}}}}, {destination: {host: shop}, weight: 1}]}]`;
  const [route] = lowered(changes("name: n"));
  expect(route).toMatchObject({ authority: "a", answerMutations: { set: { f: "g" }, add: {}, remove: [] } });
  expect(route?.mutations).toEqual({ set: { b: "c" }, add: {}, remove: ["e"] });
  expect(route?.targets?.map(({ mutations }) => mutations)).toEqual([undefined, undefined]);
  expect(lowered(changes("rewrite: {authority: z}"))).toMatchObject([{ authority: "z" }]);
  const [without] = lowered(changes("name: n", ""));
  expect(without?.authority).toBeUndefined();
  expect(without?.targets?.map(({ mutations }) => mutations)).toEqual([
    { set: { host: "own" }, add: {}, remove: [] },
    undefined,
  ]);
});

test("a match for gateways alone is not of calls in the mesh", () => {
  expect(lowered("[{match: [{gateways: [edge]}], route: [{destination: {host: shop}}]}]")).toEqual([]);
});

test("without a rule there are no routes", () => {
  expect(lowerHttpService(shop, undefined, indexEntries([shop])).routes).toEqual([]);
});

test("ports of matches are those by which the service is known, destinations lead to the port that they name", () => {
  const at = (port: number) => ({ ports: [{ protocol: "http", port }] });
  const first = { ...entryOf("shop", ["http://10.0.0.1:8080"]), ...at(80) };
  const second = { ...entryOf("shop:9090", ["http://10.0.0.1:9090"]), ...at(9090), host: "shop:9090", portOf: "shop" };
  const [rule] = rulesOf(
    virtualServiceText(
      "r",
      "[shop]",
      "[{match: [{port: 9090}], route: [{destination: {host: shop, port: {number: 80}}}]}, {route: [{destination: {host: shop}}], mirror: {host: shop, port: {number: 1}}}]",
    ),
  ) as VirtualService[];
  const index = indexEntries([first, second]);
  const of = (entry: typeof first) =>
    lowerHttpService(entry, rule, index).routes.map(({ targets = [], mirrors = [] }) => [
      ...targets.map(({ host }) => host),
      ...mirrors.map(({ host, known }) => `${host} ${known}`),
    ]);
  expect(of(first)).toEqual([["shop", "shop:1 false"]]);
  expect(of(second)).toEqual([["shop"], ["shop:9090", "shop:1 false"]]);
});
