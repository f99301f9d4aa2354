import { expect, test } from "vitest";
import { type NacosBody, textOf } from "../../../../../src/codecs/nacos/body.ts";
import { encodePayload } from "../../../../../src/codecs/nacos/payload.ts";
import { Naming, OUR_PUSH } from "../../../../../src/registry-sync/facades/nacos/naming.ts";
import { addressesIn, leading, NacosLink, PROXY } from "../../../../support/nacos-link.ts";

/** The proxy has no port for any service yet. */
const UNTOLD = leading(["orders"], { httpAddresses: new Map() });
const BYPASSED = leading(["orders"], { bypass: { all: true, services: [] } });

test("what is said of services that are led is changed in answers and pushes; the rest passes", () => {
  const link = new NacosLink();
  const client = link.client();
  client.register("orders", "10.0.0.1:80");
  client.register("plain", "10.0.0.1:81");
  expect(addressesIn(client.subscribe("orders")["serviceInfo"])).toEqual([PROXY]);
  expect(addressesIn(client.subscribe("plain")["serviceInfo"])).toEqual(["10.0.0.1:81"]);
  const query = client.request("ServiceQueryRequest", {
    namespace: "public",
    serviceName: "orders",
    groupName: "DEFAULT_GROUP",
  });
  expect(addressesIn(query.body["serviceInfo"])).toEqual([PROXY]);
  link.client().register("orders", "10.0.0.2:80");
  expect(addressesIn(client.pushed("orders"))).toEqual([PROXY]);
});

test("a list in another charset passes byte by byte, in answers and in pushes, and what follows it is changed", () => {
  const link = new NacosLink();
  const client = link.client();
  client.register("orders", "10.0.0.1:80", { city: "café" });
  const info = JSON.stringify(link.registry.info("orders"));
  const answer = encodePayload({
    type: "SubscribeServiceResponse",
    body: Buffer.from(`{"resultCode":200,"serviceInfo":${info}}`, "latin1"),
  });
  link.registry.answers.set("SubscribeServiceRequest", [answer]);
  const call = client.request("SubscribeServiceRequest", { serviceName: "orders", subscribe: true });
  expect(call.outcome).toEqual({ type: "answer", message: answer });
  const [server] = link.registry.connections;
  const push = encodePayload({
    type: "NotifySubscriberRequest",
    body: Buffer.from(`{"requestId":"1","serviceInfo":${info}}`, "latin1"),
  });
  client.raw.length = 0;
  server!.down.push(push);
  link.pump();
  expect(client.raw.map((one) => one.toString("latin1"))).toEqual([push.toString("latin1")]);
  expect(addressesIn(client.subscribe("orders")["serviceInfo"])).toEqual([PROXY]);
});

test("an empty list stays empty", () => {
  const link = new NacosLink();
  expect(addressesIn(link.client().subscribe("orders")["serviceInfo"])).toEqual([]);
});

test("subscribers are told what changes for them when the mesh changes, and nothing else", () => {
  const link = new NacosLink();
  const client = link.client();
  client.register("orders", "10.0.0.1:80");
  client.register("plain", "10.0.0.1:81");
  client.subscribe("orders");
  client.subscribe("plain");
  client.pushes.length = 0;
  link.setContext(leading(["orders"]));
  expect(client.pushes).toEqual([]);
  link.setContext(BYPASSED);
  expect(client.pushes.map(({ type, body }) => [type, addressesIn(body["serviceInfo"])])).toEqual([
    ["NotifySubscriberRequest", ["10.0.0.1:80"]],
  ]);
  expect(textOf(client.pushes[0]!.body, "requestId").startsWith(OUR_PUSH)).toBe(true);
  link.setContext(leading(["orders"], { httpAddresses: new Map([["orders", "10.0.0.9:31007"]]) }));
  expect(addressesIn(client.pushed("orders"))).toEqual(["10.0.0.9:31007"]);
});

test("lastRefTime never goes back and grows with each change, whatever the server's clock says", () => {
  const link = new NacosLink();
  const client = link.client();
  client.register("orders", "10.0.0.1:80");
  const times = [client.subscribe("orders")["serviceInfo"] as NacosBody];
  link.setContext(BYPASSED);
  times.push(client.pushed("orders")!);
  link.setContext(leading(["orders"]));
  times.push(client.pushed("orders")!);
  // Another server, whose clock is behind.
  link.registry.push(client.server!, "NotifySubscriberRequest", {
    serviceInfo: { ...link.registry.info("orders"), hosts: [], lastRefTime: 5 },
  });
  link.pump();
  times.push(client.pushed("orders")!);
  const values = times.map((info) => Number(info["lastRefTime"]));
  expect(values).toEqual([...values].sort((a, b) => a - b));
  expect(new Set(values).size).toBe(values.length);
});

test("a client that is not subscribed any more is told nothing", () => {
  const link = new NacosLink();
  const client = link.client();
  client.register("orders", "10.0.0.1:80");
  client.subscribe("orders");
  client.subscribe("orders", { subscribe: false });
  client.pushes.length = 0;
  link.setContext(BYPASSED);
  expect(client.pushes).toEqual([]);
});

