import { expect, test } from "vitest";
import { createMetrics } from "../../../../src/base/metrics.ts";
import { addProcessMetrics } from "../../../../src/control/admin/process-metrics.ts";

test("CPU time, memory and start of the process are read at each exposition", () => {
  const metrics = createMetrics();
  addProcessMetrics(metrics);
  const value = (name: string): number => Number(new RegExp(`^${name} (.*)$`, "m").exec(metrics.expose())?.[1]);
  const first = value("process_cpu_seconds_total");
  expect(first).toBeGreaterThan(0);
  expect(value("process_cpu_seconds_total")).toBeGreaterThanOrEqual(first);
  expect(value("process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
  expect(value("nodejs_heap_used_bytes")).toBeGreaterThan(1_000_000);
  expect(value("process_start_time_seconds")).toBeGreaterThan(1_600_000_000);
});
