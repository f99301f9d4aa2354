import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { lines, startConsumer, startProvider, surprises } from "../support/dubbo.ts";
import { knownDifferences } from "../support/known-differences.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { stopAll } from "../support/process.ts";
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

describe.each(lines)("a %s provider over a real ZooKeeper", (line) => {
  test(`answers every kind of call of a ${line} consumer`, async () => {
    const options = { registry: zookeeper.address, group: "g", version: "1.0.0" };
    const provider = await startProvider(line, { ...options, host: hosts.provider1, label: line });
    onTestFinished(async () => void (await provider.stop()));
    const consumer = await startConsumer(line, options);
    onTestFinished(() => consumer.stop());
    const checks = await consumer.suite();
    expect(surprises(checks, knownDifferences(line, line))).toEqual([]);
    expect(checks.length).toBeGreaterThan(110);
  });
});
