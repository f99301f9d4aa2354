import { expect, test } from "vitest";
import { failure } from "../../../../../src/codecs/nacos/messages.ts";
import { encodePayload } from "../../../../../src/codecs/nacos/payload.ts";
import { HELD_MS } from "../../../../../src/registry-sync/facades/nacos/held-calls.ts";
import { LONG_OUTAGE_MS, OUTAGE_MS } from "../../../../../src/registry-sync/facades/nacos/session.ts";
import { addressesIn, type LinkedNacosClient, leading, NacosLink, PROXY } from "../../../../support/nacos-link.ts";

test("a client connects, is acknowledged, and its calls and the server's answers pass", () => {
  const link = new NacosLink();
  const client = link.client();
  expect(client.pushes.map(({ type }) => type)).toEqual(["SetupAckRequest"]);
  expect(client.request("HealthCheckRequest", {}).body).toMatchObject({ resultCode: 200 });
  expect(client.request("WhatIsThisRequest", {}).body).toMatchObject({ resultCode: 500, errorCode: 302 });
  expect(link.registry.requests.map(({ type }) => type)).toEqual([
    "ServerCheckRequest",
    "ConnectionSetupRequest",
    "HealthCheckRequest",
    "WhatIsThisRequest",
  ]);
});

test("headers of a client's envelope reach the server as they are", () => {
  const link = new NacosLink();
  const client = link.client();
  client.request("ConfigQueryRequest", { dataId: "d", group: "g" }, { accessToken: "t1", app: "shop", "x-y": "z" });
  expect([...link.registry.requests.at(-1)!.headers]).toEqual([
    ["accessToken", "t1"],
    ["app", "shop"],
    ["x-y", "z"],
  ]);
});

test("pushes are acknowledged at the server, those that no server sent are not", () => {
  const link = new NacosLink();
  const client = link.client();
  client.register("orders", "10.0.0.1:80");
  client.subscribe("orders");
  link.registry.tell("orders");
  link.pump();
  link.setContext(leading(["orders"], { bypass: { all: true, services: [] } }));
  expect(client.pushes.filter(({ type }) => type === "NotifySubscriberRequest")).toHaveLength(2);
  expect(link.registry.acknowledged).toEqual(["1"]);
  expect(link.counters.artificial).toBe(1);
});

test("when the server's end breaks, what the client has is made again at the next one, unseen by the client", () => {
  const link = new NacosLink();
  const client = link.client();
  client.register("orders", "10.0.0.1:80");
  client.register("plain", "10.0.0.1:81");
  client.subscribe("orders");
  client.request("ConfigBatchListenRequest", {
    listen: true,
    configListenContexts: [{ dataId: "d", group: "g", tenant: "", md5: "m" }],
  });
  link.lose(client);
  expect(link.registry.info("plain")["hosts"]).toEqual([]);
  link.registry.requests.length = 0;
  link.join(client);
  expect(link.registry.requests.map(({ type }) => type)).toEqual([
    "ServerCheckRequest",
    "ConnectionSetupRequest",
    "InstanceRequest",
    "InstanceRequest",
    "SubscribeServiceRequest",
    "ConfigBatchListenRequest",
  ]);
  expect(addressesIn(link.registry.info("plain"))).toEqual(["10.0.0.1:81"]);
  expect(link.counters.resumed).toBe(1);
  expect(client.session.isOver).toBe(false);
  expect(client.pushes.filter(({ type }) => type === "SetupAckRequest")).toHaveLength(1);
  link.registry.tell("orders");
  link.pump();
  expect(addressesIn(client.pushed("orders"))).toEqual([PROXY]);
});

