import { expect, test } from "vitest";
import {
  type ChangeRow,
  NACOS,
  NACOS_STOCK,
  quantile,
  registryTables,
  ZOOKEEPER,
} from "../../bench/registry-numbers.ts";

const change = (services: number, more: Partial<ChangeRow> = {}): ChangeRow => ({
  registry: ZOOKEEPER,
  services,
  instances: 20,
  changesPerSecond: 50,
  changes: 100,
  entryMs: Array.from({ length: 100 }, (_, index) => index + 1),
  routedMs: Array.from({ length: 100 }, (_, index) => index + 401),
  parentCpuMs: 2,
  workerCpuMs: 0.5,
  failedCalls: 0,
  ...more,
});

test.each([
  { name: "the middle", share: 0.5, value: 50 },
  { name: "the 99th of a hundred", share: 0.99, value: 99 },
  { name: "the last", share: 1, value: 100 },
])("a quantile is the value under which its share stands: $name", ({ share, value }) => {
  expect(quantile(change(1).entryMs.toReversed(), share)).toBe(value);
});

test("no values have no quantile", () => {
  expect(quantile([], 0.5)).toBeNaN();
});

test("the times of 1,000 services, the cost beside a small world, memory and restarts are judged", () => {
  const text = registryTables({
    changes: [change(100), change(1_000), change(5_000, { parentCpuMs: 4 })],
    memory: [
      {
        ...{ registry: ZOOKEEPER, services: 5_000, instances: 20, loadSeconds: 9.5 },
        ...{ parentMb: 700, parentPeakMb: 900, workerMb: [200, 210] },
      },
    ],
    restarts: [{ registry: ZOOKEEPER, services: 10_000, instances: 2, files: 10_000, written: 3, seconds: 5 }],
  });
  expect(text).toContain("| ZooKeeper | 1000 x 20 | 50.0 | 100 | 50 | 99 | 100 | 450 | 499 | 500 | 2.00 | 0.50 | 0 |");
  expect(text).toContain("| ZooKeeper | 5000 x 20 | 9.5 | 700 | 900 | 200, 210 | 1110 |");
  expect(text).toContain("| ZooKeeper: routed by all workers, p99 ms, 1,000 services | 499 | ≤ 500 | met |");
  expect(text).toContain("| ZooKeeper: parent CPU/change, 5000 services beside 100 | 2.00 | ≤ 1.50 | missed |");
  expect(text).toContain("| ZooKeeper: parent RSS MB, 100000 instances | 700 | ≤ 1024 | met |");
  expect(text).toContain("| ZooKeeper: files written by a restart, 10000 services | 3 | ≤ 0 | missed |");
});

test("what a registry waits by itself is not counted against the goal, and registries are compared with themselves alone", () => {
  const text = registryTables({
    changes: [
      change(1_000, { registry: NACOS_STOCK, entryMs: [1_100], routedMs: [990], parentCpuMs: 9 }),
      change(100, { registry: NACOS, parentCpuMs: 1 }),
      change(1_000, { registry: NACOS, parentCpuMs: 1.2 }),
    ],
    memory: [],
    restarts: [],
  });
  expect(text).toContain("entry out, p99 ms, 1,000 services, beyond the server's own 500 ms | 600 | ≤ 500 | missed |");
  expect(text).toContain("1,000 services, beyond the server's own 500 ms | 490 | ≤ 500 | met |");
  expect(text).toContain("50: parent CPU/change, 1000 services beside 100 | 1.20 | ≤ 1.50 | met |");
  expect(text.match(/CPU\/change/g)).toHaveLength(1);
});

test("what was not measured is neither shown nor judged", () => {
  expect(registryTables({ changes: [], memory: [], restarts: [] })).toBe("");
});
