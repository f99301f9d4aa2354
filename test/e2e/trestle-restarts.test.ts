import { createRequire } from "node:module";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startProvider } from "../support/dubbo.ts";
import { type Eureka, startEureka } from "../support/eureka.ts";
import { type Nacos, startNacos } from "../support/nacos.ts";
import { type NacosClient, startNacosClient } from "../support/nacos-client.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, sleep, stopAll } from "../support/process.ts";
import { type Relay, startRelay } from "../support/relay.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";
import { openZnodes, type Znodes } from "../support/znodes.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";

// Two Trestles before one ZooKeeper, one Nacos and one Eureka. Applications know both and are registered in all three; somebody who
// asks the real registries counts when one of them is missing there.
const NACOS_PORT = 18_848;
const places = [hosts.trestle, hosts.relay] as const;
/** Services of the client of Nacos: it registers and follows all of them again where its connection moves. */
const orders = Array.from({ length: 100 }, (_, i) => `orders-${i}`);

let zookeeper: ZooKeeper;
let nacos: Nacos;
let eureka: Eureka;
/** Between the Trestles and Nacos: its HTTP and its gRPC. */
let relays: Relay[];
let trestles: Trestle[];
let client: NacosClient;
let outside: Znodes;
let stopSpring: () => Promise<void>;

beforeAll(async () => {
  requireNamespace();
  nacos = await startNacos(hosts.registry);
  [zookeeper, eureka] = await Promise.all([startZooKeeper(hosts.registry), startEureka()]);
  relays = await Promise.all(
    [0, 1_000].map((more) => startRelay(hosts.provider3, NACOS_PORT + more, hosts.registry, 8_848 + more)),
  );
  trestles = await Promise.all(places.map(start));
  outside = await openZnodes(zookeeper.address);
  client = await startNacosClient("2.4", places.map((host) => `${host}:${NACOS_PORT}`).join());
  for (const service of orders) await client.register(service, { ip: hosts.provider1, port: 9_001 });
  for (const service of orders) await client.subscribe(service);
  await startProvider("3.3", {
    ...{ registry: `zookeeper://${hosts.trestle}:2181?backup=${hosts.relay}:2181`, host: hosts.provider2 },
    ...{ group: "g", version: "1.0.0", mode: "interface" },
  });
  stopSpring = await startSpring();
}, 180_000);

afterAll(async () => {
  await stopSpring?.();
  outside?.close();
  await Promise.all((trestles ?? []).map((one) => one.stop()));
  await Promise.all((relays ?? []).map((one) => one.stop()));
  await stopAll();
  await nacos?.stop();
});

function start(host: string): Promise<Trestle> {
  const registries = [`nacos://${hosts.provider3}:${NACOS_PORT}`, `eureka://${eureka.host}:${eureka.port}/eureka`];
  const facades = [`nacos://${host}:${NACOS_PORT}`, `eureka://${host}:8761`];
  return startTrestle({
    ...{ registry: zookeeper.address, facade: `zookeeper://${host}:2181`, host },
    extra: [...registries.flatMap((one) => ["--registry", one]), ...facades.flatMap((one) => ["--facade", one])],
  });
}

/** npm's Eureka client as an instance of svc-n, with both facades as its servers. */
async function startSpring(): Promise<() => Promise<void>> {
  type Done = (error?: Error) => void;
  const { Eureka: Client } = createRequire(import.meta.url)("eureka-js-client") as {
    Eureka: new (
      config: object,
    ) => { start(done: Done): void; stop(done: Done): void; logger: { level(level: number): void } };
  };
  const app = new Client({
    instance: {
      ...{ app: "svc-n", instanceId: "n1", hostName: hosts.provider1, ipAddr: hosts.provider1, vipAddress: "svc-n" },
      port: { $: 9_300, "@enabled": true },
      dataCenterInfo: { "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", name: "MyOwn" },
    },
    eureka: {
      serviceUrls: { default: places.map((host) => `http://${host}:8761/eureka/apps/`) },
      ...{ heartbeatInterval: 1_000, registryFetchInterval: 1_000, maxRetries: 3, requestRetryDelay: 100 },
    },
  });
  app.logger.level(100);
  await new Promise<void>((resolve, reject) => app.start((error) => (error ? reject(error) : resolve())));
  return () => new Promise((resolve) => app.stop(() => resolve()));
}

