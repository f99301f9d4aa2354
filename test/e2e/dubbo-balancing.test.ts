import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createZooKeeperClient, type ZooKeeperClient } from "../../src/registry-sync/sources/zookeeper/client.ts";
import { type Consumer, type DubboLine, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, type Peer, stopAll } from "../support/process.ts";

// Behind the proxy's addresses Trestle balances as the consumers did themselves: weight, token, tags.
let mesh: Mesh;
const service = { group: "g", version: "1.0.0" };

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh();
});

afterAll(async () => {
  await stopAll();
});

async function labels(
  consumer: Consumer,
  calls: number,
  attach: Record<string, string> = {},
): Promise<Record<string, number>> {
  const loop = await consumer.loop({ methods: "whoAmI", calls, threads: 4, delay: 0, attach });
  await eventually(`${calls} calls`, async () => (await loop.stats()).calls === calls, 30_000);
  const summary = await loop.stop();
  expect(summary.errors).toEqual([]);
  return Object.fromEntries(Object.entries(summary.counts).map(([key, count]) => [key.split("@")[1], count]));
}

async function meets(consumer: Consumer, ...expected: string[]): Promise<void> {
  await eventually(`calls at ${expected.join(", ")}`, async () => {
    const seen = await labels(consumer, 20);
    return expected.every((label) => seen[label] > 0);
  });
}

describe("two providers with weights 300 and 100 and each its own token", () => {
  let providers: Peer[];

  beforeAll(async () => {
    const registry = mesh.inside;
    providers = await Promise.all([
      startProvider("2.7", {
        ...service,
        registry,
        host: hosts.provider1,
        label: "heavy",
        weight: 300,
        warmup: 1,
        token: "alpha",
      }),
      startProvider("3.3", {
        ...service,
        registry,
        host: hosts.provider2,
        label: "light",
        weight: 100,
        warmup: 1,
        token: "beta",
      }),
    ]);
  });

  afterAll(async () => {
    await Promise.all(providers.map((one) => one.stop()));
  });

  test("share the calls of a 2.6 and of a 3.3 consumer 3 to 1 and are each given their token", async () => {
    const share = async (line: DubboLine) => {
      const consumer = await startConsumer(line, { ...service, registry: mesh.inside });
      await meets(consumer, "heavy", "light");
      // A worker that is still connecting to one of them sends its calls to the other.
      await labels(consumer, 400);
      const seen = await labels(consumer, 4_000);
      await consumer.stop();
      expect(seen["heavy"] / seen["light"]).toBeGreaterThan(2.4);
      expect(seen["heavy"] / seen["light"]).toBeLessThan(3.8);
    };
    await Promise.all([share("2.6"), share("3.3")]);
  });
});

describe("a provider tagged gray beside one without a tag", () => {
  let providers: Peer[];
  // Calls from inside the namespace reach the proxy from the proxy's own address: consumers register that one.
  const fromProxy = [`-DDUBBO_IP_TO_REGISTRY=${hosts.trestle}`];
  const tagged: readonly DubboLine[] = ["2.7", "3.3"];

  beforeAll(async () => {
    const registry = mesh.inside;
    providers = await Promise.all([
      startProvider("2.7", { ...service, registry, host: hosts.provider1, label: "plain" }),
      startProvider("3.3", { ...service, registry, host: hosts.provider2, label: "gray", tag: "gray" }),
    ]);
  });

  afterAll(async () => {
    await Promise.all(providers.map((one) => one.stop()));
  });

  test("serves the calls of every line that ask for gray, and those of consumers that insist; the others go to the plain one", async () => {
    const isServed = async (line: DubboLine) => {
      const consumer = await startConsumer(line, { ...service, registry: mesh.inside });
      const forced = { "dubbo.tag": "gray", "dubbo.force.tag": "true" };
      await eventually("forced calls at gray", async () => (await labels(consumer, 10, forced))["gray"] === 10, 30_000);
      expect(await labels(consumer, 100, forced)).toEqual({ gray: 100 });
      expect(await labels(consumer, 100)).toEqual({ plain: 100 });
      await expect(consumer.call("whoAmI", undefined, { ...forced, "dubbo.tag": "nosuch" })).rejects.toThrow(
        /No provider available/,
      );
      if (tagged.includes(line)) {
        expect(await labels(consumer, 100, { "dubbo.tag": "gray" })).toEqual({ gray: 100 });
        expect(await labels(consumer, 100, { "dubbo.tag": "nosuch" })).toEqual({ plain: 100 });
      }
      await consumer.stop();
    };
    await Promise.all(["2.6" as const, ...tagged].map(isServed));
  });

  test.each(tagged)("serves the %s calls of a reference tagged gray, but for those that name a tag", async (line) => {
    const consumer = await startConsumer(line, { ...service, registry: mesh.inside, tag: "gray" }, fromProxy);
    await eventually("calls at gray", async () => (await labels(consumer, 10))["gray"] === 10, 30_000);
    expect(await labels(consumer, 100)).toEqual({ gray: 100 });
    expect(await labels(consumer, 100, { "dubbo.tag": "nosuch" })).toEqual({ plain: 100 });
    await consumer.stop();
    const other = await startConsumer(line, { ...service, registry: mesh.inside }, fromProxy);
    await eventually("calls at plain", async () => (await labels(other, 10))["plain"] === 10, 30_000);
    expect(await labels(other, 100)).toEqual({ plain: 100 });
    await other.stop();
  });
});

