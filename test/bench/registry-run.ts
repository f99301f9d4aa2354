import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, type Peer, sleep, startProcess, stopAll } from "../support/process.ts";
import type { ChangeRow, MemoryRow, RegistryResults, RestartRow } from "./registry-numbers.ts";
import { FileProbe, RouteProbes, startEchoes } from "./registry-probes.ts";
import { type BenchServer, chosenWorlds, type RegistryWorlds, startBenchServer } from "./registry-servers.ts";
import { type FilledRegistry, fillRegistry } from "./registry-world.ts";

/*
 * The registries' bench, run in the test network: real registries, filled, with `trestle up` of two workers before each. Prints its
 * results as JSON. Arguments: `quick` or nothing, and `{...}`, what is other than there, or `only=REGISTRY`.
 */

const CHANGES_PER_SECOND = 50;
const INSTANCES = 20;
const FIRST_PORT = 20_001;
const MOVER_PORT = FIRST_PORT + INSTANCES;
const PROXY_PORTS = [20_880, 20_881];
const ADMIN = `${hosts.trestle}:15000`;

async function main(args: readonly string[]): Promise<void> {
  requireNamespace();
  const changes: ChangeRow[] = [];
  const memory: MemoryRow[] = [];
  const restarts: RestartRow[] = [];
  for (const worlds of chosenWorlds(args)) {
    for (const { services, changingMs } of worlds.changing) changes.push(await changing(worlds, services, changingMs));
    for (const { services, instances } of worlds.restart) {
      const rows = await restarted(worlds, services, instances);
      memory.push(rows.memory);
      restarts.push(rows.restart);
    }
  }
  process.stdout.write(JSON.stringify({ changes, memory, restarts } satisfies RegistryResults));
}

/** Changes at a steady rate: with calls for the times, then without for the CPU time. */
async function changing(worlds: RegistryWorlds, services: number, changingMs: number): Promise<ChangeRow> {
  const ports = Array.from({ length: INSTANCES + 1 }, (_, index) => FIRST_PORT + index);
  return await withRegistry(
    worlds,
    services,
    INSTANCES,
    {
      placeOf: (_, instance) => `${hosts.provider1}:${FIRST_PORT + instance}`,
      mover: `${hosts.provider1}:${MOVER_PORT}`,
    },
    async (registry, directory, server) => {
      const echoes = await startEchoes(hosts.provider1, ports);
      const { peer } = await startUp(server, directory, services);
      const out = join(directory, "out");
      await eventually(
        "all entries are out",
        async () => (await readdir(out)).length >= services || undefined,
        120_000,
      );
      await sleep(2_000);
      const files = new FileProbe(out, String(MOVER_PORT));
      const routes = new RouteProbes(hosts.trestle, PROXY_PORTS, MOVER_PORT);
      const measured = await paced(registry, changingMs, (change, sentMs) => {
        files.expect(change, sentMs);
        routes.expect(change, sentMs);
      });
      try {
        await eventually("all changes are in force", () => files.open + routes.open === 0, 30_000);
      } catch {
        throw new Error(`not in force after 30 s: ${files.open} entries, ${routes.open} routes`);
      } finally {
        files.close();
        routes.close();
      }
      const { failedCalls } = routes;
      await sleep(1_000);
      const pids = [peer.pid, ...(await childrenOf(peer.pid))];
      const before = await Promise.all(pids.map(cpuMs));
      const quiet = await paced(registry, worlds.quietMs, () => {});
      await sleep(1_000);
      const after = await Promise.all(pids.map(cpuMs));
      const spent = after.map((ms, i) => (ms - before[i]!) / quiet.changes);
      await peer.stop(10_000);
      echoes.close();
      return {
        registry: worlds.title,
        services,
        instances: INSTANCES,
        ...measured,
        entryMs: files.entryMs,
        routedMs: routes.routedMs,
        parentCpuMs: spent[0]!,
        workerCpuMs: spent.slice(1).reduce((sum, ms) => sum + ms, 0) / (spent.length - 1),
        failedCalls,
      };
    },
  );
}

async function paced(
  registry: FilledRegistry,
  forMs: number,
  onSend: (change: Parameters<Parameters<FilledRegistry["change"]>[0]>[0], sentMs: number) => void,
): Promise<{ changes: number; changesPerSecond: number }> {
  const startMs = performance.now();
  const waiting: Promise<void>[] = [];
  let changes = 0;
  while (performance.now() - startMs < forMs) {
    waiting.push(registry.change((change) => onSend(change, performance.now())));
    changes++;
    await sleep(Math.max(0, startMs + (changes * 1_000) / CHANGES_PER_SECOND - performance.now()));
  }
  await Promise.all(waiting);
  return { changes, changesPerSecond: (changes * 1_000) / (performance.now() - startMs) };
}