test("clients that are opted out, and other namespaces, see what the server has", () => {
  const link = new NacosLink(leading(["orders"], { passesClient: ({ application }) => application === "console" }));
  const client = link.client({ AppName: "console" });
  client.register("orders", "10.0.0.1:80");
  expect(addressesIn(client.subscribe("orders")["serviceInfo"])).toEqual(["10.0.0.1:80"]);
  const other = link.client();
  expect(addressesIn(other.subscribe("orders", { namespace: "dev" })["serviceInfo"])).toEqual(["10.0.0.1:80"]);
  link.registry.tell("orders");
  link.pump();
  expect(addressesIn(other.pushed("orders"))).toEqual(["10.0.0.1:80"]);
  expect(addressesIn(other.subscribe("orders")["serviceInfo"])).toEqual([PROXY]);
});

test("a client that registered itself is known by the name of its service, and its cluster is where it is shown the proxy", () => {
  const link = new NacosLink(leading(["orders"], { passesClient: ({ application }) => application === "monitor" }));
  const client = link.client();
  client.request("InstanceRequest", {
    serviceName: "monitor",
    type: "registerInstance",
    instance: { ip: "10.0.0.3", port: 80, clusterName: "HZ" },
  });
  link.client().register("orders", "10.0.0.1:80");
  expect(addressesIn(client.subscribe("orders")["serviceInfo"])).toEqual(["10.0.0.1:80"]);
  const shop = link.client();
  shop.request("InstanceRequest", {
    serviceName: "shop",
    type: "registerInstance",
    instance: { ip: "10.0.0.4", port: 80, clusterName: "HZ" },
  });
  const { hosts } = shop.subscribe("orders")["serviceInfo"] as { hosts: NacosBody[] };
  expect(hosts[0]).toMatchObject({ clusterName: "HZ", instanceId: "10.0.0.9#31000#HZ#DEFAULT_GROUP@@orders" });
});

test("a service that the proxies have not been told of is waited for a moment, in answers and in pushes", () => {
  const link = new NacosLink(UNTOLD);
  const client = link.client();
  client.register("orders", "10.0.0.1:80");
  const call = client.request("SubscribeServiceRequest", { serviceName: "orders", subscribe: true });
  expect(call.outcome).toBeUndefined();
  link.advance(300);
  link.setContext(leading(["orders"]));
  expect(addressesIn(call.body["serviceInfo"])).toEqual([PROXY]);
});

test("a service that they are never told of is shown as it is after that moment", () => {
  const link = new NacosLink(UNTOLD);
  const client = link.client();
  client.register("orders", "10.0.0.1:80");
  const call = client.request("SubscribeServiceRequest", { serviceName: "orders", subscribe: true });
  link.advance(1_600);
  expect(addressesIn(call.body["serviceInfo"])).toEqual(["10.0.0.1:80"]);
});

test("an answer that waited says what the server pushed since", () => {
  const link = new NacosLink(UNTOLD);
  const provider = link.client();
  provider.register("orders", "10.0.0.1:80");
  const client = link.client();
  const call = client.request("SubscribeServiceRequest", { serviceName: "orders", subscribe: true });
  provider.request("InstanceRequest", {
    serviceName: "orders",
    type: "deregisterInstance",
    instance: { ip: "10.0.0.1", port: 80 },
  });
  link.advance(1_600);
  expect(addressesIn(call.body["serviceInfo"])).toEqual([]);
});

test("what a client says of itself counts for the lists that it follows already", () => {
  const link = new NacosLink(leading(["orders"], { passesClient: ({ application }) => application === "monitor" }));
  link.client().register("orders", "10.0.0.1:80");
  const client = link.client();
  expect(addressesIn(client.subscribe("orders")["serviceInfo"])).toEqual([PROXY]);
  client.request("InstanceRequest", {
    serviceName: "monitor",
    type: "registerInstance",
    instance: { ip: "10.0.0.3", port: 80 },
  });
  link.advance(5_000);
  expect(addressesIn(client.pushed("orders"))).toEqual(["10.0.0.1:80"]);
});

test("while a connection is made again lists do not shrink; they do when the time for it is over", () => {
  const link = new NacosLink();
  const consumer = link.client();
  const provider = link.client();
  provider.register("plain", "10.0.0.1:81");
  consumer.subscribe("plain");
  link.advance(1_600);
  consumer.request("HealthCheckRequest", {});
  link.lose(consumer);
  link.lose(provider);
  // The provider is not back yet: the server has an empty list.
  link.join(consumer);
  expect(link.counters.resumed).toBe(1);
  const pushes = consumer.pushes.filter(({ type }) => type === "NotifySubscriberRequest");
  expect(pushes.filter(({ body }) => addressesIn(body["serviceInfo"]).length === 0)).toEqual([]);
  link.advance(6_100);
  expect(addressesIn(consumer.pushed("plain"))).toEqual([]);
});

test("lists of services have those of other registries", () => {
  const context = leading(["orders"]);
  const more = [
    { service: { interface: "billing", group: "", version: "" }, metadata: {}, isUp: true, address: PROXY },
  ];
  const link = new NacosLink({
    ...context,
    httpElsewhere: more,
    httpElsewhereOf: ({ interface: name }) => more.find(({ service }) => service.interface === name),
  });
  const client = link.client();
  const list = client.request("ServiceListRequest", { pageNo: 1, pageSize: 10 });
  expect(list.body).toMatchObject({ count: 2, serviceNames: ["orders", "billing"] });
  expect(addressesIn(client.subscribe("billing")["serviceInfo"])).toEqual([PROXY]);
});

test("only requests about services and configurations are looked into", () => {
  expect(
    ["HealthCheckRequest", "ConfigQueryRequest", "SubscribeServiceRequest"].map((type) => Naming.isConcerned(type)),
  ).toEqual([false, false, true]);
});
