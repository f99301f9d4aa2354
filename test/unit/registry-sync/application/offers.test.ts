import { describe, expect, test } from "vitest";
import { serviceKey } from "../../../../src/model/service.ts";
import { offersOf } from "../../../../src/registry-sync/application/offers.ts";
import { applicationOf, instanceAt, offered } from "../../../support/applications.ts";

test("each instance offers what its revision has, at its own address and the service's port", () => {
  const application = applicationOf([instanceAt("10.0.0.1:20880"), instanceAt("10.0.0.2:20880")], {
    r1: [offered("a.B", { port: 20881, service: serviceKey("a.B", "g", "1.0.0") })],
  });
  const offers = offersOf(application).byInterface.get("a.B")!;
  expect(offers.map(({ url }) => `${url.protocol}://${url.host}:${url.port}/${url.path}`)).toEqual([
    "dubbo://10.0.0.1:20881/a.B",
    "dubbo://10.0.0.2:20881/a.B",
  ]);
  expect({ ...offers[0]!.url.params }).toEqual({
    ...{ application: "shop", group: "g", interface: "a.B", methods: "sayHi", side: "provider", version: "1.0.0" },
    ...{ "registry-type": "service", timestamp: "1700000000000" },
  });
});

describe("ports that a service does not say are", () => {
  const ports = [{ protocol: "tri", port: 50051 }];
  test.each([
    ["the endpoint's of its protocol", "tri", 50051],
    ["the instance's own", "dubbo", 20880],
  ])("%s", (_, protocol, port) => {
    const application = applicationOf([instanceAt("h:20880", { ports })], {
      r1: [offered("a.B", { port: 0, protocol })],
    });
    expect(offersOf(application).byInterface.get("a.B")![0]!.url.port).toBe(port);
  });
});

test("a service's parameters win over its instance's; an instance that is out of service is disabled", () => {
  const instance = instanceAt("h:1", { disabled: true, params: { zone: "a", side: "x" } });
  const { params } = offersOf(applicationOf([instance], { r1: [offered("a.B")] })).byInterface.get("a.B")![0]!.url;
  expect(params).toMatchObject({ zone: "a", side: "provider", disabled: "true" });
});

describe("weights: the registry's times the service's:", () => {
  test.each([
    ["both", "50", 200, "100"],
    ["the registry's alone", undefined, 50, "50"],
    ["less than one", "1", 1, "1"],
    ["none", "100", 0, "0"],
  ])("%s", (_, weight, registry, both) => {
    const params = { ...(weight !== undefined && { weight }) };
    const application = applicationOf([instanceAt("h:1", { weight: registry })], { r1: [offered("a.B", { params })] });
    expect(offersOf(application).byInterface.get("a.B")![0]!.url.params["weight"]).toBe(both);
  });
});

test("instances that offer nothing, or of which nothing is known, have no offers", () => {
  const application = applicationOf([instanceAt("h:1", { revision: "0" }), instanceAt("h:2", { revision: "r2" })], {});
  expect(offersOf(application)).toMatchObject({ byInterface: new Map(), left: 0 });
});

test("offers of instances and services that stay are the same objects", () => {
  const first = instanceAt("h:1");
  const services = [offered("a.B")];
  const before = offersOf(applicationOf([first], { r1: services }));
  const after = offersOf(applicationOf([first, instanceAt("h:2")], { r1: services }), before);
  expect(after.byInterface.get("a.B")![0]).toBe(before.byInterface.get("a.B")![0]);
  expect(after.byInterface.get("a.B")).toHaveLength(2);
});

test("an application's offers are made once", () => {
  const application = applicationOf([instanceAt("h:1")], { r1: [offered("a.B")] });
  expect(offersOf(application)).toBe(offersOf(application));
  expect(offersOf({ ...application })).not.toBe(offersOf(application));
});
