import { describe, expect, test } from "vitest";
import { proxyPorts } from "../../../../src/registry-sync/present/applications.ts";
import { elsewhereOf } from "../../../../src/registry-sync/present/elsewhere.ts";
import {
  type ElsewhereLedBy,
  elsewhereApplication,
  isElsewhereApplication,
  mappedElsewhere,
} from "../../../../src/registry-sync/present/elsewhere-applications.ts";
import { endpoint, entry } from "../../../support/worlds.ts";

const PROXIES = proxyPorts(["10.9.0.1:20880", "10.9.0.1:20881"], ["10.9.0.1:50051"]);
const plain: ElsewhereLedBy = { proxies: PROXIES, notLed: () => undefined, isBroadcast: () => false };

function provider(address: string, params: Record<string, string> = {}, protocol = "dubbo") {
  return endpoint(address, { origin: "nacos", protocol, params: { application: "shop", methods: "get", ...params } });
}

const order = entry("g/a.Order:1", [
  provider("10.0.0.1", { timeout: "100" }),
  provider("10.0.0.2", { timeout: "300" }),
]);
const pay = entry("a.Pay", [provider("10.0.0.1:50051", {}, "tri")]);
const elsewhere = elsewhereOf([order, pay], "zk", undefined);

test("an application of other registries has one instance for each proxy, with the services that it provides", () => {
  const shown = elsewhereApplication(elsewhere, "shop.trestle", plain)!;
  expect(shown.instances.map(({ address, port }) => `${address}:${port}`)).toEqual([
    "10.9.0.1:20880",
    "10.9.0.1:20881",
  ]);
  const [first, second] = shown.instances;
  expect(first!.metadata).toMatchObject({
    "dubbo.metadata.storage-type": "remote",
    "dubbo.metadata.revision": first!.info.revision,
  });
  expect(first!.info.application).toBe("shop.trestle");
  expect(first!.info.services.map(({ service, protocol, port }) => [service.interface, protocol, port])).toEqual([
    ["a.Pay", "tri", 50_051],
    ["a.Order", "dubbo", 20_880],
  ]);
  expect(first!.info.services[1]!.params).toMatchObject({
    ...{ application: "shop", group: "g", version: "1", timeout: "300", "trestle.from": "nacos" },
  });
  expect(second!.info.services).toHaveLength(1);
  expect(shown.hides("10.0.0.1:20880")).toBe(false);
});

test("its revision stays while providers come and go that say the same", () => {
  const revision = (...entries: Parameters<typeof elsewhereOf>[0]) =>
    elsewhereApplication(elsewhereOf(entries, "zk", undefined), "shop.trestle", plain)?.instances[0]?.info.revision;
  const one = revision(entry("a.Pay", [provider("10.0.0.1")]));
  expect(revision(entry("a.Pay", [provider("10.0.0.7"), provider("10.0.0.8")]))).toBe(one);
  expect(revision(entry("a.Pay", [provider("10.0.0.1", { methods: "put" })]))).not.toBe(one);
});

test("the mapping of an interface names it", () => {
  expect(mappedElsewhere(elsewhere, "a.Order", plain)).toEqual(["shop.trestle"]);
  expect(mappedElsewhere(elsewhere, "a.Other", plain)).toEqual([]);
  expect(isElsewhereApplication("shop.trestle")).toBe(true);
  expect(isElsewhereApplication("shop")).toBe(false);
});

test("each is told of before anybody is shown it", () => {
  const told: string[] = [];
  const shown = elsewhereApplication(elsewhere, "shop.trestle", {
    ...plain,
    onRevision: (info) => told.push(info.revision),
  });
  expect(told).toEqual(shown?.instances.map(({ info }) => info.revision));
});

test("providers that name no application stand together", () => {
  const unnamed = elsewhereOf([entry("a.Order", [provider("10.0.0.1", { application: "" })])], "zk", undefined);
  expect(mappedElsewhere(unnamed, "a.Order", plain)).toEqual(["unnamed.trestle"]);
  expect(elsewhereApplication(unnamed, "unnamed.trestle", plain)?.instances).toHaveLength(2);
});

describe("is not there", () => {
  const only = (one: ReturnType<typeof endpoint>) => elsewhereOf([entry("a.Order", [one])], "zk", undefined);
  test.each<[string, typeof elsewhere, Partial<ElsewhereLedBy>]>([
    ["while no proxy serves", elsewhere, { proxies: [] }],
    ["where none of its services is led", elsewhere, { notLed: () => ({ reason: "bypassed", finding: false }) }],
    ["where a consumer calls every provider", elsewhere, { isBroadcast: () => true }],
    ["for providers with tags", only(provider("10.0.0.1", { "dubbo.tag": "gray" })), {}],
    ["for providers that take TLS alone", only(provider("10.0.0.1", { "ssl-enabled": "true" })), {}],
    ["for other protocols", only(provider("10.0.0.1", {}, "rest")), {}],
    ["for the registry's own", only(endpoint("10.0.0.1", { origin: "zk", params: { application: "shop" } })), {}],
    ["for what another Trestle shows", only(provider("10.0.0.1", { "trestle.from": "x" })), {}],
    ["for names that can be no group", only(provider("10.0.0.1", { application: "a/b" })), {}],
  ])("%s", (_, of, changes) => {
    expect(elsewhereApplication(of, "shop.trestle", { ...plain, ...changes })).toBeUndefined();
    expect(mappedElsewhere(of, "a.Order", { ...plain, ...changes })).toEqual([]);
  });
});
