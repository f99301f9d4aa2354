import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { createNacosCounters } from "../../../../../src/registry-sync/facades/nacos/counters.ts";
import { HttpLists } from "../../../../../src/registry-sync/facades/nacos/http-lists.ts";
import { SharedServices } from "../../../../../src/registry-sync/facades/nacos/services.ts";
import type { UdpSubscriber } from "../../../../../src/registry-sync/facades/nacos/udp.ts";
import { Patience } from "../../../../../src/registry-sync/facades/patience.ts";
import { readServiceQuery } from "../../../../../src/registry-sync/present/nacos-http.ts";
import { addressesIn, hostOf, leading, PROXY } from "../../../../support/nacos-link.ts";
import { turn } from "../../../../support/recording-logger.ts";

const ask = (query: string) => readServiceQuery(new URLSearchParams(query));
const info = (...addresses: string[]) => ({
  hosts: addresses.map((address) => hostOf(address)),
  lastRefTime: 100,
  extra: 1,
});

function stage(services: readonly string[] = ["orders"]) {
  const clock = new ManualClock();
  const counters = createNacosCounters();
  const given = { context: leading(services), isSoon: false };
  const patience = new Patience(clock);
  patience.waitsFor = () => given.isSoon;
  const subscribed: (UdpSubscriber & { readonly text: string })[] = [];
  const lists = new HttpLists({
    clock,
    shared: {
      ...{ counters, patience, context: () => given.context, onPassed: () => {} },
      services: new SharedServices(() => 1_000),
    },
    udp: { subscribe: (one, text) => void subscribed.push({ ...one, text }) },
  });
  return { clock, counters, given, subscribed, lists };
}

test("a list is shown as the mesh has it, with what else the answer says; one that asks for no pushes gets none", async () => {
  const { counters, subscribed, lists } = stage();
  const { shown, subscribe } = await lists.show(ask("serviceName=orders"), "10.0.0.1", info("10.0.0.5:80"));
  expect(addressesIn(shown.info)).toEqual([PROXY]);
  expect(shown.info).toMatchObject({ extra: 1, lastRefTime: 100 });
  expect(counters.rewritten).toBe(1);
  subscribe();
  expect(subscribed).toEqual([]);
});

test("a list of which the proxies were not told is waited for", async () => {
  const { clock, given, lists } = stage();
  given.isSoon = true;
  let isShown = false;
  const shown = lists.show(ask("serviceName=orders"), "10.0.0.1", info("10.0.0.5:80")).then(() => (isShown = true));
  clock.advance(100);
  await turn();
  expect(isShown).toBe(false);
  given.isSoon = false;
  clock.advance(100);
  await shown;
  expect(isShown).toBe(true);
});

test("of a service that is not led those that are well are shown alone, where the client asks for them", async () => {
  const { lists } = stage();
  const hosts = [hostOf("10.0.0.5:80"), { ...hostOf("10.0.0.6:80"), healthy: false }];
  const of = async (query: string) =>
    addressesIn((await lists.show(ask(query), "10.0.0.1", { hosts })).shown.info).length;
  expect([await of("serviceName=plain"), await of("serviceName=plain&healthyOnly=true")]).toEqual([2, 1]);
});

test("a client that takes pushes is shown what the registry says later, once the proxies were told of it", async () => {
  const { given, subscribed, lists } = stage();
  const { subscribe, shown } = await lists.show(ask("serviceName=plain&udpPort=9000"), "10.0.0.1", info("10.0.0.5:80"));
  subscribe();
  expect(subscribed).toMatchObject([{ address: "10.0.0.1", port: 9_000, serviceName: "plain", text: shown.text }]);
  const { show } = subscribed[0]!;
  expect(addressesIn(JSON.parse(show(undefined)?.json ?? ""))).toEqual(["10.0.0.5:80"]);
  expect(addressesIn(JSON.parse(show(info("10.0.0.6:80"))?.json ?? ""))).toEqual(["10.0.0.6:80"]);
  given.isSoon = true;
  expect(show(undefined)).toBeUndefined();
});

test("a client's own cluster is that of the instance that was registered last from its address", async () => {
  const { lists } = stage();
  const hosts = [hostOf("10.0.0.5:80"), hostOf("10.0.0.6:80")];
  const text = async (address: string) => (await lists.show(ask("serviceName=orders"), address, { hosts })).shown.text;
  lists.registered("10.0.0.1", "HZ");
  lists.registered("10.0.0.2", "x".repeat(200));
  const [own, none] = [await text("10.0.0.1"), await text("10.0.0.2")];
  expect(own).toContain('"HZ"');
  expect(none).not.toContain('"HZ"');
  lists.registered("10.0.0.1", "");
  expect(await text("10.0.0.1")).toBe(none);
});
