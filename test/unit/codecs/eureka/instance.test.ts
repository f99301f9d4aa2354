import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type EurekaInstance, readEurekaInstance } from "../../../../src/codecs/eureka/instance.ts";
import { parseEurekaJson } from "../../../../src/codecs/eureka/json.ts";

function instanceOf(name: string) {
  const document = parseEurekaJson(readFileSync(`fixtures/wire/eureka/${name}`, "utf8"));
  if (document.kind === "instance") return readEurekaInstance(document.instance, "");
  if (document.kind === "application") return readEurekaInstance(document.application.instances[0]!, "SVC-J");
  throw new Error(name);
}

test("an instance of a server's answer is read", () => {
  expect(instanceOf("instance.json")).toEqual({
    id: "10.77.0.3:svc-b:9001",
    app: "SVC-B",
    hostName: "10.77.0.3",
    ipAddr: "10.77.0.3",
    status: "UP",
    port: 9001,
    isPortEnabled: true,
    securePort: 443,
    isSecurePortEnabled: false,
    vips: ["svc-b"],
    metadata: { "management.port": "9001" },
    zone: "",
    lastUpdatedMs: 1795247626564,
    lastDirtyMs: 1795247626180,
    action: "ADDED",
  });
});

test("a client's registration, with numbers as numbers and nulls, reads alike", () => {
  expect(instanceOf("register.json")).toMatchObject({ id: "10.77.0.1:svc-a:9100", port: 9100, action: "ADDED" });
});

test("an operator's override and its zone are read", () => {
  expect(instanceOf("out-of-service.json")).toMatchObject({ status: "OUT_OF_SERVICE", zone: "z1", action: "MODIFIED" });
});

const least = { instanceId: "i", hostName: "h", app: "a" };

test.each<readonly [string, object, Partial<EurekaInstance> | undefined]>([
  ["nothing", {}, undefined],
  ["an id alone", { instanceId: "i" }, undefined],
  ["a host alone", { hostName: "h" }, { id: "h", ipAddr: "h" }],
  ["an address alone", { instanceId: "i", ipAddr: "10.0.0.1" }, { hostName: "10.0.0.1" }],
  ["a status that is none", { ...least, status: "GONE" }, { status: "UNKNOWN" }],
  ["no status", least, { status: "UP" }],
  ["an override", { ...least, status: "UP", overriddenStatus: "DOWN" }, { status: "DOWN" }],
  ["an override in XML's name", { ...least, status: "UP", overriddenstatus: "DOWN" }, { status: "DOWN" }],
  [
    "an override of one out of service",
    { ...least, status: "OUT_OF_SERVICE", overriddenStatus: "UP" },
    { status: "UP" },
  ],
  ["an override of one that is down", { ...least, status: "DOWN", overriddenStatus: "UP" }, { status: "DOWN" }],
  ["an override of one that starts", { ...least, status: "STARTING", overriddenStatus: "UP" }, { status: "STARTING" }],
  ["a port as text", { ...least, port: { $: "80", "@enabled": "TRUE" } }, { port: 80, isPortEnabled: true }],
  ["a bare port", { ...least, port: 80 }, { port: 80, isPortEnabled: true }],
  ["a port that is off", { ...least, port: { $: 80, "@enabled": false } }, { port: 80, isPortEnabled: false }],
  ["no port", least, { port: 0, securePort: 0, isSecurePortEnabled: false }],
  ["a port that cannot be", { ...least, port: { $: 65_536 } }, { port: 0 }],
  ["a port of half", { ...least, port: { $: 1.5 } }, { port: 0 }],
  ["a negative port", { ...least, port: "-1" }, { port: 0 }],
  ["a port of an object", { ...least, port: { $: {} } }, { port: 0 }],
  ["several names", { ...least, vipAddress: "b, c,,B", secureVipAddress: "d,c" }, { vips: ["b", "c", "d"] }],
  ["no name", least, { vips: [] }],
  ["Java's empty map", { ...least, metadata: { "@class": "java.util.Collections$EmptyMap" } }, { metadata: {} }],
  [
    "metadata that is no text",
    { ...least, metadata: { a: 1, b: true, c: {}, d: null } },
    { metadata: { a: "1", b: "true" } },
  ],
  ["metadata that is no map", { ...least, metadata: "x" }, { metadata: {} }],
  [
    "a data centre's zone",
    { ...least, dataCenterInfo: { metadata: { "availability-zone": "e" } }, metadata: { zone: "z" } },
    { zone: "e" },
  ],
  [
    "times as text",
    { ...least, lastUpdatedTimestamp: "12", lastDirtyTimestamp: 13 },
    { lastUpdatedMs: 12, lastDirtyMs: 13 },
  ],
  [
    "times that are none",
    { ...least, lastUpdatedTimestamp: "x", lastDirtyTimestamp: -1 },
    { lastUpdatedMs: 0, lastDirtyMs: 0 },
  ],
  ["an action", { ...least, actionType: "deleted" }, { action: "DELETED" }],
])("%s", (_, raw, expected) => {
  const instance = readEurekaInstance(raw as Record<string, unknown>, "a");
  if (expected === undefined) expect(instance).toBeUndefined();
  else expect(instance).toMatchObject(expected);
});

test("metadata cannot set a prototype", () => {
  const raw = JSON.parse('{"hostName":"h","metadata":{"__proto__":"x","constructor":"y"}}');
  const { metadata } = readEurekaInstance(raw, "a")!;
  expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
  expect(Object.entries(metadata)).toEqual([
    ["__proto__", "x"],
    ["constructor", "y"],
  ]);
});
