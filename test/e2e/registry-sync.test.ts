import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { realClock } from "../../src/base/clock.ts";
import { encodeSpringInstance } from "../../src/codecs/zookeeper/curator-instance.ts";
import { createController } from "../../src/registry-sync/controller.ts";
import { encodeName } from "../../src/registry-sync/dubbo/url.ts";
import { createFilesSink } from "../../src/registry-sync/sinks/files.ts";
import { createZooKeeperClient, type ZooKeeperClient } from "../../src/registry-sync/sources/zookeeper/client.ts";
import { createZookeeperSource } from "../../src/registry-sync/sources/zookeeper/source.ts";
import { recordingLogger } from "../support/recording-logger.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";

/** The sync with a real ZooKeeper 3.8 and a folder; providers are sessions that write what a Dubbo 2.7 provider writes. */

const HOST = "127.0.0.1";
const PORT = 21_817;
const SERVICE = "com.acme.OrderService";
const FILE = "com.acme.orderservice-1-0-0.yaml";

let zookeeper: ZooKeeper;
let folder = "";
let writer: ZooKeeperClient;
const stop = new AbortController();
const { logger, lines } = recordingLogger();
let done: Promise<void> = Promise.resolve();
let controller: ReturnType<typeof createController>;

const urlOf = (address: string) =>
  `dubbo://${address}:20880/${SERVICE}?application=shop&interface=${SERVICE}&version=1.0.0&timestamp=1795248724866`;
const nodeOf = (address: string) => `/dubbo/${SERVICE}/providers/${encodeName(urlOf(address))}`;
const tenAddresses = Array.from({ length: 10 }, (_, index) => `10.9.0.${index + 1}`);

function connect(): ZooKeeperClient {
  return createZooKeeperClient({ servers: [{ host: HOST, port: PORT }], sessionTimeoutMs: 2_000 });
}

async function register(client: ZooKeeperClient, addresses: readonly string[]): Promise<void> {
  for (const address of addresses) await client.create(nodeOf(address), null, { mode: "ephemeral" });
}

async function childrenOf(path: string): Promise<{ readonly name: string; readonly path: string }[]> {
  return (await writer.getChildren(path)).children.map((name) => ({ name, path: `${path}/${name}` }));
}

/** The addresses in the service's file; undefined where there is no file. */
async function addressesInFile(): Promise<readonly string[] | undefined> {
  const text = await readFile(join(folder, FILE), "utf8").catch(() => undefined);
  return text === undefined ? undefined : [...text.matchAll(/^ {4}- address: (\S+)$/gm)].map(([, address]) => address!);
}