/**
 * A large world is read, then looked at by a program that was started anew while nothing changed. Every instance has an address of its own.
 */
async function restarted(
  worlds: RegistryWorlds,
  services: number,
  instances: number,
): Promise<{ readonly memory: MemoryRow; readonly restart: RestartRow }> {
  const placeOf = (service: number, instance: number) => {
    const number = service * instances + instance;
    return `10.${100 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}:20880`;
  };
  const place = { placeOf, mover: undefined };
  return await withRegistry(worlds, services, instances, place, async (_, directory, server) => {
    const out = join(directory, "out");
    const first = await startUp(server, directory, services);
    await eventually("all entries are out", async () => (await readdir(out)).length >= services || undefined, 300_000);
    await sleep(10_000);
    const { pid } = first.peer;
    const [parent, ...workers] = await Promise.all([pid, ...(await childrenOf(pid))].map(residentMb));
    await first.peer.stop(10_000);
    const before = await marksOf(out);
    const second = await startUp(server, directory, services);
    await sleep(10_000);
    await second.peer.stop(10_000);
    const after = await marksOf(out);
    const written = [...after].filter(([name, mark]) => before.get(name) !== mark).length;
    const gone = [...before.keys()].filter((name) => !after.has(name)).length;
    const world = { registry: worlds.title, services, instances };
    return {
      memory: {
        ...world,
        loadSeconds: first.seconds,
        parentMb: parent!.now,
        parentPeakMb: parent!.most,
        workerMb: workers.map(({ now }) => now),
      },
      restart: { ...world, files: before.size, written: written + gone, seconds: second.seconds },
    };
  });
}

/** Time and inode of each file: a replaced one has others. */
async function marksOf(directory: string): Promise<ReadonlyMap<string, string>> {
  const marks = new Map<string, string>();
  for (const name of await readdir(directory)) {
    const { mtimeMs, ino } = await stat(join(directory, name));
    marks.set(name, `${mtimeMs} ${ino}`);
  }
  return marks;
}

async function withRegistry<T>(
  worlds: RegistryWorlds,
  services: number,
  instances: number,
  place: Parameters<typeof fillRegistry>[3],
  run: (registry: FilledRegistry, directory: string, server: BenchServer) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "trestle-bench-"));
  const server = await startBenchServer(worlds);
  try {
    const startMs = performance.now();
    const registry = await fillRegistry(await server.open(), services, instances, place);
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
    process.stderr.write(`${worlds.title}: ${services} x ${instances} written in ${seconds} s\n`);
    const result = await run(registry, directory, server);
    await registry.close();
    return result;
  } finally {
    await server.stop();
    await stopAll();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Starts `trestle up` and waits until all services are in force. */
async function startUp(
  server: BenchServer,
  directory: string,
  services: number,
): Promise<{ readonly peer: Peer; readonly seconds: number }> {
  const program = process.env["TRESTLE_PROGRAM"] ?? join(dirname(fileURLToPath(import.meta.url)), "../../dist/cli.js");
  const startMs = performance.now();
  const peer = await startProcess({
    name: "trestle up",
    command: process.execPath,
    args: [
      ...(process.env["TRESTLE_NODE_ARGS"]?.split(" ") ?? []),
      program,
      "up",
      ...["--registry", server.registry, "--facade", server.facade, "--proxy-host", hosts.trestle],
      ...["--proxy-port", PROXY_PORTS.join(), "--admin", ADMIN, "--log-level", "warn"],
      ...["--output", `files=${join(directory, "out")}`],
    ],
    ready: async () => await isInForce(services),
    deadlineMs: 300_000,
  });
  if (peer.log() !== "") process.stderr.write(`${peer.log()}\n`);
  return { peer, seconds: (performance.now() - startMs) / 1_000 };
}

async function isInForce(services: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://${ADMIN}/api/v1/status`, { signal: AbortSignal.timeout(2_000) });
    const status = (await answer.json()) as { ready: boolean; services: number };
    return status.ready && status.services >= services;
  } catch {
    return false;
  }
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.trim().split(" ").map(Number);
}

/** User and system time that the kernel counted for a process, ms. */
async function cpuMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function residentMb(pid: number): Promise<{ readonly now: number; readonly most: number }> {
  const text = await readFile(`/proc/${pid}/status`, "utf8");
  const mb = (key: string) => Number(new RegExp(`${key}:\\s+(\\d+) kB`).exec(text)![1]) / 1_024;
  return { now: mb("VmRSS"), most: mb("VmHWM") };
}

await main(process.argv.slice(2)).catch(async (error: Error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
  await stopAll();
});
process.exit();
