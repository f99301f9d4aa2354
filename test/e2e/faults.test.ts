import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Consumer, type LoopSummary, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, type Peer, sleep, stopAll } from "../support/process.ts";
import { type Relay, startRelay } from "../support/relay.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";
import { openZnodes } from "../support/znodes.ts";

// What networks and dying hosts do. The consumer has Dubbo's default of two retries, as most applications do.
const service = { group: "g", version: "1.0.0" };
const providersPath = "/dubbo/com.acme.OrderService/providers";

beforeAll(() => requireNamespace());

afterAll(async () => {
  await stopAll();
});

function keysOf(summary: LoopSummary): string[] {
  return Object.keys(summary.counts).sort();
}

/** Connections that the proxies have taken from callers so far. */
async function acceptedConnections({ trestle }: Mesh): Promise<number> {
  const { body } = await trestle.get("/metrics");
  return Number(/^trestle_proxy_downstream_connections_total (\d+)$/m.exec(body)?.[1]);
}

describe("between the proxy and a provider", () => {
  let mesh: Mesh;
  let relay: Relay;
  let consumer: Consumer;
  let relayed: Peer;
  let direct: Peer;

  beforeAll(async () => {
    mesh = await startMesh();
    relay = await startRelay(hosts.relay, 20880, hosts.provider1, 20880);
    [relayed, direct] = await Promise.all([
      startProvider("2.7", { ...service, registry: mesh.inside, host: hosts.provider1, label: "relayed" }, hosts.relay),
      startProvider("2.6", { ...service, registry: mesh.inside, host: hosts.provider2, label: "direct" }),
    ]);
    consumer = await startConsumer("2.7", { ...service, registry: mesh.inside, retries: 2, timeout: 3_000 });
    await eventually("both providers are called", async () => {
      const labels = new Set(
        await Promise.all([1, 2, 3, 4].map(async () => ((await consumer.call("whoAmI")) as { label: string }).label)),
      );
      return labels.size === 2;
    });
  });

  afterAll(async () => {
    await Promise.all([consumer.stop(), relayed.stop(), direct.stop()]);
    await relay.stop();
    await mesh.trestle.stop();
    await mesh.zookeeper.stop();
  });

  const faults: readonly { readonly name: string; readonly act: (relay: Relay) => void }[] = [
    { name: "a reset in mid-call", act: (one) => one.reset() },
    { name: "a close in mid-call", act: (one) => one.cut() },
    { name: "a reset in the middle of an answer", act: (one) => one.resetAfter(777) },
  ];

  test.each(faults)(
    "$name is retried by the consumer over the same connection, and the provider is used again",
    async ({ act }) => {
      const connectionsBefore = await acceptedConnections(mesh);
      expect(connectionsBefore).toBeGreaterThan(0);
      const loop = await consumer.loop({ methods: "sleep,getOrder", threads: 8, delay: 2 });
      for (let i = 0; i < 3; i++) {
        await sleep(500);
        act(relay);
      }
      await sleep(1_000);
      await loop.stats(true);
      await eventually("the relayed provider is called again", async () =>
        keysOf(await loop.stats()).includes("getOrder@relayed"),
      );
      const summary = await loop.stop();
      expect(summary.errors).toEqual([]);
      // A caller whose connection had been closed would have come back by a new one.
      expect(await acceptedConnections(mesh)).toBe(connectionsBefore);
    },
  );

  test("a provider that refuses connections is passed over while another lives", async () => {
    const loop = await consumer.loop({ methods: "getOrder", threads: 4, delay: 5 });
    await relay.close();
    await sleep(1_500);
    const without = await loop.stats(true);
    expect(without.errors).toEqual([]);
    await sleep(1_000);
    expect(keysOf(await loop.stats(true))).toEqual(["getOrder@direct"]);
    await relay.open();
    await eventually(
      "the provider is called again",
      async () => keysOf(await loop.stats()).includes("getOrder@relayed"),
      20_000,
    );
    expect((await loop.stop()).errors).toEqual([]);
  });

  test("a slow provider does not slow the calls of the other", async () => {
    relay.delay(700);
    onTestFinished(() => relay.heal());
    const loop = await consumer.loop({ methods: "getOrder", threads: 20, delay: 0 });
    await sleep(3_000);
    const summary = await loop.stop();
    expect(summary.errors).toEqual([]);
    expect(summary.slowest["getOrder@relayed"]).toBeGreaterThan(1_000);
    expect(summary.slowest["getOrder@direct"]).toBeLessThan(1_000);
  });

  test("a call that a provider never answers ends at the caller's own time-out, and the next ones go on", async () => {
    relay.blackHole();
    onTestFinished(() => relay.heal());
    // Of so many threads one gets to the provider that lives, whatever is drawn.
    const loop = await consumer.loop({ methods: "getOrder", threads: 16, delay: 5 });
    await sleep(4_000);
    const during = await loop.stats(true);
    expect(during.counts["getOrder@direct"]).toBeGreaterThan(0);
    expect(during.errors).toEqual([]);
    relay.heal();
    await eventually(
      "the provider is called again",
      async () => keysOf(await loop.stats()).includes("getOrder@relayed"),
      20_000,
    );
    expect((await loop.stop()).errors).toEqual([]);
  });
});