describe("two providers, one of which the config centre gives a tag and then takes out", () => {
  let providers: Peer[];
  let registry: ZooKeeperClient;
  const key = "/dubbo/config/dubbo/com.acme.OrderService:1.0.0:g.configurators";

  beforeAll(async () => {
    // 2.6 does not read the config centre itself: what changes here is Trestle's doing.
    const like = { ...service, registry: mesh.inside };
    providers = await Promise.all([
      startProvider("2.6", { ...like, host: hosts.provider1, label: "one", warmup: 1 }),
      startProvider("2.6", { ...like, host: hosts.provider2, label: "two", warmup: 1 }),
    ]);
    const { host, port } = mesh.zookeeper;
    registry = createZooKeeperClient({ servers: [{ host, port }], sessionTimeoutMs: 5_000 });
    await registry.connected(10_000);
    for (const path of ["/dubbo/config", "/dubbo/config/dubbo"]) await registry.create(path).catch(() => {});
  });

  afterAll(async () => {
    await registry.close();
    await Promise.all(providers.map((one) => one.stop()));
  });

  const configure = (parameters: string) =>
    Buffer.from(
      `configVersion: v2.7\nenabled: true\nconfigs:\n- {side: provider, addresses: ['${hosts.provider2}:20880'], parameters: {${parameters}}}`,
    );

  test("serve a 2.7 consumer's calls by it", async () => {
    const consumer = await startConsumer("2.7", { ...service, registry: mesh.inside });
    await meets(consumer, "one", "two");
    await registry.create(key, configure("dubbo.tag: gray"));
    const forced = { "dubbo.tag": "gray", "dubbo.force.tag": "true" };
    const forcedOnce = async () => (await consumer.ask({ op: "call", method: "whoAmI", attach: forced }))["error"];
    await eventually("gray is known", async () => (await forcedOnce()) === undefined, 20_000);
    // Consumers are told of the tag a moment before both workers are.
    await eventually("both workers know", async () => (await labels(consumer, 20, forced))["one"] === undefined);
    expect(await labels(consumer, 50, forced)).toEqual({ two: 50 });
    expect(await labels(consumer, 50)).toEqual({ one: 50 });
    await registry.delete(key);
    await meets(consumer, "one", "two");
    await registry.create(key, configure("disabled: true"));
    await eventually("two is taken out", async () => (await labels(consumer, 20))["two"] === undefined);
    expect(await labels(consumer, 100)).toEqual({ one: 100 });
    await registry.delete(key);
    await meets(consumer, "one", "two");
    await consumer.stop();
  });
});

test("promtool takes the metrics that these calls left", async () => {
  const { status, body } = await mesh.trestle.get("/metrics");
  expect(status).toBe(200);
  expect(body).toMatch(/istio_requests_total\{.*request_operation="whoAmI".*\} [1-9]/);
  const checked = spawnSync("promtool", ["check", "metrics"], { input: body, encoding: "utf8" });
  // 1 is text that Prometheus does not take, 3 advice: it would call Istio's well-known name otherwise.
  expect([0, 3]).toContain(checked.status);
  const advice = (checked.stdout + checked.stderr).split("\n").filter((line) => line !== "");
  expect(advice.filter((line) => !line.startsWith("istio_request_duration_milliseconds "))).toEqual([]);
});