async function until<T>(what: string, read: () => Promise<T> | T, isGood: (value: T) => boolean, withinMs = 5_000) {
  const endMs = Date.now() + withinMs;
  for (;;) {
    const value = await read();
    if (isGood(value)) return value;
    if (Date.now() > endMs) throw new Error(`${what}: still ${JSON.stringify(value)} after ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "trestle-sync-"));
  zookeeper = await startZooKeeper(HOST, PORT);
  writer = connect();
  await writer.connected(10_000);
  for (const path of ["/dubbo", `/dubbo/${SERVICE}`, `/dubbo/${SERVICE}/providers`]) await writer.create(path);
  const source = createZookeeperSource({ name: "legacy", hosts: [`${HOST}:${PORT}`], sessionTimeoutMs: 2_000 });
  controller = createController({
    sources: [source],
    sinks: [createFilesSink({ directory: folder, owner: "trestle" })],
    owner: "trestle",
    clock: realClock,
    logger,
  });
  done = controller.run(stop.signal);
});

afterAll(async () => {
  stop.abort();
  await done;
  await writer?.close();
  await zookeeper?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("what providers register stands in a file soon after", async () => {
  await register(writer, tenAddresses);
  expect(new Set(await until("ten registered", addressesInFile, (list) => list?.length === 10))).toEqual(
    new Set(tenAddresses),
  );
  expect(await readdir(folder)).toEqual([FILE]);
});

test("roots of its own are read alone: one for Dubbo, two for Spring Cloud", async () => {
  const provider = encodeName(`dubbo://10.9.1.1:20880/a.Own?application=own&interface=a.Own`);
  const spring = (name: string) => encodeSpringInstance({ name, id: "1", address: "10.9.1.2", port: 80, metadata: {} });
  const nodes = [
    ["/own", "/a.Own", "/providers", `/${provider}`],
    ["/apps", "/near", "/1"],
    ["/more", "/far", "/1"],
  ];
  for (const parts of nodes) {
    for (let depth = 1; depth < parts.length; depth++) await writer.create(parts.slice(0, depth).join(""));
    await writer.create(parts.join(""), parts[0] === "/own" ? null : spring(parts[1]!.slice(1)));
  }
  const source = createZookeeperSource({
    ...{ name: "own", hosts: [`${HOST}:${PORT}`], root: "/own", services: "/apps", springRoots: ["/more"] },
  });
  const ending = new AbortController();
  for await (const { entries } of source.watch(ending.signal)) {
    expect(entries.map(({ host }) => host)).toEqual(["a.own", "far", "near"]);
    ending.abort();
  }
}, 30_000);

test("a legacy override reaches the file", async () => {
  await writer.create(`/dubbo/${SERVICE}/configurators`);
  const override = encodeName(`override://10.9.0.1:20880/${SERVICE}?category=configurators&version=1.0.0&weight=7`);
  await writer.create(`/dubbo/${SERVICE}/configurators/${override}`);
  const text = await until(
    "weight 7",
    () => readFile(join(folder, FILE), "utf8"),
    (file) => /^ {6}weight: 7$/m.test(file),
  );
  expect(text.match(/^ {6}weight: 100$/gm)).toHaveLength(9);
});

test("a weight of the config centre reaches the file, wins over the override, and goes with its key", async () => {
  const key = "/dubbo/config/dubbo/shop.configurators";
  const rule =
    "configVersion: v2.7\nenabled: true\nconfigs:\n- {side: provider, addresses: [10.9.0.1], parameters: {weight: 9}}";
  for (const path of ["/dubbo/config", "/dubbo/config/dubbo"]) await writer.create(path);
  const read = () => readFile(join(folder, FILE), "utf8");
  await writer.create(key, Buffer.from(rule));
  await until("weight 9", read, (file) => /^ {6}weight: 9$/m.test(file));
  await writer.delete(key);
  await until("weight 7 again", read, (file) => /^ {6}weight: 7$/m.test(file));
});

test("a registry that is killed, and comes back without its sessions' nodes, takes nothing from the file", async () => {
  const seen = new Set<number | undefined>();
  await zookeeper.kill();
  for (let step = 0; step < 20; step++) {
    seen.add((await addressesInFile())?.length);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await writer.close().catch(() => {});
  await zookeeper.restart();
  writer = connect();
  await writer.connected(20_000);
  // The old writer's session could not be closed at the server: it expires there, and its ten nodes go at once.
  await until(
    "nodes expired",
    async () => (await writer.getChildren(`/dubbo/${SERVICE}/providers`)).children.length,
    (count) => count === 0,
    20_000,
  );
  await until(
    "held",
    () => controller.state.get().held,
    (held) => [...held.values()].join() === "10",
    10_000,
  );
  seen.add((await addressesInFile())?.length);
  expect([...seen]).toEqual([10]);
  expect(controller.state.get().findings.map((one) => one.code)).toEqual(expect.arrayContaining(["TR0150", "TR0151"]));
});

test("providers that register again are held no more, and the registry is followed as before", async () => {
  await register(writer, tenAddresses);
  await until(
    "none held",
    () => controller.state.get().held,
    (held) => held.size === 0,
  );
  // Half a minute after an outage a loss passes only where it is known to be meant.
  controller.expectRemoval("legacy", ["10.9.0.9:20880"]);
  await writer.delete(nodeOf("10.9.0.9"));
  await until("one taken back", addressesInFile, (list) => list?.length === 9);
  expect(await addressesInFile()).not.toContain("10.9.0.9");
  expect(lines.some(([, text]) => text === "no provider is held any more")).toBe(true);
});

test("a node that is no URL is told and left out", async () => {
  await writer.create(`/dubbo/${SERVICE}/providers/rubbish%`);
  await until(
    "the finding",
    () => controller.state.get().findings.map((one) => one.code),
    (codes) => codes.includes("TR0101"),
  );
  expect(await addressesInFile()).toHaveLength(9);
});

test("the last few providers of a registry that loses its data stay until they have registered again", async () => {
  const few = tenAddresses.slice(0, 2);
  controller.expectRemoval(
    "legacy",
    tenAddresses.slice(2).map((address) => `${address}:20880`),
  );
  for (const { path } of (await childrenOf(`/dubbo/${SERVICE}/providers`)).filter(
    ({ name }) => !few.some((one) => name === encodeName(urlOf(one))),
  )) {
    await writer.delete(path);
  }
  await until("two left", addressesInFile, (list) => list?.length === 2);
  await zookeeper.stop();
  zookeeper = await startZooKeeper(HOST, PORT);
  writer = connect();
  await writer.connected(20_000);
  await until(
    "held",
    () => controller.state.get().held,
    (held) => [...held.values()].join() === "2",
    15_000,
  );
  expect(await addressesInFile()).toEqual(few);
  for (const path of ["/dubbo", `/dubbo/${SERVICE}`, `/dubbo/${SERVICE}/providers`]) await writer.create(path);
  await register(writer, few);
  await until(
    "none held",
    () => controller.state.get().held,
    (held) => held.size === 0,
  );
  expect(await addressesInFile()).toEqual(few);
});

test("a root that may not be read yields nothing but a finding, at a real server too", async () => {
  const auth = (password: string) => ({ auth: { username: "u", password } });
  const owner = createZooKeeperClient({ servers: [{ host: HOST, port: PORT }], ...auth("right") });
  await owner.connected(10_000);
  await owner.create("/sec", null, { acl: [{ perms: 31, scheme: "auth", id: "" }] });
  await owner.close();
  const worldWith = async (password: string) => {
    const codes: string[] = [];
    const ending = new AbortController();
    const source = createZookeeperSource({
      name: "sec",
      hosts: [`${HOST}:${PORT}`],
      root: "/sec",
      ...auth(password),
      onFindings: (findings) => {
        codes.push(...findings.map(({ code }) => code));
        if (codes.length > 0) setTimeout(() => ending.abort(), 500);
      },
    });
    for await (const { name } of source.watch(ending.signal)) return name;
    return codes;
  };
  expect(await worldWith("wrong")).toEqual(["TR0105"]);
  expect(await worldWith("right")).toBe("sec");
});

test("a registry that was emptied between two runs deletes no file of the first", async () => {
  const files = await mkdtemp(join(tmpdir(), "trestle-sync-"));
  const names = Array.from({ length: 8 }, (_, index) => `com.acme.Service${index}`);
  for (const path of ["/two", ...names.flatMap((name) => [`/two/${name}`, `/two/${name}/providers`])])
    await writer.create(path);
  const nodes = names.flatMap((name) =>
    tenAddresses
      .slice(0, 6)
      .map((at) => `/two/${name}/providers/${encodeName(`dubbo://${at}:20880/${name}?interface=${name}`)}`),
  );
  for (const node of nodes) await writer.create(node);
  const run = () => {
    const ending = new AbortController();
    const one = createController({
      sources: [createZookeeperSource({ name: "two", hosts: [`${HOST}:${PORT}`], root: "/two" })],
      sinks: [createFilesSink({ directory: files, owner: "trestle" })],
      owner: "trestle",
      clock: realClock,
      logger,
    });
    const ended = one.run(ending.signal);
    return {
      state: one.state,
      end: async () => {
        ending.abort();
        await ended;
      },
    };
  };
  const filesNow = async () => (await readdir(files)).filter((name) => name.endsWith(".yaml")).length;
  const first = run();
  await until("eight files", filesNow, (count) => count === 8);
  await first.end();
  for (const node of nodes) await writer.delete(node);
  const second = run();
  await until(
    "all held",
    () => second.state.get().held.get("two"),
    (held) => held === 48,
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await filesNow()).toBe(8);
  await second.end();
  await rm(files, { recursive: true, force: true });
});
