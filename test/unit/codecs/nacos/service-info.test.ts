import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  groupedName,
  instanceBody,
  readInstance,
  readServiceInfo,
  serviceInfoBody,
  splitGroupedName,
} from "../../../../src/codecs/nacos/service-info.ts";

const answers = JSON.parse(readFileSync("fixtures/wire/nacos/http-dubbo-2.7.23.json", "utf8")) as object[];
const pushed = readFileSync("fixtures/wire/nacos/messages.jsonl", "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as { run: string; type: string; body: { serviceInfo?: { hosts: object[] } } })
  .filter(({ run, body }) => run !== "stand-in" && (body.serviceInfo?.hosts.length ?? 0) > 0)
  .map(({ body }) => body.serviceInfo!);

test("an answer over HTTP is read with its group taken off the name", () => {
  const reading = readServiceInfo(answers[1], 100)!;
  expect(reading).toMatchObject({ unreadable: 0, over: 0 });
  expect(reading.info).toMatchObject({
    name: "providers:peer.Hello:1.0.0:g",
    groupName: "DEFAULT_GROUP",
    lastRefTime: 1795248460282,
    reachProtectionThreshold: false,
  });
  expect(reading.info.hosts[0]).toMatchObject({ port: 20880, weight: 1, healthy: true, clusterName: "DEFAULT" });
  expect(reading.info.hosts[0]!.metadata).toMatchObject({ protocol: "dubbo", interface: "peer.Hello", group: "g" });
});

test("what real peers wrote is printed as it came", () => {
  expect(pushed.length).toBeGreaterThan(1);
  for (const body of pushed) expect(serviceInfoBody(readServiceInfo(body, 100)!.info)).toEqual(body);
  for (const body of answers) expect(serviceInfoBody(readServiceInfo(body, 100)!.info, "http")).toEqual(body);
});

test("of more instances than the limit the rest is counted, and so is what is no instance", () => {
  const hosts = [{ ip: "a", port: 1 }, null, { ip: "b", port: 70_000 }, { ip: "c", port: 2 }, { ip: "d", port: 3 }];
  const reading = readServiceInfo({ name: "s", hosts }, 4)!;
  expect(reading.info.hosts.map(({ ip }) => ip)).toEqual(["a", "c"]);
  expect(reading).toMatchObject({ unreadable: 2, over: 1 });
});

test.each([
  [
    "an address alone",
    { ip: "h", port: 0 },
    { weight: 1, healthy: true, enabled: true, ephemeral: true, clusterName: "DEFAULT" },
  ],
  [
    "numbers and booleans as text",
    { ip: "h", port: "80", weight: "0.5", healthy: "false" },
    { port: 80, weight: 0.5, healthy: false },
  ],
  ["a weight that is NaN", { ip: "h", port: 1, weight: "NaN" }, { weight: Number.NaN }],
  ["a weight below 0", { ip: "h", port: 1, weight: -5 }, { weight: -5 }],
  ["health as 1.0 called it", { ip: "h", port: 1, valid: false }, { healthy: false }],
  [
    "null for all",
    { ip: "h", port: 1, weight: null, metadata: null, clusterName: null },
    { weight: 1, clusterName: "DEFAULT" },
  ],
])("an instance is read: %s", (_, value, fields) => {
  expect(readInstance(value)).toMatchObject(fields);
});

test.each([
  ["no address", { port: 1 }],
  ["an address with a space", { ip: "a b", port: 1 }],
  ["an address with a path", { ip: "a/b", port: 1 }],
  ["an address of 600 characters", { ip: "a".repeat(600), port: 1 }],
  ["no port", { ip: "a" }],
  ["a port below 0", { ip: "a", port: -1 }],
  ["a port over 65535", { ip: "a", port: 65_536 }],
  ["a text", "a:1"],
])("no instance: %s", (_, value) => {
  expect(readInstance(value)).toBeUndefined();
});

test("metadata are texts, without a prototype, and bounded", () => {
  const text = '{"ip":"h","port":1,"metadata":{"__proto__":"x","n":1,"b":true,"o":{},"nil":null}}';
  const { metadata } = readInstance(JSON.parse(text))!;
  expect(Object.getPrototypeOf(metadata)).toBeNull();
  expect(Object.entries(metadata)).toEqual([
    ["__proto__", "x"],
    ["n", "1"],
    ["b", "true"],
  ]);
  const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`k${i}`, "v"]));
  expect(Object.keys(readInstance({ ip: "h", port: 1, metadata: many })!.metadata)).toHaveLength(1_024);
  const long = { a: "x".repeat(200_000), b: "x".repeat(100_000) };
  expect(Object.keys(readInstance({ ip: "h", port: 1, metadata: long })!.metadata)).toEqual(["a"]);
});

test.each([
  ["no object", 7],
  ["no name", { hosts: [] }],
  ["a name of 600 characters", { name: "a".repeat(600) }],
])("no service: %s", (_, value) => {
  expect(readServiceInfo(value, 10)).toBeUndefined();
});

test("a group stands in front of a name, and is DEFAULT_GROUP where it is not said", () => {
  expect(splitGroupedName("G1@@a@@b")).toEqual({ group: "G1", name: "a@@b" });
  expect(splitGroupedName("@@a")).toEqual({ group: "DEFAULT_GROUP", name: "a" });
  expect(splitGroupedName("a", "G2")).toEqual({ group: "G2", name: "a" });
  expect(splitGroupedName("a", "")).toEqual({ group: "DEFAULT_GROUP", name: "a" });
  expect(groupedName("", "a")).toBe("DEFAULT_GROUP@@a");
});

test("times of heartbeats are the metadata's where they are numbers", () => {
  const metadata = { "preserved.heart.beat.interval": "1000", "preserved.ip.delete.timeout": "x" };
  const body = instanceBody({ ...readInstance({ ip: "h", port: 1, weight: "NaN" })!, metadata });
  expect(body).toMatchObject({ weight: "NaN", instanceHeartBeatInterval: 1_000, ipDeleteTimeout: 30_000 });
});
