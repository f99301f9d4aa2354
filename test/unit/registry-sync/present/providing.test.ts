import { expect, test } from "vitest";
import { type Entry, plainEndpoint } from "../../../../src/model/entry.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import {
  broadcastInterfaces,
  entriesOfApplication,
  providingOf,
} from "../../../../src/registry-sync/present/providing.ts";

function entry(name: string, ...providers: readonly (readonly [protocol: string, application?: string])[]): Entry {
  const endpoints = providers.map(([protocol, application], index) =>
    plainEndpoint({
      ...{ address: "10.0.0.1", port: 20_880 + index, protocol, weight: 100, origin: "test" },
      params: application === undefined ? {} : { application },
    }),
  );
  return { host: name.toLowerCase(), service: serviceKey(name, "g", "1"), endpoints };
}

test("an application with a protocol is named once, however many providers it has", () => {
  const one = entry("com.acme.Order", ["dubbo", "shop"], ["dubbo", "shop"], ["tri", "shop"], ["dubbo"]);
  expect(providingOf(one)).toEqual({
    key: "g/com.acme.Order:1",
    by: [
      { application: "shop", protocol: "dubbo", origin: "test" },
      { application: "shop", protocol: "tri", origin: "test" },
      { application: "", protocol: "dubbo", origin: "test" },
    ],
    isTagged: false,
  });
});

test("a provider with a tag is told", () => {
  const one = entry("com.acme.Order", ["dubbo", "shop"]);
  expect(providingOf({ ...one, endpoints: [{ ...one.endpoints[0]!, tag: "gray" }] }).isTagged).toBe(true);
});

test("an entry that stays is not read again", () => {
  const one = entry("com.acme.Order", ["dubbo", "shop"]);
  expect(providingOf(one)).toBe(providingOf(one));
});

test("an application has the entries that it provides, each once", () => {
  const order = entry("com.acme.Order", ["dubbo", "shop"], ["tri", "shop"]);
  const stock = entry("com.acme.Stock", ["dubbo", "store"], ["dubbo", "shop"]);
  const all = [order, stock];
  expect(entriesOfApplication(all, "shop")).toEqual([order, stock]);
  expect(entriesOfApplication(all, "store")).toEqual([stock]);
  expect(entriesOfApplication(all, "other")).toEqual([]);
});

test("interfaces are told of which a consumer calls every provider", () => {
  const consumer = (name: string, cluster?: string) => ({
    ...{ service: serviceKey(name), address: "10.0.0.9", application: "web" },
    params: cluster === undefined ? {} : { cluster },
  });
  const consumers = [consumer("a.B", "broadcast"), consumer("a.C", "failover"), consumer("a.D")];
  expect([...broadcastInterfaces(consumers)]).toEqual(["a.B"]);
  expect(broadcastInterfaces(consumers)).toBe(broadcastInterfaces(consumers));
});
