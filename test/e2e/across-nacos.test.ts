import { afterAll, beforeAll, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Nacos, startNacos } from "../support/nacos.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";

// A ZooKeeper and a Nacos behind one Trestle; who calls is registered in the other one than whom it calls. Eureka: spring-facades.
const facades = {
  zookeeper: `zookeeper://${hosts.trestle}:2181`,
  // Nacos itself takes 8848 and 9848 of all addresses.
  nacos: `nacos://${hosts.trestle}:18848`,
} as const;

let zookeeper: ZooKeeper;
let nacos: Nacos;
let trestle: Trestle;

beforeAll(async () => {
  requireNamespace();
  [zookeeper, nacos] = await Promise.all([startZooKeeper(hosts.registry), startNacos(hosts.registry)]);
  trestle = await startTrestle({
    registry: zookeeper.address,
    facade: facades.zookeeper,
    extra: ["--registry", nacos.address, "--facade", facades.nacos],
  });
}, 120_000);

afterAll(async () => {
  await trestle?.stop();
  await stopAll();
});

/** Whether the proxies know a service of `group`. */
async function isKnown(group: string): Promise<boolean> {
  const { services } = (await trestle.json("/api/v1/services")) as {
    services: readonly { readonly service: string }[];
  };
  return services.some(({ service }) => service.startsWith(`${group}/com.acme.OrderService`));
}

async function labelSeenBy(consumer: Consumer): Promise<unknown> {
  return ((await consumer.call("whoAmI")) as Readonly<Record<string, unknown>>)["label"];
}

test("a 2.7 consumer on ZooKeeper calls a 2.7 provider that Nacos alone has", async () => {
  const service = { group: "n", version: "1.0.0" };
  const provider = await startProvider("2.7", {
    ...{ ...service, registry: nacos.address, host: hosts.provider1, label: "on nacos" },
  });
  await eventually("known", () => isKnown("n"));
  const consumer = await startConsumer("2.7", { ...service, registry: facades.zookeeper });
  expect(await labelSeenBy(consumer)).toBe("on nacos");
  await Promise.all([consumer.stop(), provider.stop()]);
}, 60_000);

test("a 2.7 consumer on Nacos calls a 3.3 provider that ZooKeeper alone has, at application level alone", async () => {
  const service = { group: "z", version: "1.0.0" };
  const provider = await startProvider("3.3", {
    ...{ ...service, registry: zookeeper.address, host: hosts.provider2, label: "on zookeeper", mode: "instance" },
  });
  await eventually("known", () => isKnown("z"));
  const registry = `${facades.nacos}?register-consumer-url=true`;
  const consumer = await startConsumer("2.7", { ...service, registry, check: false });
  expect(await eventually("called", () => labelSeenBy(consumer), 15_000)).toBe("on zookeeper");
  // Who calls what, as the consumer's own registry has it.
  const callers = async () => {
    const { consumers } = (await trestle.json("/api/v1/consumers?service=com.acme.OrderService")) as {
      consumers: readonly { readonly service: string }[];
    };
    return consumers.filter((one) => one.service.startsWith("z/"));
  };
  const known = await eventually(
    "its consumer is known",
    async () => (await callers()).length > 0 && callers(),
    15_000,
  );
  expect(known).toEqual([
    {
      service: "z/com.acme.OrderService:1.0.0",
      application: "order-consumer",
      address: expect.stringMatching(/^10\.77\.0\.\d+$/),
    },
  ]);
  await Promise.all([consumer.stop(), provider.stop()]);
}, 60_000);
