import { expect, test } from "vitest";
import { isHttpService, leadsToHttp } from "../../../../src/control/rules/http-service.ts";
import { entryOf } from "../../../support/rule-cases.ts";

const shop = entryOf("shop", ["http://10.0.0.1:80"]);

test("a service is ruled as HTTP where all of its providers speak that", () => {
  expect(isHttpService(shop)).toBe(true);
  expect(isHttpService(entryOf("a", ["http://10.0.0.1:80", "dubbo://10.0.0.1:1"]))).toBe(false);
  expect(isHttpService(entryOf("a", []))).toBe(false);
  expect(isHttpService(entryOf("a.A", ["http://10.0.0.1:80?interface=a.A"]))).toBe(false);
});

test("destinations are HTTP where some speak that and none anything else, whoever is gone", () => {
  const gone = entryOf("gone", []);
  const orders = entryOf("a.Orders", ["dubbo://10.0.0.1:1"]);
  expect(leadsToHttp([shop, gone, undefined])).toBe(true);
  expect(leadsToHttp([shop, orders])).toBe(false);
  expect([leadsToHttp([gone]), leadsToHttp([undefined]), leadsToHttp([])]).toEqual([false, false, false]);
});
