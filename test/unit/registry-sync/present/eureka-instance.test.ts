import { expect, test } from "vitest";
import { readEurekaInstance } from "../../../../src/codecs/eureka/instance.ts";
import {
  elsewhereInstance,
  ledInstance,
  ledInstanceId,
  ownInstance,
  type RealInstance,
} from "../../../../src/registry-sync/present/eureka-instance.ts";
import { type GivenInstance, rawInstance } from "../../../support/eureka-documents.ts";

const place = { hostName: "10.0.0.9", address: "10.0.0.9", port: 31_005 };

function real(given: Partial<GivenInstance> = {}): RealInstance {
  const full = { app: "orders", host: "10.0.0.1", port: 8080, ...given };
  const raw = rawInstance(full);
  return { raw, read: readEurekaInstance(raw, full.app)! };
}

test("the one instance of a service stands at the proxy in every field that leads to it", () => {
  expect(ledInstance("orders", [real(), real({ host: "10.0.0.2" })], place)).toEqual({
    instanceId: "trestle:orders",
    hostName: "10.0.0.9",
    ipAddr: "10.0.0.9",
    app: "ORDERS",
    status: "UP",
    overriddenStatus: "UNKNOWN",
    port: { $: 31_005, "@enabled": "true" },
    securePort: { $: 443, "@enabled": "false" },
    countryId: 1,
    dataCenterInfo: { "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", name: "MyOwn" },
    leaseInfo: expect.objectContaining({ durationInSecs: 90, serviceUpTimestamp: 1_700_000_000_000 }),
    metadata: { "management.port": "31005" },
    homePageUrl: "http://10.0.0.9:31005/",
    statusPageUrl: "http://10.0.0.9:31005/actuator/info",
    healthCheckUrl: "http://10.0.0.9:31005/actuator/health",
    vipAddress: "orders",
    secureVipAddress: "orders",
    isCoordinatingDiscoveryServer: "false",
    lastUpdatedTimestamp: "1700000000000",
    lastDirtyTimestamp: "1700000000000",
    actionType: "ADDED",
  });
});

test.each([
  [["UP", "DOWN"], "UP"],
  [["DOWN", "OUT_OF_SERVICE"], "DOWN"],
  [["OUT_OF_SERVICE", "OUT_OF_SERVICE"], "OUT_OF_SERVICE"],
  [["STARTING"], "STARTING"],
])("of %j the one instance is %s", (statuses, status) => {
  const members = statuses.map((one, i) => real({ host: `10.0.0.${i}`, status: one }));
  expect(ledInstance("orders", members, place)["status"]).toBe(status);
});

test("metadata is what all that are UP agree on; a management port of its own leads past the proxy", () => {
  const one = real({ raw: { metadata: { zone: "a", version: "1", "management.port": "9000" } } });
  const two = real({ host: "10.0.0.2", raw: { metadata: { zone: "a", version: "2", "management.port": "9000" } } });
  const down = real({ host: "10.0.0.3", status: "DOWN", raw: { metadata: { zone: "b" } } });
  expect(ledInstance("orders", [one, two, down], place)["metadata"]).toEqual({ zone: "a" });
});

test.each([
  ["another port", { homePageUrl: "http://10.0.0.1:9000/" }],
  ["another path", { homePageUrl: "http://10.0.0.1:8080/other" }],
  ["no URL", { homePageUrl: "::" }],
  ["nothing", { homePageUrl: null }],
])("a page that one has at %s is left out", (_, raw) => {
  expect(ledInstance("orders", [real(), real({ raw })], place)["homePageUrl"]).toBeUndefined();
});

test("a service's name can be the host", () => {
  expect(ledInstance("orders", [real()], { ...place, hostName: "orders" })).toMatchObject({
    hostName: "orders",
    ipAddr: "10.0.0.9",
    homePageUrl: "http://orders:31005/",
  });
});

test("instances of Amazon's data centres are shown in no one's", () => {
  const amazon = { dataCenterInfo: { name: "Amazon", metadata: { "instance-id": "i-1" } } };
  expect(ledInstance("orders", [real({ raw: amazon })], place)["dataCenterInfo"]).toMatchObject({ name: "MyOwn" });
});

test("an instance of a secure port is shown without one", () => {
  const secure = { securePort: { $: 8443, "@enabled": "true" }, port: { $: 8080, "@enabled": "false" } };
  expect(ledInstance("orders", [real({ raw: secure })], place)).toMatchObject({
    port: { $: 31_005, "@enabled": "true" },
    securePort: { "@enabled": "false" },
  });
});

test("an application's own instance keeps its id, status and times", () => {
  const own = ownInstance(
    real({ status: "DOWN", raw: { overriddenStatus: "DOWN", secureHealthCheckUrl: "https://x" } }),
    place,
  );
  expect(own).toMatchObject({
    instanceId: "10.0.0.1:orders:8080",
    hostName: "10.0.0.9",
    status: "DOWN",
    overriddenStatus: "DOWN",
    port: { $: 31_005 },
    homePageUrl: "http://10.0.0.9:31005/",
    metadata: { "management.port": "31005" },
  });
  expect(own).not.toHaveProperty("secureHealthCheckUrl");
});

test("a service of another registry has the metadata that is given", () => {
  expect(elsewhereInstance("stock", { a: "1" }, "DOWN", place)).toMatchObject({
    instanceId: ledInstanceId("stock"),
    app: "STOCK",
    status: "DOWN",
    vipAddress: "stock",
    metadata: { a: "1" },
  });
});
