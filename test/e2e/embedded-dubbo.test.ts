import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { lines, startConsumer, startProvider } from "../support/dubbo.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";

// Curator 2, 4 and 5 of Dubbo's own lines, with nothing but the embedded registry behind the facade.
const service = { group: "g", version: "1.0.0" };
let trestle: Trestle;

beforeAll(async () => {
  requireNamespace();
  trestle = await startTrestle();
});

afterAll(async () => {
  await stopAll();
});

test.each(lines)("a %s provider and consumer find each other through the embedded registry", async (line) => {
  const registry = trestle.registry;
  const provider = await startProvider(line, { ...service, registry, host: hosts.provider1, label: line });
  onTestFinished(async () => void (await provider.stop()));
  const consumer = await startConsumer(line, { ...service, registry });
  onTestFinished(() => consumer.stop());
  const loop = await consumer.loop({ methods: "getOrder,createOrder", threads: 2, delay: 5 });
  await eventually("a hundred calls", async () => (await loop.stats()).calls > 100, 20_000);
  expect((await loop.stop()).errors).toEqual([]);
  const metrics = (await trestle.get("/metrics")).body;
  expect(metrics).toMatch(/istio_requests_total\{[^}]*request_operation="createOrder"[^}]*\} [1-9]/);
});
