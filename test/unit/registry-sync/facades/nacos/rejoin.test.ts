import { expect, test } from "vitest";
import { failure, success } from "../../../../../src/codecs/nacos/messages.ts";
import { leading, NacosLink } from "../../../../support/nacos-link.ts";

function stage() {
  const link = new NacosLink(leading(["orders"]));
  const client = link.client();
  client.register("orders", "10.0.0.1:80");
  for (let i = 0; i < 100; i++) client.subscribe(`s${i}`);
  link.lose(client);
  link.registry.requests.length = 0;
  return { link, client };
}

test("many messages are repeated, each once", () => {
  const { link, client } = stage();
  link.join(client);
  const subscribed = link.registry.requests.filter(({ type }) => type === "SubscribeServiceRequest");
  expect(new Set(subscribed.map(({ body }) => body["serviceName"])).size).toBe(100);
  expect([subscribed.length, link.counters.resumed]).toEqual([100, 1]);
});

test("an answer that is too large to be taken is a message that was taken", () => {
  const { link, client } = stage();
  link.registry.hugeOn.add("SubscribeServiceRequest");
  link.join(client);
  expect([link.counters.resumed, link.counters.oversized, client.session.wantsServer]).toEqual([1, 100, false]);
});

test("a server that does not know the connection yet is asked again a little later", () => {
  const { link, client } = stage();
  link.registry.answers.set("InstanceRequest", [failure(301, "Connection is unregistered.")]);
  link.join(client);
  expect(link.counters.resumed).toBe(0);
  link.advance(200);
  expect(link.counters.resumed).toBe(1);
});

test.each([
  ["refuses a registration", "InstanceRequest", failure(403, "token expired!")],
  ["takes no connection", "ServerCheckRequest", failure(500, "too many")],
])("a server that %s is left, and another one tried", (_name, type, answer) => {
  const { link, client } = stage();
  link.registry.answers.set(type, [answer]);
  link.join(client);
  expect([link.counters.resumed, client.session.wantsServer, client.session.isOver]).toEqual([0, true, false]);
  link.join(client);
  expect(link.counters.resumed).toBe(1);
});

test("a server that acknowledges no setup is tried without", () => {
  const { link, client } = stage();
  link.registry.answers.set("ServerCheckRequest", [success("ServerCheckResponse", { connectionId: "c" })]);
  link.join(client);
  link.advance(200);
  expect(link.counters.resumed).toBe(1);
});

test("a server that does not answer is left after the time that clients give it", () => {
  const { link, client } = stage();
  link.registry.silentOn.add("ServerCheckRequest");
  link.join(client);
  link.advance(2_900);
  expect(client.session.wantsServer).toBe(false);
  link.advance(200);
  expect(client.session.wantsServer).toBe(true);
});

test("a client whose token has run out makes its own connection anew: servers that deny it are not tried for long", () => {
  const { link, client } = stage();
  for (let turn = 0; turn < 2; turn++) {
    expect(client.session.isOver).toBe(false);
    link.registry.answers.set("InstanceRequest", [failure(403, "token expired!")]);
    link.join(client);
  }
  expect([client.session.isOver, link.counters.abandoned]).toEqual([true, 1]);
});

test("a client with a new token is tried again", () => {
  const { link, client } = stage();
  for (const token of ["t1", "t2"]) {
    client.request("ServiceQueryRequest", { serviceName: "orders" }, { accessToken: token });
    link.registry.answers.set("InstanceRequest", [failure(403, "token expired!")]);
    link.join(client);
  }
  expect(client.session.isOver).toBe(false);
  link.join(client);
  expect(link.counters.resumed).toBe(1);
});