describe("between Trestle and the registry", () => {
  let mesh: Mesh;
  let relay: Relay;
  let trestle: Trestle;

  beforeAll(async () => {
    // The mesh's own Trestle stays idle on another address; the one under test sees the registry through the relay.
    mesh = await startMesh({ host: hosts.provider3 });
    relay = await startRelay(hosts.relay, 2181, hosts.registry, 2181);
    trestle = await startTrestle({ registry: `zookeeper://${hosts.relay}:2181` });
  });

  afterAll(async () => {
    await trestle.stop();
    await relay.stop();
    await mesh.trestle.stop();
    await mesh.zookeeper.stop();
  });

  test("a black-holed registry costs no call, and what changed meanwhile is followed after it", async () => {
    const first = await startProvider("2.7", {
      ...service,
      registry: mesh.outside,
      host: hosts.provider1,
      label: "first",
    });
    onTestFinished(async () => void (await first.stop()));
    const consumer = await startConsumer("2.7", { ...service, registry: trestle.registry });
    onTestFinished(() => consumer.stop());
    const loop = await consumer.loop({ methods: "getOrder", threads: 2, delay: 5 });
    await sleep(1_000);
    relay.blackHole();
    const second = await startProvider("2.6", {
      ...service,
      registry: mesh.outside,
      host: hosts.provider2,
      label: "second",
    });
    onTestFinished(async () => void (await second.stop()));
    await sleep(12_000);
    const away = await loop.stats(true);
    expect(away.errors).toEqual([]);
    relay.heal();
    await eventually(
      "the provider that came meanwhile is called",
      async () => keysOf(await loop.stats()).includes("getOrder@second"),
      20_000,
    );
    expect((await loop.stop()).errors).toEqual([]);
  });

  test("nodes that are no provider URLs are passed by with a finding", async () => {
    const real = await openZnodes(mesh.outside);
    onTestFinished(() => real.close());
    const first = await startProvider("2.7", {
      ...service,
      registry: mesh.outside,
      host: hosts.provider1,
      label: "first",
    });
    onTestFinished(async () => void (await first.stop()));
    const consumer = await startConsumer("3.3", { ...service, registry: trestle.registry });
    onTestFinished(() => consumer.stop());
    expect(await consumer.call("whoAmI")).toMatchObject({ label: "first" });
    const names = ["garbage", "dubbo%3A%2F%2F", "dubbo%3A%2F%2Fhost%3A99999%2Fx", "http%3A%2F%2F%5B%3A%3A", "%E0%A4%A"];
    for (const name of [...names, "a".repeat(5_000)]) await real.make(`${providersPath}/${name}`);
    await eventually("findings that name the nodes", async () => {
      const { body } = await trestle.get("/api/v1/findings");
      return body.includes("garbage") && body.includes("99999");
    });
    expect(await consumer.call("whoAmI")).toMatchObject({ label: "first" });
    // New providers are still seen beside the garbage.
    const second = await startProvider("2.6", {
      ...service,
      registry: mesh.outside,
      host: hosts.provider2,
      label: "second",
    });
    onTestFinished(async () => void (await second.stop()));
    await eventually("calls at the provider that came after", async () => {
      const { label } = (await consumer.call("whoAmI")) as { label: string };
      return label === "second";
    });
  });
});
