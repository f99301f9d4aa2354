import { expect, test } from "vitest";
import type { ResourceSet } from "../../../../src/codecs/xds/resources.ts";
import {
  addressOf,
  alike,
  entriesByHost,
  parseClusterName,
  ScopeMemory,
  SetMemory,
  servicePorts,
  spokenBy,
  targetSet,
  versioned,
} from "../../../../src/control/compile/targets.ts";
import { entryOf } from "../../../support/rule-cases.ts";

test("a set has each name once, in order, and a version of its content alone", () => {
  const [a, b, again] = [versioned("a", { x: 1 }), versioned("b", { x: 2 }), versioned("a", { x: 3 })];
  const set = targetSet({ T: [b, a, again] });
  expect(set.types.get("T")).toEqual([a, b]);
  expect(targetSet({ T: [a, b] }).version).toBe(set.version);
  expect(targetSet({ T: [again, b] }).version).not.toBe(set.version);
});

test("what was made of the same lists is not made again, whatever else the set says", () => {
  const memory = new ScopeMemory<number>();
  const lists = { routes: [], virtualHosts: [], clusters: [], endpoints: [], schemas: [], listeners: [] };
  const entries: readonly [] = [];
  let made = 0;
  const get = (resources: ResourceSet) => memory.get(resources, entries, (before) => (before ?? 0) + ++made);
  expect(get({ ...lists, version: "1" })).toBe(1);
  expect(get({ ...lists, version: "2" })).toBe(1);
  const other = { ...lists, version: "3", endpoints: [] };
  expect(get(other)).toBe(3);
  expect([get({ ...lists, version: "4" }), get(other)]).toEqual([1, 3]);
});

test("nodes that ask for the same get the same set until it changes", () => {
  const memory = new SetMemory<object>();
  const [one, two] = [{}, {}];
  const set = (version: string) => ({ version, types: new Map() });
  const first = memory.get(one, "a", () => set("1"));
  expect(memory.get(one, "a", () => set("2"))).toBe(first);
  expect(memory.get(two, "a", (before) => ({ ...set("3"), types: before!.types })).types).toBe(first.types);
  for (let i = 0; i < 4_200; i++) memory.get(two, `n${i}`, () => set("x"));
  expect(memory.get(one, "a", (before) => set(String(before))).version).toBe("undefined");
});

test("a service has a port for each protocol: the lowest; Java over HTTP is none", () => {
  const urls = ["dubbo://h:20882", "dubbo://h:20881", "tri://h:50051", "http://h:80?interface=com.acme.A", "rmi://h:1"];
  expect(servicePorts(entryOf("com.acme.A", urls))).toEqual([
    { protocol: "dubbo", port: 20881 },
    { protocol: "tri", port: 50051 },
  ]);
  expect(servicePorts(entryOf("com.acme.A", []))).toEqual([{ protocol: "dubbo", port: 20880 }]);
  const said = [
    { protocol: "tri", port: 90 },
    { protocol: "http", port: 80 },
  ];
  expect(servicePorts({ ...entryOf("com.acme.A", urls), ports: said })).toEqual([
    { protocol: "dubbo", port: 20881 },
    { protocol: "tri", port: 90 },
  ]);
});

test("a cluster's name is taken apart; one of another form is not", () => {
  expect(parseClusterName("outbound|80|v1|a.b")).toEqual({ port: 80, subset: "v1", host: "a.b" });
  expect(parseClusterName("inbound|80||")).toBeUndefined();
  expect(parseClusterName("BlackHoleCluster")).toBeUndefined();
});

test("an endpoint that does not say speaks Dubbo2", () => {
  const endpoint = { address: { socketAddress: { address: "h", portValue: 1 } } };
  expect(spokenBy({ endpoint, loadBalancingWeight: 1 })).toBe("dubbo");
  const metadata = { filterMetadata: { "io.trestle": { protocol: "tri" as const } } };
  expect(spokenBy({ endpoint, loadBalancingWeight: 1, metadata })).toBe("tri");
});

test("services by host are one map for all", () => {
  const entries = [entryOf("com.acme.A", [])];
  expect(entriesByHost(entries).get("com.acme.a")).toBe(entries[0]);
  expect(entriesByHost(entries)).toBe(entriesByHost(entries));
});

test("scopes that come by turns are each remembered, however many there are", () => {
  const memory = new ScopeMemory<number>();
  const entries: readonly [] = [];
  const scopes = Array.from({ length: 500 }, () => {
    return { version: "", routes: [], virtualHosts: [], clusters: [], endpoints: [], schemas: [], listeners: [] };
  });
  let made = 0;
  const first = scopes.map((one) => memory.get(one, entries, () => ++made));
  expect(scopes.map((one) => memory.get(one, entries, () => ++made))).toEqual(first);
});

test("a Unix socket is a pipe, whatever its port; Linux' abstract ones keep their @", () => {
  expect(addressOf("unix:///run/a.sock", 80)).toEqual({ pipe: { path: "/run/a.sock" } });
  expect(addressOf("unix://@a", 80)).toEqual({ pipe: { path: "@a" } });
  expect(addressOf("10.0.0.1", 80)).toEqual({ socketAddress: { address: "10.0.0.1", portValue: 80 } });
});

test("a cluster of DNS names has no Unix sockets", () => {
  const [socket, ip, name] = ["unix:///a", "10.0.0.1", "a.example.com"].map((address) => ({ address }));
  expect(alike([socket!, ip!])).toEqual([socket, ip]);
  expect(alike([socket!, ip!, name!])).toEqual([ip, name]);
});
