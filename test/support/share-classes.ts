import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type DubboLine, dubboJars, lines, startConsumer, startProvider } from "./dubbo.ts";
import { nacosServerJars, startNacos } from "./nacos.ts";
import { hosts, requireNamespace } from "./netns.ts";
import { eventually, stopAll } from "./process.ts";
import { archiveOf, RECORD } from "./shared-classes.ts";
import { startZooKeeper, zookeeperJars } from "./zookeeper.ts";

// Makes the archives of shared-classes.ts that are missing, of the peers that tests start most: each is started once, to see what it loads.

/** A provider and a consumer that meet at a registry; by both protocols where the line has them. */
async function dubbo(line: DubboLine, registry: string): Promise<void> {
  const place = { registry, group: line, version: "1.0.0" };
  const isYoung = line.startsWith("3");
  const protocols = isYoung ? ({ protocol: "dubbo,tri" } as const) : {};
  const provider = await startProvider(line, { ...place, ...protocols, host: hosts.provider1 });
  const consumer = await startConsumer(line, { ...place, check: false });
  // Unit tests may have the machine for themselves meanwhile: a first call may be late for its consumer.
  const called = (ref?: string) => eventually("a call", () => consumer.call("getOrder", 1, undefined, ref), 60_000);
  await called();
  if (isYoung) {
    await consumer.refer("tri", { ...place, protocol: "tri", check: false });
    await called("tri");
  }
  // What they load at their end counts, too.
  await Promise.all([consumer.peer.stop(), provider.stop()]);
}

async function make(jars: string, load: () => Promise<unknown>): Promise<void> {
  const archive = archiveOf(jars);
  if (existsSync(archive)) return;
  const folder = mkdtempSync(join(tmpdir(), "trestle-classes-"));
  process.env[RECORD] = join(folder, "classes");
  await load();
  delete process.env[RECORD];
  const loaded = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n"));
  const list = join(folder, "list");
  writeFileSync(list, [...new Set(loaded)].join("\n"));
  await mkdir(dirname(archive), { recursive: true });
  // Another run may do the same: its file is as good.
  const made = `${archive}.${process.pid}`;
  const flags = ["-Xshare:dump", "-Xlog:disable", `-XX:SharedClassListFile=${list}`, `-XX:SharedArchiveFile=${made}`];
  await promisify(execFile)("java", [...flags, "-cp", jars]);
  await rename(made, archive);
  await rm(folder, { recursive: true });
}

requireNamespace();
const before = Date.now();
await make(zookeeperJars, async () => (await startZooKeeper(hosts.trestle)).peer.stop());
const { address } = await startZooKeeper();
for (const line of lines) await make(dubboJars(line), () => dubbo(line, address));
await make(nacosServerJars(), async () => (await startNacos(hosts.relay)).peer.stop());
await stopAll();
console.log(`archives of the peers' classes are there after ${Math.round((Date.now() - before) / 1000)} s`);
