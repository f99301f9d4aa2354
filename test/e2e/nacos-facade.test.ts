import { NacosNamingClient } from "nacos";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createNacosFacade, type NacosFacade } from "../../src/registry-sync/facades/nacos.ts";
import { createPresentContext, type PresentContext } from "../../src/registry-sync/present/context.ts";
import { startConsumer, startProvider } from "../support/dubbo.ts";
import { type Nacos, startNacos } from "../support/nacos.ts";
import { type NacosClient, type SeenInstance, startNacosClient } from "../support/nacos-client.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { stopAll } from "../support/process.ts";
import { startRelay } from "../support/relay.ts";

/** Nacos takes 8848 and 9848 of all addresses, so the facade has other ports. */
const PORT = 18_848;
const PROXY = `${hosts.trestle}:31000`;

let nacos: Nacos;
let facade: NacosFacade;
let provider: NacosClient;
let consumer: NacosClient;

beforeAll(async () => {
  requireNamespace();
  nacos = await startNacos(hosts.registry);
  facade = await createNacosFacade({
    listen: { host: hosts.trestle, port: PORT },
    upstream: [{ host: hosts.registry, port: 8_848 }],
    context: leading(["orders"]),
  });
  [provider, consumer] = await Promise.all([
    startNacosClient("2.4", `${hosts.trestle}:${PORT}`),
    startNacosClient("2.4", `${hosts.trestle}:${PORT}`),
  ]);
});

afterAll(async () => {
  await Promise.all([provider?.peer.kill(), consumer?.peer.kill()]);
  await facade?.close();
  await stopAll();
  await nacos?.stop();
});

/** Leads these services of Spring Cloud through the proxy. */
function leading(services: readonly string[], address = PROXY): PresentContext {
  return createPresentContext({
    addresses: [`${hosts.trestle}:20880`],
    httpAddresses: new Map(services.map((name) => [name, address])),
  });
}

function addresses(instances: readonly SeenInstance[] | undefined): readonly string[] | undefined {
  return instances?.map(({ ip, port }) => `${ip}:${port}`).sort();
}

