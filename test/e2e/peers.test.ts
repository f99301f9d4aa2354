import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { lines, startConsumer, startProvider, surprises } from "../support/dubbo.ts";
import { knownDifferences } from "../support/known-differences.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { type Peer, stopAll } from "../support/process.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";

// What the real peers do among themselves, without Trestle: whatever differs here cannot be blamed on the mesh.
let zookeeper: ZooKeeper;

beforeAll(async () => {
  requireNamespace();
  zookeeper = await startZooKeeper();
});

afterAll(async () => {
  await stopAll();
});

describe.each(lines)("a %s provider over a real ZooKeeper", (providerLine) => {
  let provider: Peer;
  const service = { group: "g", version: "1.0.0" };

  beforeAll(async () => {
    const registry = zookeeper.address;
    provider = await startProvider(providerLine, { ...service, registry, host: hosts.provider1, label: providerLine });
  });

  afterAll(async () => {
    await provider.stop();
  });

  test.each(lines)("answers every kind of call of a %s consumer", async (line) => {
    const consumer = await startConsumer(line, { ...service, registry: zookeeper.address });
    onTestFinished(() => consumer.stop());
    const checks = await consumer.suite();
    expect(surprises(checks, knownDifferences(line, providerLine))).toEqual([]);
    expect(checks.length).toBeGreaterThan(110);
  });
});
