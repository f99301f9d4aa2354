/** The pure part of the registries' bench: what a run measured, and the tables made of it. */
import { digits, markdown } from "./numbers.ts";

/** Titles of the registries that are measured. */
export const ZOOKEEPER = "ZooKeeper";
/** Nacos 2.3.2 over gRPC, its `nacos.naming.push.pushTaskDelay` set to 50 ms. */
export const NACOS = "Nacos, pushTaskDelay 50";
/** The same as it comes: it waits 500 ms before it tells anybody of a change. */
export const NACOS_STOCK = "Nacos, as it comes";
/** Eureka as Spring Cloud serves it; it is asked what changed every 5 s. */
export const EUREKA = "Eureka";

/** Changes at a steady rate in a world of one size. */
export interface ChangeRow {
  /** The registry's title, the same in all rows that are compared. */
  readonly registry: string;
  readonly services: number;
  readonly instances: number;
  readonly changesPerSecond: number;
  readonly changes: number;
  /** From the request to the registry until the entry's file says it, ms, of each change. */
  readonly entryMs: readonly number[];
  /** Until all workers carry calls by it, ms, of each change. */
  readonly routedMs: readonly number[];
  /** CPU time of the parent, and of one worker, for each change while no calls are made, ms. */
  readonly parentCpuMs: number;
  readonly workerCpuMs: number;
  /** Calls that were not answered well. */
  readonly failedCalls: number;
}

/** One world that was loaded. */
export interface MemoryRow {
  readonly registry: string;
  readonly services: number;
  readonly instances: number;
  /** From the start until everything is in force, s. */
  readonly loadSeconds: number;
  readonly parentMb: number;
  /** The parent's most so far. */
  readonly parentPeakMb: number;
  readonly workerMb: readonly number[];
}

/** A restart in front of a registry in which nothing changed. */
export interface RestartRow {
  readonly registry: string;
  readonly services: number;
  readonly instances: number;
  readonly files: number;
  /** Files with another time or inode than before. */
  readonly written: number;
  readonly seconds: number;
}

/** All that one run measured. */
export interface RegistryResults {
  readonly changes: readonly ChangeRow[];
  readonly memory: readonly MemoryRow[];
  readonly restarts: readonly RestartRow[];
}

const LATENCY_GOAL_MS = 500;
/** What a registry waits by itself before it tells of a change; the goal begins then. */
const OWN_WAIT_MS: Readonly<Record<string, number>> = { [NACOS_STOCK]: 500 };
const MEMORY_GOAL_MB = 1024;
/** The larger world may cost this much more CPU time a change than the smallest. */
const GROWTH_GOAL = 1.5;

/** The value under which a share of all stand; NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** The measurements as Markdown tables, then the goals. */
export function registryTables({ changes, memory, restarts }: RegistryResults): string {
  const tables = [
    changes.length === 0 ? "" : changeTable(changes),
    memory.length === 0 ? "" : memoryTable(memory),
    restarts.length === 0 ? "" : restartTable(restarts),
    goalTable(changes, memory, restarts),
  ];
  return tables.filter((table) => table !== "").join("\n\n");
}

function changeTable(rows: readonly ChangeRow[]): string {
  const header = ["registry", "services x instances", "changes/s", "changes"];
  const times = (what: string) => [`${what} p50 ms`, `${what} p99 ms`, `${what} most ms`];
  const cpu = ["parent CPU ms/change", "worker CPU ms/change", "failed calls"];
  return markdown(
    [...header, ...times("entry out"), ...times("routed"), ...cpu],
    rows.map((row) => [
      row.registry,
      `${row.services} x ${row.instances}`,
      digits(row.changesPerSecond, 1),
      String(row.changes),
      ...[row.entryMs, row.routedMs].flatMap((list) => [0.5, 0.99, 1].map((share) => digits(quantile(list, share), 0))),
      digits(row.parentCpuMs),
      digits(row.workerCpuMs),
      String(row.failedCalls),
    ]),
  );
}

function memoryTable(rows: readonly MemoryRow[]): string {
  return markdown(
    [
      "registry",
      "services x instances",
      "loaded after s",
      "parent RSS MB",
      "its most MB",
      "each worker RSS MB",
      "all together MB",
    ],
    rows.map((row) => [
      row.registry,
      `${row.services} x ${row.instances}`,
      digits(row.loadSeconds, 1),
      digits(row.parentMb, 0),
      digits(row.parentPeakMb, 0),
      row.workerMb.map((mb) => digits(mb, 0)).join(", "),
      digits(
        row.workerMb.reduce((sum, mb) => sum + mb, row.parentMb),
        0,
      ),
    ]),
  );
}

function restartTable(rows: readonly RestartRow[]): string {
  return markdown(
    ["registry", "services x instances", "entry files", "written by the restart", "in force after s"],
    rows.map(({ registry, services, instances, files, written, seconds }) => [
      registry,
      `${services} x ${instances}`,
      String(files),
      String(written),
      digits(seconds, 1),
    ]),
  );
}

function goalTable(
  changes: readonly ChangeRow[],
  memory: readonly MemoryRow[],
  restarts: readonly RestartRow[],
): string {
  const rows: string[][] = [];
  const judge = (what: string, value: number, most: number, decimals: number) => {
    const isMet = value <= most;
    rows.push([what, digits(value, decimals), `≤ ${digits(most, decimals)}`, isMet ? "met" : "missed"]);
  };
  for (const { registry, services, entryMs, routedMs } of changes) {
    if (services !== 1_000) continue;
    const ownMs = OWN_WAIT_MS[registry] ?? 0;
    const of = ownMs === 0 ? "1,000 services" : `1,000 services, beyond the server's own ${ownMs} ms`;
    judge(`${registry}: entry out, p99 ms, ${of}`, quantile(entryMs, 0.99) - ownMs, LATENCY_GOAL_MS, 0);
    judge(`${registry}: routed by all workers, p99 ms, ${of}`, quantile(routedMs, 0.99) - ownMs, LATENCY_GOAL_MS, 0);
  }
  for (const registry of new Set(changes.map((row) => row.registry))) {
    const bySize = changes.filter((row) => row.registry === registry).sort((a, b) => a.services - b.services);
    const [least, most] = [bySize[0]!, bySize.at(-1)!];
    if (least === most) continue;
    const what = `${registry}: parent CPU/change, ${most.services} services beside ${least.services}`;
    judge(what, most.parentCpuMs / least.parentCpuMs, GROWTH_GOAL, 2);
  }
  for (const { registry, services, instances, parentMb } of memory) {
    if (services * instances < 100_000) continue;
    judge(`${registry}: parent RSS MB, ${services * instances} instances`, parentMb, MEMORY_GOAL_MB, 0);
  }
  for (const { registry, services, written } of restarts)
    judge(`${registry}: files written by a restart, ${services} services`, written, 0, 0);
  return rows.length === 0 ? "" : markdown(["figure", "Trestle", "goal", ""], rows);
}