async function until(what: () => unknown | Promise<unknown>, timeoutMs = 10_000): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  while (!(await what())) {
    if (Date.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("a service that is led is shown at the proxy, others as they are; the server has the real ones", async () => {
  await provider.register("orders", { ip: hosts.provider1, port: 9001, metadata: { version: "v1", zone: "a" } });
  await provider.register("plain", { ip: hosts.provider1, port: 9002 });
  await consumer.subscribe("orders");
  await consumer.subscribe("plain");
  await until(() => consumer.pushed("orders")?.length === 1 && consumer.pushed("plain")?.length === 1);
  expect(addresses(consumer.pushed("orders"))).toEqual([PROXY]);
  expect(consumer.pushed("orders")?.[0]?.metadata).toEqual({ version: "v1", zone: "a" });
  expect(addresses(consumer.pushed("plain"))).toEqual([`${hosts.provider1}:9002`]);
  expect((await nacos.instances("orders")).map(({ ip }) => ip)).toEqual([hosts.provider1]);
  expect(addresses(await consumer.query("orders", { subscribe: true }))).toEqual([PROXY]);
});

test("clients are told when a service is led no more, and when it is again, at another address", async () => {
  facade.setContext(leading([]));
  await until(() => addresses(consumer.pushed("orders"))?.[0] === `${hosts.provider1}:9001`);
  facade.setContext(leading(["orders", "plain"], `${hosts.trestle}:31005`));
  await until(() => addresses(consumer.pushed("orders"))?.[0] === `${hosts.trestle}:31005`);
  await until(() => addresses(consumer.pushed("plain"))?.[0] === `${hosts.trestle}:31005`);
  facade.setContext(leading(["orders"]));
  await until(() => addresses(consumer.pushed("plain"))?.[0] === `${hosts.provider1}:9002`);
});

test("configurations are published, read and listened to", async () => {
  await consumer.listen("settings", "DEFAULT_GROUP");
  expect(await provider.publish("settings", "DEFAULT_GROUP", "a=1")).toBe(true);
  await until(() => consumer.events().some(({ event, content }) => event === "config" && content === "a=1"));
  expect(await consumer.config("settings", "DEFAULT_GROUP")).toBe("a=1");
  expect(await consumer.config("absent", "DEFAULT_GROUP")).toBe(null);
});

test("a 1.4 client, over HTTP: lists are changed, pushes over UDP come from the facade, and it registers", async () => {
  const old = await startNacosClient("1.4", `${hosts.trestle}:${PORT}`);
  await old.register("legacy", { ip: hosts.provider2, port: 9010 });
  await old.subscribe("orders");
  await until(() => addresses(old.pushed("orders"))?.join() === PROXY);
  expect((await nacos.instances("legacy")).map(({ ip }) => ip)).toEqual([hosts.provider2]);
  const before = facade.counters.udpPushes;
  facade.setContext(leading(["orders"], `${hosts.trestle}:31009`));
  // It asks every 10 s; a push is there at once.
  await until(() => addresses(old.pushed("orders"))?.join() === `${hosts.trestle}:31009`, 5_000);
  expect(facade.counters.udpPushes).toBeGreaterThan(before);
  facade.setContext(leading(["orders"]));
  expect(await old.config("settings", "DEFAULT_GROUP")).toBe("a=1");
  await old.deregister("legacy", { ip: hosts.provider2, port: 9010 });
  await old.peer.kill();
});

test("npm's client, over HTTP, subscribes and registers", async () => {
  const logger = Object.assign(Object.create(console) as Console, { info: () => {}, warn: () => {}, debug: () => {} });
  const npm = new NacosNamingClient({ logger, serverList: `${hosts.trestle}:${PORT}`, namespace: "public" });
  await npm.ready();
  let seen: readonly { readonly ip: string; readonly port: number }[] = [];
  npm.subscribe("orders", (list: typeof seen) => {
    seen = list;
  });
  await until(() => seen.map(({ ip, port }) => `${ip}:${port}`).join() === PROXY);
  const own = { instanceId: "", ip: hosts.provider3, port: 9020, healthy: true, enabled: true };
  await npm.registerInstance("from-npm", own);
  await until(async () => (await nacos.instances("from-npm")).length === 1);
  await npm.deregisterInstance("from-npm", own);
  await (npm as unknown as { close(): Promise<void> }).close();
});

test("what is an operator's is refused over HTTP, and answers of lists are whole", async () => {
  const base = `http://${hosts.trestle}:${PORT}/nacos`;
  const status = async (path: string, init?: RequestInit) => (await fetch(base + path, init)).status;
  expect(await status("/v1/console/namespaces")).toBe(403);
  expect(await status("/v1/ns/operator/switches?entry=x", { method: "PUT" })).toBe(403);
  expect(await status("/v1/ns/operator/metrics")).toBe(200);
  const list = await fetch(`${base}/v2/ns/instance/list?serviceName=orders`, {
    headers: { "accept-encoding": "gzip" },
  });
  const { data } = (await list.json()) as { data: { hosts: { ip: string; port: number }[] } };
  expect(data.hosts.map(({ ip, port }) => `${ip}:${port}`)).toEqual([PROXY]);
  const names = await fetch(`${base}/v1/ns/service/list?pageNo=1&pageSize=10`);
  expect((await names.json()) as unknown).toMatchObject({ doms: expect.arrayContaining(["orders", "plain"]) });
});

test("a Dubbo consumer on Nacos calls its provider through the proxy, from its first call on", async () => {
  const relay = await startRelay(hosts.trestle, 20_880, hosts.provider1, 20_880);
  const place = { registry: `nacos://${hosts.trestle}:${PORT}`, group: "g", version: "1.0.0" };
  await startProvider("3.3", { ...place, host: hosts.provider1, mode: "interface" });
  const caller = await startConsumer("3.3", place);
  for (let i = 0; i < 20; i++) await caller.call("whoAmI");
  expect(relay.bytesFromCallers()).toBeGreaterThan(20 * 100);
  await caller.stop();
  await relay.stop();
});

test("a server that is killed and started again: consumers are never shown an empty list, and all is there again", async () => {
  const before = consumer.events().length;
  await nacos.restart();
  await until(() => facade.counters.resumed >= 3, 20_000);
  // Nacos answers a question from what it worked out before, for some hundred ms after a registration.
  const registered = async () => (await nacos.instances("orders")).map(({ ip }) => ip);
  await expect.poll(registered, { timeout: 5_000 }).toEqual([hosts.provider1]);
  await provider.register("plain", { ip: hosts.provider1, port: 9003 });
  await until(() => addresses(consumer.pushed("plain"))?.includes(`${hosts.provider1}:9003`));
  const since = consumer.events().slice(before);
  expect(since.filter(({ event, instances }) => event === "service" && instances?.length === 0)).toEqual([]);
  expect(facade.counters.abandoned).toBe(0);
});