/** What each registry lacks of what the applications have registered, by its own answer. */
const lacks = {
  zookeeper: async () => 1 - (await outside.children("/dubbo/com.acme.OrderService/providers")).length,
  nacos: async () => {
    const counts = await Promise.all(orders.slice(0, 5).map(async (one) => (await nacos.instances(one)).length));
    return counts.filter((count) => count !== 1).length;
  },
  eureka: async () => 1 - (await eureka.instances("svc-n")).length,
} as const;
type Registry = keyof typeof lacks;
const registries = Object.keys(lacks) as Registry[];

/** Asks the registries over and over while `run` runs; gives how many of each one's answers lacked something, of how many. */
async function absences(
  run: () => Promise<void>,
): Promise<Record<Registry, { lacking: number; longestMs: number; asked: number }>> {
  const found = Object.fromEntries(registries.map((name) => [name, { lacking: 0, longestMs: 0, asked: 0 }]));
  let isOver = false;
  const asking = registries.map(async (name) => {
    const one = found[name]!;
    let sinceMs: number | undefined;
    while (!isOver) {
      one.asked++;
      if ((await lacks[name]()) > 0) {
        one.lacking++;
        sinceMs ??= performance.now();
        one.longestMs = Math.max(one.longestMs, performance.now() - sinceMs);
      } else sinceMs = undefined;
      await sleep(20);
    }
  });
  await run().finally(() => {
    isOver = true;
  });
  await Promise.all(asking);
  return found as never;
}

const nothingLacks = async () =>
  (await Promise.all(registries.map((name) => lacks[name]()))).every((count) => count === 0);

test("all is registered, through either", async () => {
  await eventually("registered", nothingLacks, 20_000);
});

test("one Trestle after the other is ended and started anew: nothing is ever missing in a registry", async () => {
  const seen = await absences(async () => {
    for (const [i, host] of places.entries()) {
      await trestles[i]!.stop();
      await sleep(500);
      trestles[i] = await start(host);
    }
    await sleep(3_000);
  });
  for (const name of registries) {
    expect(seen[name].asked, name).toBeGreaterThan(20);
    expect(seen[name].lacking, name).toBe(0);
  }
}, 90_000);

test("a Nacos that answers nothing for eleven seconds, with a client of a hundred services and others who ask: nothing is missing", async () => {
  const seen = await absences(async () => {
    let isOver = false;
    const asking = Array.from({ length: 40 }, async (_, i) => {
      const url = `http://${places[i % 2]}:${NACOS_PORT}/nacos/v1/ns/instance/list?serviceName=orders-${i}`;
      for (; !isOver; await sleep(50))
        await fetch(url, { signal: AbortSignal.timeout(3_000) }).then(
          (answer) => answer.text(),
          () => {},
        );
    });
    for (const relay of relays) relay.blackHole();
    // The client asks for a sign of life every five seconds; a server that owes it for five is given up.
    await sleep(11_000);
    for (const relay of relays) relay.heal();
    await sleep(4_000);
    isOver = true;
    await Promise.all(asking);
  });
  expect(seen.nacos.lacking).toBe(0);
  await client.register("after", { ip: hosts.provider1, port: 9_001 });
  expect(await nacos.instances("after")).toHaveLength(1);
}, 60_000);

test("a Trestle that is killed: ZooKeeper and Eureka miss nothing, Nacos gets all again through the other one", async () => {
  const seen = await absences(async () => {
    for (const [i, host] of places.entries()) {
      await trestles[i]!.peer.kill();
      await eventually("registered again", nothingLacks, 30_000);
      await sleep(1_000);
      trestles[i] = await start(host);
    }
  });
  for (const name of ["zookeeper", "eureka"] as const) expect(seen[name].lacking, name).toBe(0);
  await eventually("registered again", nothingLacks, 30_000);
}, 90_000);
