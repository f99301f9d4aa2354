import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createZookeeperFacade, type ZookeeperFacade } from "../../src/registry-sync/facades/zookeeper.ts";
import { createPresentContext, type PresentContext } from "../../src/registry-sync/present/context.ts";
import { type Consumer, type DubboLine, lines, startConsumer, startProvider } from "../support/dubbo.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, type Peer, sleep, stopAll } from "../support/process.ts";
import { type Relay, startRelay } from "../support/relay.ts";
import { openZnodes } from "../support/znodes.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";

// What unmodified Dubbo makes of the facade's answers. Two relays stand in for the proxies: bytes there are calls led through.
const service = { group: "g", version: "1.0.0" };
const proxies = [`${hosts.trestle}:20880`, `${hosts.trestle}:20881`];
/** Less than a request of any line has; heartbeats are far below it for each call. */
const REQUEST_BYTES = 100;
const providersPath = "/dubbo/com.acme.OrderService/providers";
let zookeeper: ZooKeeper;
let facade: ZookeeperFacade;
let relays: Relay[];

/** What the sync would say once it has seen the providers: every instance also stands at interface level. */
function contextOf(addresses: readonly string[], hides = true): PresentContext {
  return { ...createPresentContext({ addresses }), hidesInstance: () => hides && addresses.length > 0 };
}

const inside = `zookeeper://${hosts.trestle}:2181`;

beforeAll(async () => {
  requireNamespace();
  zookeeper = await startZooKeeper();
  facade = await createZookeeperFacade({
    listen: { host: hosts.trestle, port: 2181 },
    upstream: [{ host: hosts.registry, port: 2181 }],
    context: contextOf(proxies),
  });
  relays = await Promise.all([20_880, 20_881].map((port) => startRelay(hosts.trestle, port, hosts.provider1, 20_880)));
});

afterEach(() => {
  facade.setContext(contextOf(proxies));
});

afterAll(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
  await facade.close();
  await stopAll();
});

function carried(): number {
  return relays.reduce((sum, relay) => sum + relay.bytesFromCallers(), 0);
}

async function consumer(line: DubboLine): Promise<Consumer> {
  const started = await startConsumer(line, { ...service, registry: inside });
  onTestFinished(() => started.stop());
  return started;
}

describe.each(lines)("a %s provider and consumers of every line behind the facade", (providerLine) => {
  let provider: Peer;

  beforeAll(async () => {
    provider = await startProvider(providerLine, {
      ...service,
      registry: inside,
      host: hosts.provider1,
      label: providerLine,
    });
  });

  afterAll(async () => {
    await provider.stop();
    const real = await openZnodes(zookeeper.address);
    await eventually("no provider node", async () => (await real.children(providersPath)).length === 0, 12_000);
    real.close();
  });

  test.each(lines)("a %s consumer calls the proxies alone, from its first call on", async (line) => {
    const one = await consumer(line);
    const before = carried();
    const loop = await one.loop({ methods: "whoAmI", threads: 2, delay: 5 });
    await sleep(1_500);
    // One proxy goes and comes back, as in a rolling restart.
    facade.setContext(contextOf(proxies.slice(1)));
    await sleep(1_000);
    facade.setContext(contextOf(proxies));
    await sleep(500);
    const stats = await loop.stop();
    expect(stats.errors).toEqual([]);
    expect(stats.calls).toBeGreaterThan(100);
    expect(Object.keys(stats.counts)).toEqual([`whoAmI@${providerLine}`]);
    expect((carried() - before) / stats.calls).toBeGreaterThan(REQUEST_BYTES);
  });
});

describe.each(["2.7", "3.2", "3.3"] as const)("a running %s consumer", (line) => {
  test("goes to the proxies and back again without a lost call", async () => {
    facade.setContext(contextOf([]));
    const provider = await startProvider("3.3", { ...service, registry: inside, host: hosts.provider1, label: "one" });
    onTestFinished(async () => void (await provider.stop()));
    const one = await consumer(line);
    const loop = await one.loop({ methods: "whoAmI", threads: 2, delay: 5 });
    await sleep(1_000);
    const direct = carried();
    expect((await loop.stats(true)).errors).toEqual([]);
    expect(carried()).toBe(direct);
    facade.setContext(contextOf(proxies));
    // 3.x takes up changes of a list once in 5 s.
    await sleep(6_500);
    expect((await loop.stats(true)).errors).toEqual([]);
    const led = carried();
    await sleep(1_000);
    const counted = await loop.stats(true);
    expect(counted.errors).toEqual([]);
    expect((carried() - led) / counted.calls).toBeGreaterThan(REQUEST_BYTES);
    facade.setContext(contextOf([]));
    await sleep(6_500);
    const last = carried();
    await sleep(1_000);
    const stats = await loop.stop();
    expect(stats.errors).toEqual([]);
    // Heartbeats of a connection that is not used any more may still come.
    expect((carried() - last) / stats.calls).toBeLessThan(5);
  });

  test("that was there first calls a new provider through the proxies alone", async () => {
    const told = contextOf(proxies);
    facade.setContext({
      ...createPresentContext({ addresses: proxies, served: new Set() }),
      hidesInstance: told.hidesInstance,
    });
    const one = await startConsumer(line, { ...service, registry: inside, check: false });
    onTestFinished(() => one.stop());
    await one.call("whoAmI").catch(() => undefined);
    const provider = startProvider("3.3", { ...service, registry: inside, host: hosts.provider1, label: "one" });
    const real = await openZnodes(zookeeper.address);
    await eventually("a provider node", async () => (await real.children(providersPath)).length > 0, 30_000);
    real.close();
    // The sync and the workers have heard of it a moment later.
    await sleep(200);
    facade.setContext(told);
    const before = carried();
    const peer = await provider;
    onTestFinished(async () => void (await peer.stop()));
    await eventually("a call", () => one.call("whoAmI"), 15_000);
    const loop = await one.loop({ methods: "whoAmI", threads: 2, delay: 5 });
    await sleep(1_000);
    const stats = await loop.stop();
    expect(stats.errors).toEqual([]);
    expect((carried() - before) / stats.calls).toBeGreaterThan(REQUEST_BYTES);
  });
});
