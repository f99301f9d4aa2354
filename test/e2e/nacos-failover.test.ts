import { afterAll, beforeAll, expect, test } from "vitest";
import type { World } from "../../src/model/entry.ts";
import { createNacosFacade, type NacosFacade } from "../../src/registry-sync/facades/nacos.ts";
import { createPresentContext } from "../../src/registry-sync/present/context.ts";
import { createNacosSource } from "../../src/registry-sync/sources/nacos/source.ts";
import { type Nacos, startNacos } from "../support/nacos.ts";
import { type NacosClient, startNacosClient } from "../support/nacos-client.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";

// Two Nacos 2.3.2, behind the facade and a source that are told of both. They are no cluster, so that what the second one has came from
// the facade.
const PORTS = [8_848, 8_868] as const;
const FACADE_PORT = 18_848;

let first: Nacos;
let second: Nacos;
let facade: NacosFacade;
let provider: NacosClient;
let consumer: NacosClient;
const worlds: World[] = [];
const ending = new AbortController();
let mirroring: Promise<void>;

beforeAll(async () => {
  requireNamespace();
  // One after the other: their databases give up where two of them start on a busy machine.
  first = await startNacos(hosts.registry, { port: PORTS[0] });
  second = await startNacos(hosts.relay, { port: PORTS[1] });
  facade = await createNacosFacade({
    listen: { host: hosts.trestle, port: FACADE_PORT },
    upstream: [first, second].map(({ host, port }) => ({ host, port })),
    // The order of the servers is shuffled; like this it stays.
    random: () => 0.99,
    context: createPresentContext({ addresses: [`${hosts.trestle}:20880`] }),
  });
  const source = createNacosSource({ name: "n", hosts: [first, second].map(({ host, port }) => `${host}:${port}`) });
  mirroring = (async () => {
    for await (const next of source.watch(ending.signal)) worlds.push(next);
  })();
  [provider, consumer] = await Promise.all([
    startNacosClient("2.4", `${hosts.trestle}:${FACADE_PORT}`),
    startNacosClient("3.0", `${hosts.trestle}:${FACADE_PORT}`),
  ]);
}, 300_000);

afterAll(async () => {
  ending.abort();
  await mirroring;
  await facade?.close();
  await stopAll();
  await Promise.all([first?.stop(), second?.stop()]);
});

const at = async (server: Nacos) => (await server.instances("order")).map(({ port }) => port).sort();
const mirrored = (world: World | undefined) =>
  (world?.entries.find(({ service }) => service.interface === "order")?.endpoints ?? []).map(({ port }) => port).sort();

test("the server that has all connections is killed: the other one gets them with all that is theirs, and no list is empty meanwhile", async () => {
  await provider.register("order", { ip: hosts.provider1, port: 9001 });
  await consumer.subscribe("order");
  await eventually("told", () => consumer.pushed("order")?.length === 1, 30_000);
  await eventually("mirrored", () => mirrored(worlds.at(-1)).join() === "9001", 30_000);
  expect([await at(first), await at(second)]).toEqual([[9001], []]);
  const before = { events: consumer.events().length, worlds: worlds.length };
  await first.kill();
  await eventually("at the other", async () => (await at(second)).join() === "9001", 30_000);
  await provider.register("order", { ip: hosts.provider1, port: 9002 });
  const isNew = (ports: readonly number[] | undefined) => ports?.includes(9002) === true;
  await eventually("told", () => isNew(consumer.pushed("order")?.map(({ port }) => port)), 30_000);
  await eventually("mirrored", () => isNew(mirrored(worlds.at(-1))), 30_000);
  const told = consumer.events().slice(before.events);
  expect(told.filter(({ instances }) => instances?.length === 0)).toEqual([]);
  expect(worlds.slice(before.worlds).filter((world) => mirrored(world).length === 0)).toEqual([]);
  expect(facade.counters.abandoned).toBe(0);
}, 150_000);
