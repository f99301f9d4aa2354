import type { Metrics } from "../../base/metrics.ts";

/** The parent process's own metrics, under the names that Prometheus' clients use. */
export function addProcessMetrics(metrics: Metrics): void {
  const cpu = metrics.counter({
    name: "process_cpu_seconds_total",
    help: "User and system CPU time of the parent process, in seconds.",
  });
  const memory = metrics.gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory of the parent process, in bytes.",
  });
  const heap = metrics.gauge({ name: "nodejs_heap_used_bytes", help: "JavaScript heap in use, in bytes." });
  const started = metrics.gauge({
    name: "process_start_time_seconds",
    help: "Start of the parent process since 1970, in seconds.",
  });
  started.set(Math.round(Date.now() / 1000 - process.uptime()));
  let counted = 0;
  metrics.beforeExpose(() => {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    const total = (user + system) / 1e6;
    cpu.add(total - counted);
    counted = total;
    memory.set(rss);
    heap.set(heapUsed);
  });
}
