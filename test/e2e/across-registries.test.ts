import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Eureka, startEureka } from "../support/eureka.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, type Peer, sleep, stopAll } from "../support/process.ts";
import { type SpringCloud, springClients, startSpringCloud } from "../support/spring-cloud.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";
import { openZnodes } from "../support/znodes.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";

// Two ZooKeepers and a Eureka server behind one Trestle; who calls is registered in another one than whom it calls.
const facade = `zookeeper://${hosts.trestle}:2181`;
const service = { group: "g", version: "1.0.0" };
const directory = "/dubbo/com.acme.OrderService/providers";

/** Where the callers are. */
let here: ZooKeeper;
/** Where the callees are; nobody goes there through Trestle. */
let there: ZooKeeper;
let eureka: Eureka;
let trestle: Trestle;

beforeAll(async () => {
  requireNamespace();
  [here, there, eureka] = await Promise.all([
    startZooKeeper(hosts.registry),
    startZooKeeper(hosts.registry, 2182),
    startEureka(),
  ]);
  const others = [there.address, `eureka://${eureka.host}:${eureka.port}`];
  const facades = [`eureka://${hosts.trestle}:8761`];
  trestle = await startTrestle({
    registry: here.address,
    facade,
    extra: [...others.flatMap((one) => ["--registry", one]), ...facades.flatMap((one) => ["--facade", one])],
  });
}, 120_000);

afterAll(async () => {
  await trestle?.stop();
  await stopAll();
});

async function shown(address: string): Promise<readonly string[]> {
  const znodes = await openZnodes(address);
  try {
    return (await znodes.children(directory)).map((name) => decodeURIComponent(name));
  } finally {
    znodes.close();
  }
}

describe("a Dubbo 2.7 consumer on one ZooKeeper", () => {
  let far: Peer;
  let consumer: Consumer;

  beforeAll(async () => {
    far = await startProvider("2.7", { ...service, registry: there.address, host: hosts.provider1, label: "far" });
    await eventually("shown", async () => (await shown(facade)).length > 0);
    consumer = await startConsumer("2.7", { ...service, registry: facade });
  }, 60_000);

  test("calls a provider that only the other one has; its own has nothing of it", async () => {
    expect(await consumer.call("whoAmI")).toMatchObject({ label: "far" });
    const urls = await shown(facade);
    expect(urls.every((url) => url.startsWith(`dubbo://${hosts.trestle}:`))).toBe(true);
    expect(urls[0]).toContain("group=g");
    expect(urls[0]).toContain("trestle.from=");
    expect(await shown(here.address)).toEqual([]);
    // Who calls what, as the consumer's own registry has it.
    const known = await eventually("its consumer is known", async () => {
      const { consumers } = (await trestle.json("/api/v1/consumers?service=com.acme.OrderService")) as {
        consumers: readonly unknown[];
      };
      return consumers.length > 0 && consumers;
    });
    expect(known).toEqual([
      {
        service: "g/com.acme.OrderService:1.0.0",
        application: "order-consumer",
        address: expect.stringMatching(/^10\.77\.0\.\d+$/),
      },
    ]);
  });

  test("loses no call while its own registry gets such a provider and the other one loses it", async () => {
    const before = await shown(facade);
    const loop = await consumer.loop({ methods: "whoAmI", delay: 5, threads: 2 });
    const near = await startProvider("2.7", { ...service, registry: facade, host: hosts.provider2, label: "near" });
    const labels = async () => Object.keys((await loop.stats(true)).counts).sort();
    await eventually("both", async () => (await labels()).length === 2, 20_000);
    expect(await shown(facade)).toEqual(before);
    await far.stop();
    await eventually("near alone", async () => String(await labels()) === "whoAmI@near", 20_000);
    await sleep(500);
    const { failed, errors } = await loop.stop();
    expect([failed, errors]).toEqual([0, []]);
    expect((await shown(facade)).some((url) => url.includes("trestle.from"))).toBe(false);
    await near.stop();
    await consumer.stop();
  });
});

describe("Spring Cloud applications, one on ZooKeeper and one on Eureka", () => {
  let caller: SpringCloud;
  let callee: SpringCloud;

  beforeAll(async () => {
    const common = { host: hosts.provider1 } as const;
    const registry = `http://${hosts.trestle}:8761/eureka/`;
    [callee, caller] = await Promise.all([
      startSpringCloud({ ...common, stack: "eureka-2025", role: "callee", port: 9001, registry }),
      startSpringCloud({ ...common, stack: "zk-2025", role: "caller", port: 9100, registry: facade }),
    ]);
  }, 90_000);

  test("the one on ZooKeeper calls the one on Eureka, by each of its clients", async () => {
    await eventually("listed", async () => (await caller.instances("svc-b")).length === 1, 20_000);
    const [one] = await caller.instances("svc-b");
    expect(one?.host).toBe(hosts.trestle);
    expect(one?.port).toBeGreaterThanOrEqual(31_000);
    for (const client of springClients) expect((await caller.echo({ client })).id, client).toBe(callee.id);
  });

  test("the one on Eureka calls the one on ZooKeeper, by each of its clients", async () => {
    await eventually("listed", async () => (await callee.instances("svc-a")).length === 1, 20_000);
    const [one] = await callee.instances("svc-a");
    expect([one?.host, (await eureka.instances("svc-a")).length]).toEqual([hosts.trestle, 0]);
    for (const client of springClients) {
      expect((await callee.echo({ client, service: "svc-a" })).id, client).toBe(caller.id);
    }
  });
});