test("an answer that cannot be read is a failed call, one whose JSON cannot passes as it came, and the connection stands", () => {
  const link = new NacosLink();
  const client = link.client();
  const noJson = encodePayload({ type: "SubscribeServiceResponse", body: '{"serviceInfo":{' });
  const noError = encodePayload({ type: "ErrorResponse", body: "no" });
  link.registry.answers.set("SubscribeServiceRequest", [Buffer.from("ff", "hex"), noJson]);
  link.registry.answers.set("ConfigQueryRequest", [Buffer.from("ff", "hex"), noError]);
  const ask = (type: string) =>
    client.request(type, { serviceName: "orders", groupName: "g", subscribe: true }).outcome;
  const failure = { type: "failure", status: 13, text: "the registry's answer is unreadable" };
  expect(ask("SubscribeServiceRequest")).toEqual(failure);
  expect(ask("SubscribeServiceRequest")).toMatchObject({ type: "answer", message: noJson });
  expect(ask("ConfigQueryRequest")).toEqual(failure);
  expect(ask("ConfigQueryRequest")).toMatchObject({ type: "answer", message: noError });
  expect(client.request("HealthCheckRequest", {}).body).toMatchObject({ resultCode: 200 });
  expect([client.session.isOver, link.counters.upstreamFailures]).toEqual([false, 0]);
});

test("calls that the broken server owed an answer, and those that come meanwhile, are made at the next one", () => {
  const link = new NacosLink();
  const client = link.client();
  link.registry.silentOn.add("ServiceQueryRequest");
  const owed = client.request("ServiceQueryRequest", { serviceName: "orders" });
  link.registry.silentOn.clear();
  link.lose(client);
  const later = client.request("ServiceQueryRequest", { serviceName: "plain" });
  expect(owed.outcome).toBeUndefined();
  link.join(client);
  expect(owed.body).toMatchObject({ resultCode: 200, serviceInfo: { name: "orders" } });
  expect(later.body).toMatchObject({ resultCode: 200, serviceInfo: { name: "plain" } });
});

test("while its server is away a client is told that it is well, and calls fail only after some time", () => {
  const link = new NacosLink();
  const client = link.client();
  link.lose(client);
  expect(client.request("HealthCheckRequest", {}).body).toMatchObject({ resultCode: 200 });
  const call = client.request("ServiceQueryRequest", { serviceName: "orders" });
  link.advance(HELD_MS - 100);
  expect(call.outcome).toBeUndefined();
  link.advance(200);
  expect(call.outcome).toMatchObject({ type: "failure", status: 14 });
});

test("a server that only gives no sign of life may still have what the client has, one that is gone or refuses does not", () => {
  const link = new NacosLink();
  const client = link.client();
  client.register("orders", "10.0.0.1:80");
  // Nothing passes any more, either way.
  client.server = undefined;
  client.request("ServiceQueryRequest", { serviceName: "orders" });
  expect([client.session.isServed, client.session.wasSilent]).toEqual([true, false]);
  link.advance(6_000);
  expect([client.session.isServed, client.session.wasSilent]).toEqual([false, true]);
  link.join(client);
  expect(client.session.isServed).toBe(true);
  link.lose(client);
  expect([client.session.isServed, client.session.wasSilent]).toEqual([false, false]);
});

test("a client whose server owes it a sign of life is told that it is well before it goes elsewhere", () => {
  const link = new NacosLink();
  const client = link.client();
  client.server = undefined;
  const first = client.request("HealthCheckRequest", {});
  link.advance(1_900);
  expect(first.outcome).toBeUndefined();
  link.advance(300);
  expect(first.body).toMatchObject({ resultCode: 200 });
  expect(client.session.waits).toBe(true);
  link.advance(3_000);
  expect([client.session.isServed, client.session.wasSilent]).toEqual([false, true]);
});

test("a client that has all that it wants is kept while its server is away for long", () => {
  const link = new NacosLink();
  const client = link.client();
  link.lose(client);
  for (let past = 0; past < LONG_OUTAGE_MS; past += 5_000) {
    expect(client.session.isOver).toBe(false);
    expect(client.request("HealthCheckRequest", {}).body).toMatchObject({ resultCode: 200 });
    link.advance(5_000);
  }
  expect(client.session.isOver).toBe(true);
  expect(link.counters.abandoned).toBe(1);
});

test("a client that asks for something may look for another facade after a while", () => {
  const link = new NacosLink();
  const client = link.client();
  link.lose(client);
  const ask = () => {
    client.request("ServiceQueryRequest", { serviceName: "orders" });
    link.advance(5_000);
  };
  for (let past = 0; past < OUTAGE_MS; past += 5_000) {
    expect(client.session.isOver).toBe(false);
    ask();
  }
  ask();
  expect(client.session.isOver).toBe(true);
  expect(link.counters.abandoned).toBe(1);
});

