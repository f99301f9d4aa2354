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
    // One proxy goes and comes back, as in a rolling restart; then the way out and in again.
    facade.setContext(contextOf(proxies.slice(1)));
    await sleep(1_000);
    facade.setContext(contextOf(proxies));
    await sleep(500);
    expect(carried()).toBeGreaterThan(before);
    const stats = await loop.stop();
    expect(stats.errors).toEqual([]);
    expect(stats.calls).toBeGreaterThan(100);
    expect(Object.keys(stats.counts)).toEqual([`whoAmI@${providerLine}`]);
  });
});
