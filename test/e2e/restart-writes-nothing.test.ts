import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEurekaStore, openNacosStore, openZooKeeperStore } from "../bench/registry-stores.ts";
import { type BenchStore, serviceName } from "../bench/registry-world.ts";
import { startEureka } from "../support/eureka.ts";
import { startNacos } from "../support/nacos.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, sleep, stopAll } from "../support/process.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";
import { startZooKeeper } from "../support/zookeeper.ts";

/** A program that is started anew before registries in which nothing changed: what it wrote stands, untouched. */

const SERVICES = 200;
/** Half of the Dubbo services stand in both of their registries. */
const SHARED = SERVICES / 2;

let directory: string;
let registries: readonly string[];
let stores: readonly BenchStore[];

beforeAll(async () => {
  requireNamespace();
  directory = await mkdtemp(join(tmpdir(), "trestle-restart-"));
  const [zookeeper, nacos, eureka] = await Promise.all([
    startZooKeeper(hosts.registry),
    startNacos(hosts.registry),
    startEureka(),
  ]);
  registries = [zookeeper.address, nacos.address, `eureka://${eureka.host}:${eureka.port}/eureka?interval=1s`];
  stores = [await openZooKeeperStore(zookeeper), await openNacosStore(nacos), openEurekaStore(eureka)];
  const starts = [0, SERVICES - SHARED, 0];
  for (const [at, store] of stores.entries()) {
    const numbers = Array.from({ length: SERVICES }, (_, i) => starts[at]! + i);
    const places = (number: number) => [1, 2].map((one) => `10.10${at}.${one}.${number % 250}:${20_000 + number}`);
    await Promise.all(numbers.map((number) => store.add(serviceName(number), places(number))));
  }
}, 240_000);

afterAll(async () => {
  await Promise.all((stores ?? []).map((store) => store.close()));
  await stopAll();
  await rm(directory, { recursive: true, force: true });
});

function start(): Promise<Trestle> {
  const [first, ...others] = registries;
  return startTrestle({
    registry: first!,
    facade: "",
    output: `files=${directory}`,
    extra: others.flatMap((one) => ["--registry", one]),
  });
}

/** Time and inode of each file: a replaced one has others. */
async function marks(): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(directory)).sort();
  const all = names.map(async (name) => {
    const { mtimeMs, ino } = await stat(join(directory, name));
    return [name, `${mtimeMs} ${ino}`] as const;
  });
  return Object.fromEntries(await Promise.all(all));
}

/** All services of all registries are known, and what was written has stood for a while. */
async function settled(trestle: Trestle): Promise<Readonly<Record<string, string>>> {
  const files = 3 * SERVICES - SHARED;
  await eventually(
    "all services are known",
    async () => ((await trestle.json("/api/v1/status")) as { services: number }).services === files,
    60_000,
  );
  await eventually("all entries are out", async () => (await readdir(directory)).length === files, 60_000);
  let before = await marks();
  return await eventually(
    "nothing is written for 2 s",
    async () => {
      await sleep(2_000);
      const now = await marks();
      const isQuiet = JSON.stringify(now) === JSON.stringify(before);
      before = now;
      return isQuiet ? now : undefined;
    },
    60_000,
  );
}

test("before a ZooKeeper, a Nacos and a Eureka that hold the same as before, a restart writes no file", async () => {
  const first = await start();
  const written = await settled(first);
  await first.stop();
  expect(await marks()).toEqual(written);
  const second = await start();
  expect(await settled(second)).toEqual(written);
  await second.stop();
}, 240_000);
