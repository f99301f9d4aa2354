import { describe, expect, test } from "vitest";
import {
  compareEndpoints,
  endpointId,
  endpointOf,
  serviceKeyOf,
} from "../../../../src/registry-sync/dubbo/endpoint.ts";
import { type DubboUrl, parseDubboUrl } from "../../../../src/registry-sync/dubbo/url.ts";

function urlOf(query: string): DubboUrl {
  const reading = parseDubboUrl(`dubbo://10.0.0.1:20880/a.B?${query}`);
  if (reading.type === "fault") throw new Error(reading.message);
  return reading.url;
}

function read(query: string) {
  const unreadable: string[] = [];
  return { endpoint: endpointOf(urlOf(query), "legacy", (key) => unreadable.push(key)), unreadable };
}

test("a bare provider has Dubbo's defaults", () => {
  const { endpoint, unreadable } = read("interface=a.B");
  expect(endpoint).toEqual({
    address: "10.0.0.1",
    port: 20880,
    protocol: "dubbo",
    weight: 100,
    startedAtMs: 0,
    warmupMs: 600_000,
    tag: "",
    disabled: false,
    token: "",
    payloadBytes: 0,
    params: { interface: "a.B" },
    origin: "legacy",
  });
  expect(unreadable).toEqual([]);
});

describe("fields", () => {
  const rows: readonly (readonly [name: string, query: string, field: string, value: unknown])[] = [
    ["weight", "weight=200", "weight", 200],
    ["weight 0 of a Java provider", "weight=0&release=2.7.23", "weight", 0],
    ["weight 0 of dubbo-go is its default", "weight=0&release=dubbo-golang-3.3.2", "weight", 100],
    ["weight below 0", "weight=-5", "weight", 0],
    ["2.6's default weight", "default.weight=50", "weight", 50],
    ["start", "timestamp=1795248714229", "startedAtMs", 1_795_248_714_229],
    ["start of dubbo-go, in seconds", "timestamp=1795248714", "startedAtMs", 1_795_248_714_000],
    ["warm-up", "warmup=1000", "warmupMs", 1_000],
    ["warm-up switched off", "warmup=0", "warmupMs", 0],
    ["tag", "dubbo.tag=gray", "tag", "gray"],
    ["encoded tag", "dubbo.tag=%E7%81%B0", "tag", "灰"],
    ["disabled", "disabled=true", "disabled", true],
    ["disabled=false wins over enabled=false", "disabled=false&enabled=false", "disabled", false],
    ["not enabled", "enabled=false", "disabled", true],
    ["token", "token=s3cret", "token", "s3cret"],
    ["payload", "payload=16777216", "payloadBytes", 16_777_216],
  ];
  test.each(rows)("%s", (_name, query, field, value) => {
    expect(read(query).endpoint[field as "weight"]).toBe(value);
  });
});

describe("a number that cannot be read gives its default and is told", () => {
  const rows: readonly (readonly [query: string, key: string, field: string, value: number])[] = [
    ["weight=many", "weight", "weight", 100],
    ["weight=2147483648", "weight", "weight", 100],
    ["weight=1.5", "weight", "weight", 100],
    ["warmup=1e3", "warmup", "warmupMs", 600_000],
    ["timestamp=99999999999999999999", "timestamp", "startedAtMs", 0],
    ["payload=0x10", "payload", "payloadBytes", 0],
  ];
  test.each(rows)("%s", (query, key, field, value) => {
    const { endpoint, unreadable } = read(query);
    expect(endpoint[field as "weight"]).toBe(value);
    expect(unreadable).toEqual([key]);
  });
});

test("a service key has the directory's interface and folds version 0.0.0", () => {
  expect(serviceKeyOf("a.B", urlOf("interface=a.B&group=g&version=0.0.0"))).toEqual({
    interface: "a.B",
    group: "g",
    version: "",
  });
});

test("endpoints are ordered by address, port and protocol, and named by all three", () => {
  const one = (address: string, port: number, protocol: string) => ({ ...read("").endpoint, address, port, protocol });
  const sorted = [one("b", 1, "dubbo"), one("a", 20, "tri"), one("a", 20, "dubbo"), one("a", 3, "dubbo")].sort(
    compareEndpoints,
  );
  expect(sorted.map(endpointId)).toEqual(["dubbo://a:3", "dubbo://a:20", "tri://a:20", "dubbo://b:1"]);
});
