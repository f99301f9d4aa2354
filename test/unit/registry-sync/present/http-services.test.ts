import { expect, test } from "vitest";
import {
  agreedMetadata,
  httpEndpoints,
  httpNamesIn,
  httpServiceIn,
  isHttp,
} from "../../../../src/registry-sync/present/http-services.ts";
import { endpoint, entry } from "../../../support/worlds.ts";

const http = (address: string, params: Record<string, string>, more = {}) =>
  endpoint(address, { protocol: "http", params, ...more });

test.each([
  ["http", true],
  ["https", true],
  ["dubbo", false],
  ["rest", false],
])("%s is called by HTTP: %s", (protocol, is) => {
  expect(isHttp(protocol)).toBe(is);
});

test("of metadata is kept what all agree on, keys sorted", () => {
  const agreed = agreedMetadata([http("a:1", { z: "1", a: "1", b: "1" }), http("b:1", { a: "1", z: "1", b: "2" })]);
  expect(Object.entries(agreed)).toEqual([
    ["a", "1"],
    ["z", "1"],
  ]);
});

test("a service is found by its name, without its Dubbo endpoints, and read once", () => {
  const entries = [
    entry("g/shop", [http("a:1", { v: "grouped" })]),
    entry("shop", [
      http("a:1", { v: "1" }, { disabled: true }),
      http("b:1", { v: "1" }),
      endpoint("c", { params: {} }),
    ]),
    entry("com.acme.Order", ["10.0.0.1"]),
  ];
  expect(httpNamesIn(entries)).toEqual(["shop"]);
  const shop = httpServiceIn(entries, "shop");
  expect(shop).toEqual({ metadata: { v: "1" }, isUp: true });
  expect(httpServiceIn(entries, "shop")).toBe(shop);
  expect(httpServiceIn([...entries], "shop")).toBe(shop);
  expect(httpEndpoints(entries[1]!)).toHaveLength(2);
  expect([httpServiceIn(entries, "com.acme.Order"), httpServiceIn(entries, "none")]).toEqual([undefined, undefined]);
});

test("a service none of whose instances takes calls is down", () => {
  expect(httpServiceIn([entry("shop", [http("a:1", {}, { disabled: true })])], "shop")?.isUp).toBe(false);
});
