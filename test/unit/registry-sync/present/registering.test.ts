import { expect, test } from "vitest";
import type { InboundPlace } from "../../../../src/model/inbound.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import {
  anyStandIn,
  inboundOf,
  standInMetadata,
  standInOf,
} from "../../../../src/registry-sync/present/registering.ts";

const identity = "cluster.local/ns/default/sa/orders";
const place = (protocol: string, port = 20_880): InboundPlace => ({
  listen: { host: "10.0.0.5", port },
  to: { host: "10.77.0.3", port },
  protocol,
  identity,
});
const contextOf = (inbound: readonly InboundPlace[], takes = true) => ({ inbound, takes: () => takes });
const provider = {
  places: [
    { host: "orders", port: 20_880 },
    { host: "10.77.0.3", port: 20_880 },
  ],
  protocols: ["dubbo", "tri"],
  service: serviceKey("com.acme.Orders"),
  application: "orders",
};

test("a proxy is found by the provider's address and by its own, in its protocol alone", () => {
  const context = contextOf([place("dubbo")]);
  expect(inboundOf({ host: "10.77.0.3", port: 20_880 }, "dubbo", context)).toBeDefined();
  expect(inboundOf({ host: "10.0.0.5", port: 20_880 }, "dubbo", context)).toBeDefined();
  expect(inboundOf({ host: "10.77.0.3", port: 20_880 }, "tri", context)).toBeUndefined();
  expect(inboundOf({ host: "10.77.0.3", port: 20_881 }, "dubbo", context)).toBeUndefined();
});

test("it stands for a provider by any of its addresses, by the first of its protocols, and where calls of it are to be led", () => {
  const both = [place("tri"), place("dubbo")];
  expect(standInOf(provider, contextOf(both))).toBe(both[1]);
  expect(standInOf(provider, contextOf([both[0]!]))).toBe(both[0]);
  expect(standInOf({ ...provider, protocols: ["http"] }, contextOf(both))).toBeUndefined();
  expect(standInOf(provider, contextOf(both, false))).toBeUndefined();
  expect(standInOf(provider, anyStandIn(contextOf(both, false)))).toBe(both[1]);
  expect(standInOf(provider, contextOf([]))).toBeUndefined();
});

test("what is said of a provider keeps its form", () => {
  const bare = Object.assign(Object.create(null), { a: "1" }) as Readonly<Record<string, string>>;
  const said = standInMetadata(bare, place("dubbo"));
  expect(Object.getPrototypeOf(said)).toBe(null);
  expect({ ...said }).toEqual({ a: "1", "security.istio.io/tlsMode": "istio", "trestle.identity": identity });
  const { listen, to } = place("dubbo");
  expect(standInMetadata({ a: "1" }, { listen, to, protocol: "dubbo" })).toEqual({ a: "1" });
});
