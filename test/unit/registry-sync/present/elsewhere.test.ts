import { describe, expect, test } from "vitest";
import { APPLICATION_LEVEL, LEVEL_PARAM } from "../../../../src/registry-sync/application/offers.ts";
import { elsewhereOf, NOWHERE, ORIGIN_PARAM } from "../../../../src/registry-sync/present/elsewhere.ts";
import { endpoint, entry, world } from "../../../support/worlds.ts";

const there = { origin: "nacos", params: { application: "shop", methods: "get" } };
const http = { origin: "nacos", protocol: "http", params: { zone: "a", version: "1" } };

describe("Dubbo services", () => {
  test("have the providers of other registries, as they would be registered", () => {
    const params = { category: "providers", path: "ctx/com.acme.Order", protocol: "tri", methods: "get" };
    const entries = [
      entry("g/com.acme.Order:1.0", [
        endpoint("10.0.0.1", { origin: "zk" }),
        endpoint("10.0.0.2", there),
        endpoint("10.0.0.3:50051", { origin: "file", protocol: "tri", params }),
      ]),
    ];
    const { providersOf } = elsewhereOf(entries, "zk", undefined);
    const identity = { interface: "com.acme.Order", group: "g", version: "1.0", side: "provider" };
    expect(providersOf("com.acme.Order").map(({ url }) => url)).toEqual([
      {
        ...{ protocol: "dubbo", host: "10.0.0.2", port: 20_880, path: "com.acme.Order" },
        params: { application: "shop", methods: "get", ...identity, [ORIGIN_PARAM]: "nacos" },
      },
      {
        ...{ protocol: "tri", host: "10.0.0.3", port: 50_051, path: "ctx/com.acme.Order" },
        params: { methods: "get", ...identity, [ORIGIN_PARAM]: "file" },
      },
    ]);
    expect(providersOf("com.acme.Other")).toEqual([]);
  });

  test("of several groups and versions are found by their interface", () => {
    const entries = [
      entry("com.acme.Order", [endpoint("10.0.0.2", there)]),
      entry("g/com.acme.Order", [endpoint("10.0.0.3", there)]),
    ];
    const groups = elsewhereOf(entries, "zk", undefined).providersOf("com.acme.Order");
    expect(groups.map(({ service }) => service.group)).toEqual(["", "g"]);
  });

  test.each([
    ["another Trestle shows", endpoint("10.0.0.2", { ...there, params: { [ORIGIN_PARAM]: "x" } })],
    ["the registry itself holds", endpoint("10.0.0.2", { origin: "zk" })],
  ])("that %s are left out", (_, one) => {
    expect(elsewhereOf([entry("com.acme.Order", [one])], "zk", undefined).providersOf("com.acme.Order")).toEqual([]);
  });

  test("are found by their application, in lists that stay while an entry does; the registry's own are not among them", () => {
    const own = endpoint("10.0.0.1", {
      origin: "zk",
      params: { application: "shop", [LEVEL_PARAM]: APPLICATION_LEVEL },
    });
    const order = entry("com.acme.Order", [own, endpoint("10.0.0.2", there)]);
    const unnamed = entry("com.acme.Pay", [endpoint("10.0.0.3", { ...there, params: {} })]);
    const found = elsewhereOf([order, unnamed], "zk", undefined);
    const hosts = (application: string) =>
      found.providersIn(application).map((list) => list.map(({ url }) => url.host));
    expect([hosts("shop"), hosts(""), hosts("other")]).toEqual([[["10.0.0.2"]], [["10.0.0.3"]], []]);
    const again = elsewhereOf([order], "zk", undefined);
    expect(again.providersIn("shop")[0]).toBe(found.providersIn("shop")[0]);
    expect(NOWHERE.providersIn("shop")).toEqual([]);
  });

  test("that exist by rules alone are left out", () => {
    const mapped = { ...entry("com.acme.Order", [endpoint("10.0.0.2", http)]), mapped: true } as const;
    const elsewhere = elsewhereOf([mapped], "zk", undefined);
    expect([elsewhere.providersOf("com.acme.Order"), elsewhere.http]).toEqual([[], []]);
  });
});

describe("HTTP services", () => {
  test("have the metadata on which their instances agree, and say whether one takes calls", () => {
    const entries = [
      entry("stock", [
        endpoint("10.0.0.2:80", http),
        endpoint("10.0.0.3:80", { ...http, origin: "eureka", protocol: "https", params: { zone: "b", version: "1" } }),
        endpoint("10.0.0.4:80", { ...http, origin: "zk", params: {} }),
      ]),
      entry("down", [endpoint("10.0.0.5:80", { ...http, disabled: true })]),
    ];
    const { http: found } = elsewhereOf(entries, "zk", undefined);
    expect(
      found.map(({ service, ...rest }) => [service.interface, { ...rest, metadata: { ...rest.metadata } }]),
    ).toEqual([
      ["down", { metadata: { zone: "a", version: "1", [ORIGIN_PARAM]: "nacos" }, isUp: false }],
      ["stock", { metadata: { version: "1", [ORIGIN_PARAM]: "eureka,nacos" }, isUp: true }],
    ]);
  });

  test("that the registry holds, in whatever case of letters, are not elsewhere", () => {
    const entries = [entry("SVC-B", [endpoint("10.0.0.2:80", http)]), entry("svc-c", [endpoint("10.0.0.3:80", http)])];
    const own = world("zk", entry("svc-b", [endpoint("10.0.0.1:80", { ...http, origin: "zk" })]));
    const elsewhere = elsewhereOf(entries, "zk", own);
    expect(elsewhere.http.map(({ service }) => service.interface)).toEqual(["svc-c"]);
    const httpOf = (name: string) => elsewhere.httpOf({ interface: name, group: "", version: "" })?.service.interface;
    expect(["svc-b", "SVC-C", "svc-c", "none"].map(httpOf)).toEqual([undefined, "svc-c", "svc-c", undefined]);
  });

  test("of names that differ in the case of letters alone are one, the first by name", () => {
    const entries = ["svc-c", "SVC-C"].map((name) => entry(name, [endpoint("10.0.0.3:80", http)]));
    const { http: found } = elsewhereOf(entries, "zk", undefined);
    expect(found.map(({ service }) => service.interface)).toEqual(["SVC-C"]);
  });

  test("a Dubbo service of the same name in the registry does not keep them away", () => {
    const own = world("zk", entry("stock", [endpoint("10.0.0.1", { origin: "zk" })]));
    const entries = [entry("stock", [endpoint("10.0.0.1", { origin: "zk" }), endpoint("10.0.0.2:80", http)])];
    expect(elsewhereOf(entries, "zk", own).http).toHaveLength(1);
  });
});

test("a registry that stands alone has nothing elsewhere", () => {
  expect(NOWHERE.providersOf("com.acme.Order")).toEqual([]);
  expect([NOWHERE.http, NOWHERE.httpOf({ interface: "a", group: "", version: "" })]).toEqual([[], undefined]);
});