test("a client that has been silent is not given a new connection", () => {
  const link = new NacosLink();
  const client = link.client();
  link.advance(16_000);
  link.lose(client);
  expect(client.session.isOver).toBe(true);
});

test("a client that watches what cannot be repeated makes its own connection anew", () => {
  const link = new NacosLink();
  const client = link.client();
  client.request("NamingFuzzyWatchRequest", {});
  link.lose(client);
  expect(client.session.isOver).toBe(true);
});

test("a server that has forgotten the connection is given up, and the client hears nothing of it", () => {
  const link = new NacosLink();
  const client = link.client();
  client.register("orders", "10.0.0.1:80");
  link.registry.answers.set("ServiceQueryRequest", [failure(301, "Connection is unregistered.")]);
  const call = client.request("ServiceQueryRequest", { serviceName: "orders" });
  expect(call.outcome).toBeUndefined();
  expect(client.session.wantsServer).toBe(true);
  link.join(client);
  expect(addressesIn(call.body["serviceInfo"])).toEqual([PROXY]);
});

test("a reset that names a server of the registry is not passed: the session moves by itself", () => {
  const link = new NacosLink();
  const client = link.client();
  link.registry.push(client.server!, "ConnectResetRequest", { serverIp: "10.9.9.9", serverPort: "8848" });
  link.pump();
  expect(client.pushes.map(({ type }) => type)).toEqual(["SetupAckRequest"]);
  expect(client.session.takeReset()).toBe(true);
  expect(client.session.takeReset()).toBe(false);
  expect(link.registry.acknowledged).toHaveLength(1);
});

test("a server that owes an answer and says nothing is asked for a sign of life, then given up", () => {
  const link = new NacosLink();
  const client = link.client();
  link.advance(10_000);
  client.request("HealthCheckRequest", {});
  link.registry.silentOn.add("ServiceQueryRequest");
  client.request("ServiceQueryRequest", { serviceName: "orders" });
  // Its pings are answered: it lives.
  link.advance(6_000);
  expect(client.session.wantsServer).toBe(false);
  client.server = undefined;
  link.advance(6_000);
  expect(client.session.wantsServer).toBe(true);
});

test("a client that ends its stream is gone in order: its instances are told of as removed", () => {
  const link = new NacosLink();
  const client = link.client();
  client.register("orders", "10.0.0.1:80");
  client.register("other", "10.0.0.1:81");
  client.request("InstanceRequest", {
    serviceName: "other",
    type: "deregisterInstance",
    instance: { ip: "10.0.0.1", port: 81 },
  });
  expect(link.removed).toEqual(["10.0.0.1:81"]);
  client.up.endStream();
  link.pump();
  expect(link.removed).toEqual(["10.0.0.1:81", "10.0.0.1:80"]);
  expect(client.streamEnded).toBe(true);
  expect(client.session.isOver).toBe(true);
});

test.each<[string, (link: NacosLink, client: LinkedNacosClient) => void]>([
  ["while its server is away", () => {}],
  [
    "while what it has is brought to another server",
    (link, client) => {
      link.registry.silentOn.add("InstanceRequest");
      link.join(client);
    },
  ],
])("a client that ends its stream %s is gone in order, and nothing of it is left", (_, between) => {
  const link = new NacosLink();
  const client = link.client();
  client.register("orders", "10.0.0.1:80");
  link.lose(client);
  between(link, client);
  client.up.endStream();
  link.pump();
  expect([client.session.isOver, client.session.wantsServer]).toEqual([true, false]);
  expect(link.removed).toEqual(["10.0.0.1:80"]);
});

test("a client is asked to go to another server", () => {
  const link = new NacosLink();
  const client = link.client();
  client.session.sendAway();
  link.pump();
  const push = client.pushes.at(-1)!;
  expect(push.type).toBe("ConnectResetRequest");
  expect(Object.keys(push.body).sort()).toEqual(["headers", "module", "requestId"]);
  client.up.endStream();
  link.pump();
  // Its instances stand while the server's end does.
  expect([client.session.isOver, link.removed, link.registry.connections.size]).toEqual([true, [], 1]);
});
