import { expect, test } from "vitest";
import type { NacosBody } from "../../../../src/codecs/nacos/body.ts";
import { registeredNacos } from "../../../../src/registry-sync/present/registered-nacos.ts";

const identity = "cluster.local/ns/default/sa/orders";
const place = (protocol: string, port: number) => ({
  listen: { host: "10.0.0.5", port },
  to: { host: "10.0.0.1", port: 20_880 },
  ...{ protocol, identity },
});
const taken: string[] = [];
const contextOf = (protocol: string, port = 20_890, takes = true) => ({
  inbound: [place(protocol, port)],
  takes: (service: { interface: string; group: string; version: string }, application: string) => {
    taken.push(`${service.group}/${service.interface}:${service.version} ${application}`);
    return takes;
  },
});
const instance = (metadata: NacosBody = {}, more: NacosBody = {}): NacosBody => ({
  ...{ ip: "10.0.0.1", port: 20_880, ephemeral: true, metadata },
  ...more,
});
const at = (serviceName: string, groupName = "DEFAULT_GROUP") => ({ namespace: "public", groupName, serviceName });
const labels = { "security.istio.io/tlsMode": "istio", "trestle.identity": identity };

test("a provider of Dubbo is at the proxy of its protocol, by the service that its name says", () => {
  taken.length = 0;
  const one = instance({ protocol: "dubbo", application: "shop" });
  expect(registeredNacos(one, at("providers:com.acme.A:1.0.0:g"), contextOf("dubbo"))).toEqual({
    ...{ ip: "10.0.0.5", port: 20_890, ephemeral: true },
    metadata: { protocol: "dubbo", application: "shop", ...labels },
  });
  expect(taken).toEqual(["g/com.acme.A:1.0.0 shop"]);
  expect(registeredNacos(one, at("providers:com.acme.A:1.0.0:g"), contextOf("tri"))).toBe(one);
  expect(registeredNacos(one, at("consumers:com.acme.A:1.0.0:g"), contextOf("dubbo"))).toBe(one);
});

test("an instance of Spring Cloud is at the proxy for HTTP, and the id that a client gives it too", () => {
  taken.length = 0;
  const one = instance({}, { instanceId: "10.0.0.1#20880#DEFAULT#x" });
  expect(registeredNacos(one, at("svc", "G"), contextOf("http"))).toMatchObject({
    ...{ ip: "10.0.0.5", port: 20_890, instanceId: "10.0.0.5#20890#DEFAULT#x", metadata: labels },
  });
  expect(taken).toEqual(["G/svc: svc"]);
});

test("an instance of a Dubbo application is at a proxy that has its own port", () => {
  const one = instance({ "dubbo.metadata.revision": "1" });
  expect(registeredNacos(one, at("shop"), contextOf("dubbo", 20_880))).toMatchObject({ ip: "10.0.0.5", port: 20_880 });
  expect(registeredNacos(one, at("shop"), contextOf("dubbo"))).toBe(one);
  expect(registeredNacos(one, at("shop"), contextOf("http"))).toBe(one);
});

test("what is not taken, persistent, elsewhere or none stays the same object", () => {
  for (const [one, context] of [
    [instance(), contextOf("http", 20_890, false)],
    [instance(), { ...contextOf("http"), inbound: [] }],
    [instance({}, { ephemeral: false }), contextOf("http")],
    [instance({}, { port: 1 }), contextOf("http")],
    [{}, contextOf("http")],
  ] as const)
    expect(registeredNacos(one, at("svc"), context)).toBe(one);
});
